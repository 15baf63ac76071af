"""What agents remember of a session: what was shown so far, and what came of it."""

import math
from typing import Any, Protocol

import numpy as np
from gymnasium import spaces

from recsim_env.agents.core.recency import RECENT, Recency
from recsim_env.agents.core.restoring import State
from recsim_env.agents.core.transition import Observation
from recsim_env.core.scenario import Scenario

#: Names of the fields among observations.
SESSION, TRACES = "session", "traces"

# Sums are divided by this, so that they stay near the size of the other features.
_SCALE = 100.0

# How much of what passes is left after a slate.
_DECAY = 0.8

# Tastes are slopes of a regression with this ridge: one item hardly makes a taste.
_RIDGE = 1.0


def box(shape: tuple[int, ...]) -> spaces.Box:
    """Returns the space of a field of memories, which may hold any number."""
    limit = np.finfo(np.float32).max
    return spaces.Box(-limit, limit, shape, np.float32)


class Memory(Protocol):
    """What agents remember of sessions: an array, or a named tuple of them, a row for each."""

    def begin(self, n: int) -> Any:
        """Returns the memory of `n` sessions that have just begun; see `Agent.begin_state`."""

    def next(self, state: Any, observation: Observation, episode_start: np.ndarray) -> Any:
        """Returns the memory after seeing an observation; see `Agent.next_state`."""

    def showing(self, state: Any, observation: Observation, slates: np.ndarray) -> Any:
        """Returns the memory after showing slates; see `Agent.remember`."""


