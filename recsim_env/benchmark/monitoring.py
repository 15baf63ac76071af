"""Watching an agent learn: rewards, losses, and where the time goes."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from recsim_env.agents import Agent
from recsim_env.envs.accounting import observing_steps

#: Called with the name of a quantity, its mean and the interactions taken so far.
Write = Callable[[str, float, int], None]

#: Interactions over which quantities are averaged before they are written.
WINDOW = 1_000


class LearningMonitor:
    """Averages over `WINDOW` interactions what is seen of any agent's learning, and hands it on.

    Written are `online/reward_per_step`; `online/return` and `online/episode_length` of the
    sessions that ended and were watched from their beginning; and whatever losses the agent
    reports, under the names it gives them, with `losses/` before those that stand in no group.

    Args:
      write: takes the means; by default nobody does.
      n_before: interactions taken before, by an agent that goes on.
      also: takes the same means, and what is left at every `flush`.

    Attributes:
      n_interactions: interactions watched.
      step_seconds: what the environment took of them.
      seconds: of all that was watched.
    """

    def __init__(
        self, write: Write | None = None, *, n_before: int = 0, also: Write | None = None
    ) -> None:
        self._means = _Means(write), _Means(also)
        self._n_before = n_before
        self.n_interactions = 0
        self.step_seconds = 0.0
        self.seconds = 0.0
        self._returns = self._lengths = np.zeros(0)
        self._is_whole = np.zeros(0, bool)

    @contextmanager
    def watching(self, agent: Agent) -> Iterator[None]:
        """Watches every step taken, and the agent's losses, within a `with`."""
        agent.monitor = self._add_losses
        begun = time.perf_counter()
        try:
            with observing_steps(self._add_steps):
                yield
        finally:
            self.seconds += time.perf_counter() - begun
            agent.monitor = None

    def flush(self) -> None:
        """Writes what is left to whoever is told so at checkpoints."""
        self._means[1].write(self._n_before + self.n_interactions)

    def close(self) -> None:
        """Writes what is left."""
        for means in self._means:
            means.write(self._n_before + self.n_interactions)

    def _add_steps(
        self, rewards: np.ndarray, is_over: np.ndarray, has_stepped: np.ndarray, seconds: float
    ) -> None:
        window = (self._n_before + self.n_interactions) // WINDOW
        self.step_seconds += seconds
        self.n_interactions += int(has_stepped.sum())
        self._add("online/reward_per_step", float(rewards[has_stepped].sum()), has_stepped.sum())
        self._add_sessions(np.where(has_stepped, rewards, 0.0), is_over & has_stepped, has_stepped)
        if (self._n_before + self.n_interactions) // WINDOW > window:
            self.close()

    def _add_sessions(
        self, rewards: np.ndarray, ended: np.ndarray, has_stepped: np.ndarray
    ) -> None:
        if len(rewards) != len(self._returns):
            self._returns, self._lengths = np.zeros(len(rewards)), np.zeros(len(rewards))
            self._is_whole = np.full(len(rewards), self._n_before == 0)
        self._returns += rewards
        self._lengths += has_stepped
        known = ended & self._is_whole
        self._add("online/return", float(self._returns[known].sum()), known.sum())
        self._add("online/episode_length", float(self._lengths[known].sum()), known.sum())
        self._returns[ended] = self._lengths[ended] = 0.0
        self._is_whole |= ended

    def _add_losses(self, losses: Mapping[str, float], num_timesteps: int) -> None:
        for name, value in losses.items():
            self._add(name if "/" in name else f"losses/{name}", value, 1)

    def _add(self, name: str, total: float, count: int) -> None:
        for means in self._means:
            means.add(name, total, int(count))


class _Means:
    """Means of quantities since they were written last."""

    def __init__(self, write: Write | None) -> None:
        self._write = write
        self._sums: dict[str, list[float]] = {}  # name to sum and count

    def add(self, name: str, total: float, count: int) -> None:
        """Adds so many values with this sum."""
        if count:
            entry = self._sums.setdefault(name, [0.0, 0])
            entry[0] += total
            entry[1] += count

    def write(self, n_interactions: int) -> None:
        """Writes the means, and begins anew."""
        for name, (total, count) in self._sums.items():
            if self._write is not None:
                self._write(name, total / count, n_interactions)
        self._sums = {}
