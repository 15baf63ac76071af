"""A batch of people as a vector environment of Tianshou, and networks for its algorithms.

    TianshouVectorEnv   steps all people at once, where Tianshou's own step one after the other
    CandidateNet        scores of candidates: Q-values of DQN and its like for slates of one item,
                        or logits of an actor, with `slates` as its distribution
    CandidateCritic     values of moments

DQN takes a `CandidateNet` as its model; for slates of several items, an actor of policy gradients
does, and draws whole slates:

    people = gymnasium.make_vec(ID, num_envs=64, autoreset_mode="Disabled")
    collector = Collector(algorithm, TianshouVectorEnv(people), VectorReplayBuffer(100_000, 64))
    policy = DiscreteQLearningPolicy(model=CandidateNet(space), action_space=actions)
    policy = ProbabilisticActorPolicy(
        actor=CandidateNet(space), dist_fn=slates(actions), action_space=actions,
        action_scaling=False, action_bound_method=None,
    )
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from torch import nn
from torch.distributions import Distribution

from recsim_env.agents.frameworks.slates import distribution_over, slate_size_of
from recsim_env.agents.networks.encoder import Network, scores_only, values_only
from recsim_env.envs.infos import tell_each

try:
    from tianshou.data import Batch
    from tianshou.env import BaseVectorEnv
except ImportError as error:
    raise ImportError("Tianshou is not installed; install it with pip install tianshou") from error


class TianshouVectorEnv(BaseVectorEnv):
    """Lets Tianshou collect in a batch environment, wrapped or not.

    Tianshou's own vector environments step one person after the other; this one steps all at once.
    Dict observations become Tianshou's `Batch`.

    Args:
      people: autoreset mode DISABLED, as Tianshou resets what has ended.
      keep_infos: whether infos are handed on; Tianshou takes longer for these than for all else.

    Seeds are Gymnasium's: `seed`, and ``reset(seed=s)``, give environment i the seed s + i. Where
    Tianshou steps some of the people only, at the end of a number of episodes, nothing happens to
    the others.

    Raises:
      TypeError: not a batch environment.
      ValueError: another autoreset mode.
    """

    def __init__(self, people: VectorEnv, *, keep_infos: bool = False) -> None:
        if not isinstance(people, VectorEnv):
            raise TypeError(
                f"{people!r} is not a batch of environments; make it with gymnasium.make_vec(..., "
                "autoreset_mode='Disabled')"
            )
        if people.metadata.get("autoreset_mode") != AutoresetMode.DISABLED:
            raise ValueError(
                f"autoreset_mode={people.metadata.get('autoreset_mode')} does not fit Tianshou; "
                "make the environment with autoreset_mode='Disabled'"
            )
        self.people: Any = people
        self.env_num = people.num_envs
        self.is_async, self.is_closed = False, False
        self._keeps_infos = keep_infos
        self._next_seed: Any = None

    def get_env_attr(self, key: str, id: Any = None) -> list[Any]:
        """Returns an attribute of the batch, or a space of one person, once for each person."""
        name = f"single_{key}" if key in ("action_space", "observation_space") else key
        return [getattr(self.people, name)] * len(self._wrap_id(id))

    def set_env_attr(self, key: str, value: Any, id: Any = None) -> None:
        """Sets an attribute of the batch, for everybody.

        Raises:
          ValueError: `id` leaves somebody out.
        """
        if len(self._wrap_id(id)) != self.env_num:
            raise ValueError("people of a batch share their settings; set them for all of them")
        setattr(self.people, key, value)

    def seed(self, seed: Any = None) -> list[list[int] | None]:
        """Keeps a seed for the next `reset` of everybody, and returns those of the environments."""
        if isinstance(seed, int):
            seed = [seed + index for index in range(self.env_num)]
        self._next_seed = seed
        return [None if each is None else [each] for each in seed or [None] * self.env_num]

    def reset(self, env_id: Any = None, **kwargs: Any) -> tuple[Any, np.ndarray]:
        """Begins episodes of some, or of everybody; Gymnasium's `seed` and `options` may be given.

        Returns:
          The observations and the infos of these, in the order of `env_id`.
        """
        ids = np.asarray(self._wrap_id(env_id))
        if len(ids) == self.env_num:
            kwargs = {"seed": self._next_seed} | kwargs
            self._next_seed = None
        begins = np.zeros(self.env_num, bool)
        begins[ids] = True
        kwargs["options"] = (kwargs.get("options") or {}) | {"reset_mask": begins}
        observation, infos = self.people.reset(**kwargs)
        return _rows(observation, ids), self._told(infos)[ids]

    def step(self, action: Any, id: Any = None) -> tuple[Any, ...]:
        """Shows slates to some, or to everybody.

        Args:
          action: one for each of them.
          id: who they are, by default everybody.

        Returns:
          Observations, rewards, terminated, truncated and infos of these, in the order of `id`.
        """
        ids = np.asarray(self._wrap_id(id))
        actions = np.zeros((self.env_num, *np.shape(action)[1:]), np.asarray(action).dtype)
        actions[ids] = action
        before = self.people.unwrapped.state if len(ids) < self.env_num else None
        observation, *rest, infos = self.people.step(actions)
        if before is not None:  # the others go on from where they were, in the wrappers too
            after = self.people.unwrapped.state
            before[ids] = after[ids]
            self.people.unwrapped.state = before
            self.people.reset(options={"reset_mask": np.zeros(self.env_num, bool)})
        return _rows(observation, ids), *(each[ids] for each in rest), self._told(infos)[ids]

    def _told(self, infos: dict[str, Any]) -> np.ndarray:
        """Returns an info for each person, (num_envs,) of dicts."""
        rows: list[dict[str, Any]] = [{} for _ in range(self.env_num)]
        if self._keeps_infos:
            tell_each(infos, rows)
        return np.array(rows)

    def render(self, **kwargs: Any) -> list[Any]:
        """Raises NotImplementedError: a batch is not rendered."""
        raise NotImplementedError("a batch is not rendered; make a single environment")

    def close(self) -> None:
        """Closes the environment."""
        self.people.close()
        self.is_closed = True


class CandidateNet(nn.Module):
    """Scores of candidates.

    Args:
      space: of one person's observations; ids are left out.
      width: of the layers.
      network: the encoder, as for `CandidateScores`.

    Attributes:
      network: a `CandidateScores` without values.
    """

    def __init__(
        self, space: spaces.Dict, width: int = 64, network: Network = "candidates"
    ) -> None:
        super().__init__()
        self.network = scores_only(space, width, network)
        self._fields = _fields_of(space)

    def forward(self, obs: Any, state: Any = None, info: Any = None) -> tuple[torch.Tensor, Any]:
        """Returns scores, (n, n_candidates), and the state, which is handed back."""
        return self.network.scores(_tensors(obs, self._fields, self)), state


class CandidateCritic(nn.Module):
    """Values of moments; see `CandidateNet` for the arguments."""

    def __init__(
        self, space: spaces.Dict, width: int = 64, network: Network = "candidates"
    ) -> None:
        super().__init__()
        self.network = values_only(space, width, network)
        self._fields = _fields_of(space)

    def forward(self, obs: Any, **kwargs: Any) -> torch.Tensor:
        """Returns values, (n, 1)."""
        return self.network.values(_tensors(obs, self._fields, self))


def slates(space: spaces.Space) -> Callable[[torch.Tensor], Distribution]:
    """Returns the `dist_fn` of an actor: slates drawn by scores, without repeats.

    Args:
      space: of one person's actions.

    Raises:
      TypeError: actions are no slates.
    """
    slate_size_of(space)
    return functools.partial(distribution_over, space=space)


def _fields_of(space: spaces.Dict) -> list[str]:
    return [name for name, field in space.items() if isinstance(field, spaces.Box)]


def _tensors(obs: Any, fields: list[str], module: nn.Module) -> dict[str, torch.Tensor]:
    """Returns fields of a batch, arrays or tensors, where the weights of a module are."""
    device = next(module.parameters()).device
    return {name: torch.as_tensor(obs[name], device=device) for name in fields}


def _rows(observation: Any, ids: np.ndarray) -> Any:
    """Returns what some people see, as Tianshou takes it."""
    if isinstance(observation, dict):
        return Batch({name: field[ids] for name, field in observation.items()})
    return observation[ids]