class SessionMemory:
    """Adds up what a person did in this session, from what was seen and shown and nothing else.

    Without it, how far a session has come, what it has left behind and what the person turned out
    to like are hidden, and what an item does to the rest of the session drowns in that. An agent
    sees two fields of it, for each person, with n_columns those of `response`:

    - `SESSION`, (1 + 2 n_columns): slates shown so far and the sum of each column over the items
      that were clicked, both in hundreds; and of these columns a running mean, by a fifth new with
      every slate.
    - `TRACES`, (2 + n_columns, n_features), which compare with candidates: running means, likewise,
      of the features of clicked and of shown items, summed over the slate; and for each column
      what it owes to each feature, the slopes sum (y - mean y) f / (1 + sum f²), over all that was
      shown, of regressions on one feature at a time.

    With `recency` a third, `RECENT`, has a row for each candidate: how many items of its kind were
    shown, and how many clicked, in the last slates (`Recency`).

    Args:
      scenario: whose responses are added up; it shows `candidates`.
      recency: whether that is seen, too; `response` is then needed.

    Raises:
      ValueError: it is to be seen, and the scenario does not show what it takes.

    Attributes:
      spaces: of these fields, by name; no `TRACES` where responses are not shown.
      seen_space: of what agents with this memory see: the float fields and these.
    """

    def __init__(self, scenario: Scenario, *, recency: bool = False) -> None:
        fields = scenario.schema.boxes
        if recency and not {"candidates", "response"} <= fields.keys():
            raise ValueError(
                f"{type(scenario).__name__} with these settings does not show what items are and "
                "what people do with them; use recency=False"
            )
        n_columns, n_features, n_places = 0, 0, 0
        if "response" in fields:
            n_places, n_columns = fields["response"].shape
            n_features = fields["candidates"].shape[1] if "candidates" in fields else 0
        shapes = {
            SESSION: (1 + 2 * n_columns,),
            TRACES: (2 + n_columns, n_features),
            "shown": (n_places, n_features),
            "moments": (2 + n_columns, n_features),
            "totals": (n_columns,),
        }
        self._n_features = n_features
        self._parts: dict[str, tuple[slice, tuple[int, ...]]] = {}
        self._size = 0
        for name, shape in shapes.items():
            self._add_part(name, shape)
        self.spaces: dict[str, spaces.Space] = {
            name: box(shapes[name]) for name in (SESSION, TRACES) if math.prod(shapes[name])
        }
        self._recency = Recency(n_features) if recency else None
        if self._recency is not None:
            self._add_part(RECENT, self._recency.shape)
            n_candidates = fields["candidates"].shape[0]
            self.spaces[RECENT] = box((n_candidates, self._recency.n_seen))
        self.seen_space = spaces.Dict({**fields, **self.spaces})

    def _add_part(self, name: str, shape: tuple[int, ...]) -> None:
        """Gives the memory of a session room for more."""
        self._parts[name] = slice(self._size, self._size + math.prod(shape)), shape
        self._size += math.prod(shape)

    def begin(self, n: int) -> np.ndarray:
        """Returns the memory of `n` sessions that have just begun."""
        return np.zeros((n, self._size), np.float32)

    def _part(self, memory: np.ndarray, name: str) -> np.ndarray:
        """Returns a view of a part of the memory, (n, ...)."""
        where, shape = self._parts[name]
        return memory[:, where].reshape(len(memory), *shape)

    def showing(
        self, memory: np.ndarray, observation: Observation, slates: np.ndarray
    ) -> np.ndarray:
        """Returns the memory with the features of what is shown, until the response is known."""
        from recsim_env.agents.core.session_loops import keep_shown

        memory = memory.copy()
        if TRACES in self.spaces:
            where, _ = self._parts["shown"]
            keep_shown(memory, observation["candidates"], slates, where.start)
        return memory

    def next(
        self, memory: np.ndarray, observation: Observation, episode_start: np.ndarray
    ) -> np.ndarray:
        """Returns the memory with the last responses; empty where a session begins."""
        memory = self.after(memory, observation)
        memory[np.asarray(episode_start, bool)] = 0.0
        return memory

    def stepped(
        self,
        memory: np.ndarray,
        observation: Observation,
        slates: np.ndarray,
        following: Observation,
    ) -> np.ndarray:
        """Returns the memory after slates were shown, and responses to them were seen."""
        return self.after(self.showing(memory, observation, slates), following)

    def after(self, memory: np.ndarray, observation: Observation) -> np.ndarray:
        """Returns the memory after slates whose responses `observation` shows."""
        from recsim_env.agents.core.session_loops import add_responses

        memory = memory.copy()
        if "response" in observation:
            given = observation["response"], self._n_features, _SCALE, 1.0 - _DECAY, _RIDGE
            add_responses(memory, *given)
        else:
            memory[:, 0] += 1.0 / _SCALE
        if self._recency is not None:
            is_clicked = observation["response"][:, :, 0] > 0
            self._recency.add(self._part(memory, RECENT), self._part(memory, "shown"), is_clicked)
        return memory

    def learn(self, memory: np.ndarray, observation: Observation, is_over: np.ndarray) -> None:
        """Takes to heart what people did in sessions that are over; by default nothing.

        Args:
          memory: of everybody's session, with the last response.
          observation: what everybody sees.
          is_over: (n,), whose session is over.
        """

    def state_dict(self) -> dict[str, Any]:
        """Returns what was learned of people; by default nothing."""
        return {}

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned.

        Raises:
          ValueError: it is of another memory.
        """
        if state:
            raise ValueError("this agent does not know people by their profiles")

    def seen_with(self, memory: np.ndarray, observation: Observation) -> dict[str, np.ndarray]:
        """Returns the observation with the memory beside it."""
        kept = (name for name in (SESSION, TRACES) if name in self.spaces)
        seen = {**observation, **{name: self._part(memory, name) for name in kept}}
        if self._recency is not None:
            counts = self._part(memory, RECENT)
            seen[RECENT] = self._recency.seen(counts, observation["candidates"])
        return seen

    def seen(self, memory: np.ndarray, observation: Observation) -> dict[str, np.ndarray]:
        """Returns what networks take of an observation and a memory, fields of `seen_space`."""
        every = self.seen_with(memory, observation)
        return {name: every[name] for name in self.seen_space}


class SessionTracker:
    """Keeps the memories of people's sessions, step by step.

    Args:
      memory: adds up each session.

    Attributes:
      memories: (num_envs, ...), what `memory` remembers of each.
    """

    def __init__(self, memory: SessionMemory) -> None:
        self.memory = memory
        self.begin(0)

    def begin(self, num_envs: int) -> None:
        """Notes that everybody's session begins anew."""
        self.memories = self.memory.begin(num_envs)

    def advance(
        self,
        observation: Observation,
        slates: np.ndarray,
        following: Observation,
        *,
        is_over: np.ndarray,
        index: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Goes on by a step, and returns the memories before and after it; those of the ended go.

        Args:
          observation, slates, following: what was seen, shown, and seen of the same sessions next.
          is_over: (n,), which of them then ended.
          index: (n,), whose they are.
        """
        before = self.memories[index]
        after = self.memory.stepped(before, observation, slates, following)
        self.memories[index] = np.where(is_over[:, None], 0.0, after)
        return before, after
