"""A batch of people as a Stable-Baselines3 `VecEnv`.

It steps 256 people some 100 times as fast as Stable-Baselines3's own DummyVecEnv:

    env = RecommendationVectorEnv(InterestEvolution, num_envs=64, autoreset_mode="SameStep")
    PPO("MultiInputPolicy", VecEnvAdapter(env)).learn(100_000)
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

from recsim_env.envs.infos import tell_each

try:
    from stable_baselines3.common.vec_env import VecEnv
except ImportError as error:
    raise ImportError(
        'Stable-Baselines3 is not installed; install it with pip install "recsim-env[agents]"'
    ) from error


class VecEnvAdapter(VecEnv):
    """Lets Stable-Baselines3 train and evaluate in a batch environment, wrapped or not.

    As Stable-Baselines3 expects, the episode after one that ended begins in the same step; the last
    observation is in ``info["terminal_observation"]`` and ``info["TimeLimit.truncated"]`` tells
    whether it was only cut. What the environment reports stands beside them, of the episode that
    ended where one did; `reset_infos` has what was reported where one began. `action_masks` is
    there for sb3-contrib's MaskablePPO.

    Args:
      env: autoreset mode SAME_STEP.
      keep_ids: whether integer ids stay in a dict observation. Stable-Baselines3's own policies
        would turn thousands of ids into as many columns, but agents of `recsim_env.agents` want
        them, in its `evaluate_policy` for instance.

    Seeds are Gymnasium's: after ``seed(s)`` the next `reset` gives environment i the seed s + i;
    without a seed, `reset` goes on with the next episodes. The options of `set_options` are those
    of one person, and the next `reset` hands them on.

    Raises:
      TypeError: not a batch environment.
      ValueError: another autoreset mode.
    """

    def __init__(self, env: VectorEnv, *, keep_ids: bool = False) -> None:
        if not isinstance(env, VectorEnv):
            raise TypeError(
                f"{env!r} is not a batch of environments; make it with gymnasium.make_vec(..., "
                "autoreset_mode='SameStep')"
            )
        if env.metadata.get("autoreset_mode") != AutoresetMode.SAME_STEP:
            raise ValueError(
                f"autoreset_mode={env.metadata.get('autoreset_mode')} does not fit "
                "Stable-Baselines3; make the environment with autoreset_mode='SameStep'"
            )
        self.env = env
        space = env.single_observation_space
        self._shown: tuple[str, ...] = ()
        if isinstance(space, spaces.Dict):
            parts = {
                name: part
                for name, part in space.spaces.items()
                if keep_ids or isinstance(part, spaces.Box)
            }
            self._shown, space = tuple(parts), spaces.Dict(list(parts.items()))
        super().__init__(env.num_envs, space, env.single_action_space)
        self._actions: Any = None

    def _select(self, observation: Any) -> Any:
        """Returns what Stable-Baselines3 sees of an observation or a batch of them."""
        if not self._shown:
            return observation
        return {name: observation[name] for name in self._shown}

    def reset(self) -> Any:
        """Begins episodes, with the seeds given to `seed` since the last time."""
        # Any, since the annotation of VectorEnv leaves out the lists that its documentation allows.
        seeds: Any = None if all(seed is None for seed in self._seeds) else list(self._seeds)
        observation, infos = self.env.reset(seed=seeds, options=self._joint_options())
        self.reset_infos = [{} for _ in range(self.num_envs)]
        tell_each(infos, self.reset_infos)
        self._reset_seeds()
        self._reset_options()
        return self._select(observation)

    def _joint_options(self) -> dict[str, Any] | None:
        """Returns the options of everybody in one dict, as a batch takes them."""
        first = self._options[0]
        if all(options == first for options in self._options):
            return first or None
        names = dict.fromkeys(name for options in self._options for name in options)
        return {name: [options.get(name) for options in self._options] for name in names}

    def step_async(self, actions: np.ndarray) -> None:
        """Keeps the actions for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> tuple[Any, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Returns observations, rewards, whether episodes ended, and an info for each person.

        Raises:
          RuntimeError: no actions were kept since the last time.
        """
        actions, self._actions = self._actions, None
        if actions is None:
            raise RuntimeError("step_wait() has no actions; call step_async(actions) before it")
        observation, rewards, terminated, truncated, batch = self.env.step(actions)
        cut = (truncated & ~terminated).tolist()
        infos: list[dict[str, Any]] = [{"TimeLimit.truncated": flag} for flag in cut]
        tell_each(batch, infos)
        ended = terminated | truncated
        if ended.any():
            self._end(batch, ended, infos)
        return self._select(observation), rewards.astype(np.float32), ended, infos

    def _end(self, batch: dict[str, Any], ended: np.ndarray, infos: list[dict[str, Any]]) -> None:
        """Puts the last infos where episodes ended; those of the next ones are of their reset."""
        last: list[dict[str, Any]] = [{} for _ in infos]
        tell_each(batch.get("final_info", {}), last)
        for index in np.flatnonzero(ended):
            begun = infos[index]  # together with what wrappers tell of the step
            infos[index] = begun | last[index]
            infos[index]["terminal_observation"] = self._select(batch["final_obs"][index])
            del begun["TimeLimit.truncated"]
            self.reset_infos[index] = begun

    def close(self) -> None:
        """Closes the environment."""
        self.env.close()

    def _owner(self, name: str) -> Any:
        """Returns the outermost of the environment and its wrappers that has an attribute."""
        env = self.env
        while isinstance(env, VectorWrapper) and not hasattr(env, name):
            env = env.env
        return env

    def _count(self, indices: Any) -> int:
        return len(list(self._get_indices(indices)))

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Returns an attribute of the batch, once for each person."""
        return [getattr(self._owner(attr_name), attr_name)] * self._count(indices)

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Sets an attribute of the batch, for everybody.

        Raises:
          ValueError: `indices` leaves somebody out.
        """
        if self._count(indices) != self.num_envs:
            raise ValueError("people of a batch share their settings; set them for all of them")
        setattr(self.env, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: Any = None, **method_kwargs: Any
    ) -> list[Any]:
        """Calls a method of the batch and returns each person's part of what it returns."""
        result = getattr(self._owner(method_name), method_name)(*method_args, **method_kwargs)
        chosen: Iterable[int] = self._get_indices(indices)
        if isinstance(result, np.ndarray) and len(result) == self.num_envs:
            return [result[index] for index in chosen]
        return [result for _ in chosen]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Returns False: wrappers of single environments do not wrap batches."""
        return [False] * self._count(indices)
