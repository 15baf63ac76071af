"""A batch of simulated people as an environment, and who watches its steps."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from recsim_env.env import candidate_items, resolve_scenario
from recsim_env.interface import Interface, Observation, as_indices, check_seed
from recsim_env.scenario import Scenario
from recsim_env.simulator import DISABLED, NEXT_STEP, SAME_STEP, Simulator, Steps

_MODES = {
    AutoresetMode.NEXT_STEP: NEXT_STEP,
    AutoresetMode.SAME_STEP: SAME_STEP,
    AutoresetMode.DISABLED: DISABLED,
}

#: Called with the rewards, which episodes ended, and which environments took a step instead of only
#: beginning the next episode; each (num_envs,); and how many seconds the step took.
StepObserver = Callable[[np.ndarray, np.ndarray, np.ndarray, float], None]

_OBSERVER: ContextVar[StepObserver | None] = ContextVar("recsim_env_step_observer", default=None)


@contextlib.contextmanager
def observing_steps(observer: StepObserver) -> Iterator[None]:
    """Calls `observer` after every step that any batch environment takes inside the context.

    An agent may learn in an environment of its own making, with another autoreset mode say; so
    whoever counts what agents spend and earn asks the environments rather than the agent.
    """
    token = _OBSERVER.set(observer)
    try:
        yield
    finally:
        _OBSERVER.reset(token)


class RecommendationVectorEnv(gymnasium.vector.VectorEnv):
    """A batch of simulated people, stepped by a compiled loop; `gymnasium.make_vec` gives it.

    Environment i equals a `RecommendationEnv` reset with the same seed, draw for draw.

    Args:
      scenario: a `Scenario`, a subclass of it, or ``"module:Class"``.
      num_envs: how many people.
      threads: how many threads step them; the results do not depend on it.
      autoreset_mode: NEXT_STEP (default), SAME_STEP or DISABLED, a member or its value.
      max_episode_steps, flat, compiled, **settings: as for `RecommendationEnv`.

    ``reset(seed=s)`` gives environment i the seed s + i; a list gives each its own. Under DISABLED,
    ``reset(options={"reset_mask": mask})`` begins the masked episodes, and stepping an environment
    whose episode is over raises.

    What `step` returns is fresh memory, never written again. The dict's arrays are views into one
    block of records.
    """

    def __init__(
        self,
        scenario: str | type[Scenario] | Scenario,
        *,
        num_envs: int = 1,
        threads: int = 1,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        max_episode_steps: int | None = None,
        flat: bool = False,
        compiled: bool | None = None,
        render_mode: str | None = None,
        **settings: Any,
    ) -> None:
        if render_mode is not None:
            raise ValueError("a batch is not rendered; render a single environment instead")
        self.scenario = resolve_scenario(scenario, **settings)
        self.num_envs = num_envs
        self.render_mode = None
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {"render_modes": [], "autoreset_mode": self.autoreset_mode}
        self._made_with: dict[str, Any] = {
            "num_envs": num_envs,
            "threads": threads,
            "autoreset_mode": self.autoreset_mode,
            "max_episode_steps": max_episode_steps,
            "flat": flat,
            "compiled": compiled,
        }
        self._interface = Interface(self.scenario, flat=flat)
        self.single_observation_space = self._interface.observation_space
        self.single_action_space = self._interface.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._simulator = Simulator(
            self.scenario, num_envs, threads=threads, horizon=max_episode_steps, compiled=compiled
        )
        self._is_seeded = False

    def twin(self, **changes: Any) -> "RecommendationVectorEnv":
        """Returns a new environment made like this one, except for `changes`.

        Args:
          **changes: arguments of the class, `autoreset_mode` say, or settings of the scenario.
        """
        return RecommendationVectorEnv(self.scenario, **(self._made_with | changes))

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observation, dict[str, Any]]:
        """Begins episodes; see the class for `seed` and `options["reset_mask"]`.

        Raises:
          ValueError: a mask or a list of seeds of the wrong shape or type.
        """
        mask = self._reset_mask(options)
        goes_on = np.zeros(self.num_envs, bool)
        if self._is_seeded and isinstance(seed, Sequence):
            goes_on = np.array([one is None for one in seed])
        seeds = self._seeds(seed)
        begins = np.ones(self.num_envs, bool) if mask is None else mask
        if goes_on.any():  # as in Gymnasium, None means the next episode of the seed it has
            self._simulator.reset(seeds, begins & ~goes_on)
            seeds, mask = None, begins & goes_on
        steps = self._simulator.reset(seeds, mask)
        return self._interface.batch(steps.records), self._interface.infos(steps.infos, begins)

    def _reset_mask(self, options: dict[str, Any] | None) -> np.ndarray | None:
        mask = (options or {}).get("reset_mask")
        if mask is None:
            return None
        if not (
            isinstance(mask, np.ndarray) and mask.dtype == bool and mask.shape == (self.num_envs,)
        ):
            raise ValueError(
                f"options['reset_mask'] must be a boolean array of shape ({self.num_envs},), "
                f"got {mask!r}"
            )
        if not self._is_seeded and not mask.all():
            raise ValueError("the first reset() begins every environment; leave out the reset_mask")
        return mask

    def _seeds(self, seed: int | Sequence[int | None] | None) -> np.ndarray | None:
        """Returns a seed for every environment, or None to go on with the seeds they have."""
        if seed is None and self._is_seeded:
            return None
        if seed is None or isinstance(seed, int | np.integer):
            base = int(self.np_random.integers(2**62)) if seed is None else int(seed)
            seeds = [base + index for index in range(self.num_envs)]
        else:
            seeds = [
                int(self.np_random.integers(2**62)) if one is None else int(one) for one in seed
            ]
        if len(seeds) != self.num_envs:
            raise ValueError(
                f"seed lists {len(seeds)} seeds for {self.num_envs} environments; give one for each"
            )
        for one in seeds:
            check_seed(one)
        self._is_seeded = True
        return np.array(seeds, np.uint64)

    def step(
        self, actions: Any
    ) -> tuple[Observation, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Shows every person a slate.

        Args:
          actions: (num_envs,) or (num_envs, slate_size) integers, indices of candidates.

        Raises:
          ValueError: a wrong shape, or an index out of range.
          RuntimeError: before the first `reset`, or under DISABLED after an episode ended.
        """
        begun = time.perf_counter()
        actions = self._slates(actions)
        if not self._is_seeded:
            raise RuntimeError("no episode is running; call reset() first")
        if self.autoreset_mode == AutoresetMode.DISABLED and self._simulator.slots["is_over"].any():
            over = np.flatnonzero(self._simulator.slots["is_over"])
            raise RuntimeError(
                f"the episodes of environments {over[:8].tolist()} are over; begin new ones with "
                "reset(options={'reset_mask': mask})"
            )
        has_stepped = ~self._simulator.slots["is_over"]  # DISABLED and SAME_STEP leave none over
        steps = self._simulator.step(actions, _MODES[self.autoreset_mode])
        ended = steps.terminated | steps.truncated
        infos = self._interface.infos(steps.infos, np.ones(self.num_envs, bool))
        if self.autoreset_mode == AutoresetMode.SAME_STEP:
            infos |= self._final_infos(steps, ended)
        observation = self._interface.batch(steps.records)
        observer = _OBSERVER.get()
        if observer is not None:
            observer(steps.rewards, ended, has_stepped, time.perf_counter() - begun)
        return observation, steps.rewards, steps.terminated, steps.truncated, infos

    def _slates(self, actions: Any) -> np.ndarray:
        actions = as_indices(actions)
        shape = (self.num_envs, self.scenario.slate_size)
        if actions.size != shape[0] * shape[1] or len(actions) != self.num_envs:
            raise ValueError(
                f"actions have shape {actions.shape}; use {self.action_space.shape}, "
                "one slate for each environment"
            )
        actions = actions.reshape(shape)
        self._interface.check_actions(actions)
        return actions

    def _final_infos(self, steps: Steps, ended: np.ndarray) -> dict[str, Any]:
        """Returns the last observations and infos of ended episodes in Gymnasium's form."""
        if not ended.any():
            return {}
        observations = np.full(self.num_envs, None, object)
        for index in np.flatnonzero(ended):
            observations[index] = self._interface.single(steps.final_records[index : index + 1])
        return {
            "final_obs": observations,
            "_final_obs": ended.copy(),
            "final_info": self._interface.infos(steps.final_infos, ended),
            "_final_info": ended.copy(),
        }

    def close_extras(self, **kwargs: Any) -> None:
        """Ends the threads."""
        self._simulator.close()

    @property
    def state(self) -> np.ndarray:
        """A copy of all that running episodes know, (num_envs,) structured; privileged.

        Setting it lets them go on from there, here or in an environment made alike.

        Raises:
          ValueError: on setting, the state of another scenario or number of environments.
        """
        return self._simulator.slots.copy()

    @state.setter
    def state(self, slots: np.ndarray) -> None:
        own = self._simulator.slots
        if slots.dtype != own.dtype or slots.shape != own.shape:
            raise ValueError(
                f"a state of {len(slots)} environments and {slots.dtype.itemsize} bytes each does "
                f"not fit {self.num_envs} of {own.dtype.itemsize}; make the environment as the one "
                "that it was taken from"
            )
        own[:] = slots
        self._is_seeded = True

    @property
    def users(self) -> np.ndarray:
        """A copy of the people's true states, (num_envs,) structured; privileged."""
        return self._simulator.slots["user"].copy()

    @property
    def items(self) -> np.ndarray:
        """A copy of the true candidates, (num_envs, n_candidates) structured; privileged."""
        return candidate_items(self._simulator)

    def appeal(self, users: np.ndarray | None = None) -> np.ndarray:
        """Returns the immediate expected reward of each candidate, (num_envs, n_candidates).

        Where items of a slate take from each other, the best candidates keep theirs, and what they
        take is off the others', so that the highest values make the best slate.

        Args:
          users: (num_envs,) states to judge by, as from the property, instead of the true ones.
        """
        return self._simulator.judge("appeal", users)

    def worth(self, users: np.ndarray | None = None) -> np.ndarray:
        """Returns the far-sighted value of each candidate, where the scenario has one.

        Args:
          users: as for `appeal`.
        """
        return self._simulator.judge("worth", users)
