"""How fast agents learn: interactions per second, acting and updates included."""

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recsim_env.agents import make_agent
from recsim_env.benchmark.learning_bound import flops_per_interaction, multiplied_per_second
from recsim_env.benchmark.memory import peak_mebibytes
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv

#: Where learning is measured by default.
SCENARIOS = ("ShortVideo", "MusicStreaming")

_ROUNDS = 5

_LARGE = {"rollout": 8_192, "n_minibatches": 16, "n_epochs": 1}

#: Who learns among how many people with which settings: as by default, and as for long runs.
LEARNERS: tuple[tuple[str, int, Mapping[str, Any]], ...] = (
    ("ppo", 256, {}),
    ("sb3_ppo", 256, _LARGE),
    ("ppo", 16, {}),
    ("sb3_ppo", 16, {}),
    ("slateq", 256, {"update_every": 256}),
    ("dqn", 256, {"update_every": 256}),
    ("slateq", 16, {}),
    ("dqn", 16, {}),
)

#: Who is also measured with several threads, beside one.
THREADED: tuple[tuple[str, int, Mapping[str, Any]], ...] = (("ppo", 256, {}), ("ppo", 1_024, {}))


@dataclass(frozen=True)
class LearningRate:
    """How fast an agent learned, medians of several measurements.

    Attributes:
      agent, num_envs, settings, threads: who, among how many people, in how many threads.
      per_second: interactions per second.
      per_cpu_second: interactions per second of processor time, which a busy machine changes less.
      peak_mebibytes: the most memory that the process has had by then.
      flops: operations of products of matrices per interaction, where they are known.
      bound: interactions per second of processor time if these were all there is to do, and each
        took as long as in the encoder's first layer.
    """

    agent: str
    num_envs: int
    settings: Mapping[str, Any]
    threads: int
    per_second: float
    per_cpu_second: float
    peak_mebibytes: float
    flops: float | None
    bound: float | None


class _Learner:
    """One of those that are measured."""

    def __init__(
        self,
        scenario: Scenario,
        agent: str,
        num_envs: int,
        settings: Mapping[str, Any],
        threads: int,
    ) -> None:
        self.about = agent, num_envs, settings, threads
        env = RecommendationVectorEnv(scenario, num_envs=num_envs, threads=threads)
        self._agent: Any = make_agent(agent, env, seed=0, **settings)
        self._agent.learn(max(2_048, 80 * num_envs))  # until it learns, and all is compiled
        self.flops = flops_per_interaction(self._agent)
        self.rates: list[tuple[float, float]] = []
        self.bounds: list[float] = []

    def learn(self, seconds: float) -> None:
        """Learns for a while, and notes how fast."""
        agent, before = self._agent, self._agent.num_timesteps
        start, start_of_cpu = time.perf_counter(), time.process_time()
        while time.perf_counter() - start < seconds:
            agent.learn(max(1_024, 32 * self.about[1]))
        n_steps = agent.num_timesteps - before
        took = time.perf_counter() - start, time.process_time() - start_of_cpu
        self.rates.append((n_steps / took[0], n_steps / took[1]))
        if self.flops:
            self.bounds.append(multiplied_per_second(agent) / self.flops)


def learning_rates(
    scenario: Scenario,
    learners: tuple[tuple[str, int, Mapping[str, Any]], ...] | None = None,
    *,
    seconds: float,
    threads: Sequence[int] = (1,),
) -> Iterator[LearningRate]:
    """Yields how fast agents learn, measured in turns, so that a busy machine slows all.

    Args:
      scenario: among whom.
      learners: names, numbers of people and settings; by default `LEARNERS`.
      seconds: how long each is measured in all.
      threads: in which each learns, one after the other.
    """
    made = [_Learner(scenario, *each, n) for each in learners or LEARNERS for n in threads]
    for _ in range(_ROUNDS):
        for learner in made:
            learner.learn(seconds / _ROUNDS)
    for learner in made:
        wall, cpu = (statistics.median(column) for column in zip(*learner.rates, strict=True))
        bound = statistics.median(learner.bounds) if learner.bounds else None
        yield LearningRate(*learner.about, wall, cpu, peak_mebibytes(), learner.flops, bound)
