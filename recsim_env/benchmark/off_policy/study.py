"""Which estimator to trust: all of them, on logs written again and again, and the truth."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recsim_env.agents import Agent, agent_class, make_agent
from recsim_env.benchmark.off_policy.estimating import judge
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.benchmark.off_policy.targets import target_chances
from recsim_env.benchmark.off_policy.truth import true_values
from recsim_env.benchmark.recording import record_sessions
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv, resolve_scenario
from recsim_env.ope import Uncertainty
from recsim_env.progress import progress
from recsim_env.results.estimator_quality import Trial
from recsim_env.results.intervals import Estimate, estimate
from recsim_env.results.off_policy import PER_SESSION, PER_SLATE, PolicyValue

#: Policies that are judged unless others are named, where they suit the scenario.
POLICIES = (
    "uniform",
    "popularity",
    "topic_quality",
    "content",
    "item_knn",
    "ials",
    "epsilon_greedy",
    "ucb",
    "topic_ucb",
    "linucb",
)

#: Seeds of logs lie so far apart that no two have a person in common.
_SEED_STEP = 1_000_003


@dataclass(frozen=True, kw_only=True)
class StudySettings:
    """What is studied.

    Attributes:
      scenario: name, id or class.
      scenario_settings: of it.
      logger: name of the agent that writes the logs, having learned.
      exploration: share of uniform slates in the logs.
      policies: names of those that are judged; by default those of `POLICIES` that suit.
      learn: interactions that each agent learns from first.
      sizes: sessions of a log.
      slate_sizes, horizons: further settings of the scenario, one after the other; by default its
        own.
      repeats: logs of each kind.
      truths: of the logs, as many are also served for the truth.
      seed: of all.

    Raises:
      ValueError: a number out of its range, or too few policies.
    """

    scenario: str
    scenario_settings: dict[str, Any] = field(default_factory=dict)
    logger: str = "linucb"
    exploration: float = 0.3
    policies: tuple[str, ...] = ()
    learn: int = 5_000
    sizes: tuple[int, ...] = (50, 200, 800)
    slate_sizes: tuple[int, ...] = ()
    horizons: tuple[int, ...] = ()
    repeats: int = 30
    truths: int = 10
    seed: int = 0

    def __post_init__(self) -> None:
        if self.repeats < 2 or not 1 <= self.truths <= self.repeats:
            raise ValueError(
                f"repeats={self.repeats} with truths={self.truths} is not allowed; use 2 or more "
                "repeats, and truths from 1 to as many"
            )
        if not self.sizes or min(self.sizes) < 10:
            raise ValueError(f"sizes={self.sizes} is not allowed; use 10 or more sessions each")
        if not 0.0 < self.exploration <= 1.0:
            raise ValueError(f"exploration={self.exploration} is not in (0, 1]")

    def variants(self) -> Iterator[Scenario]:
        """Yields the scenario with each slate size, then with each horizon."""
        own = resolve_scenario(self.scenario, **self.scenario_settings)
        if not (self.slate_sizes or self.horizons):
            yield own
        for size in self.slate_sizes:
            yield dataclasses.replace(own, slate_size=size)
        for horizon in self.horizons:
            yield dataclasses.replace(own, horizon=horizon)


def run_study(settings: StudySettings, *, progress_bar: bool = False) -> list[Trial]:
    """Returns every estimate of every policy by every log, beside the truth.

    Args:
      settings: what is studied.
      progress_bar: whether to show progress on a terminal.

    Raises:
      UnsuitableScenario, ValueError: an agent cannot act in the scenario.
    """
    found: list[Trial] = []
    for scenario in settings.variants():
        found += _study_of(scenario, settings, progress_bar=progress_bar)
    return found


def _study_of(scenario: Scenario, settings: StudySettings, *, progress_bar: bool) -> list[Trial]:
    env = RecommendationVectorEnv(scenario, num_envs=16)
    names = settings.policies or _suitable(scenario)
    policies = {name: _learned(name, env, settings) for name in names}
    logger = _learned(settings.logger, env, settings, exploration=settings.exploration)
    tried: list[tuple[int, int, PolicyValue]] = []
    truths: dict[tuple[str, str], list[float]] = {}
    with progress(total=settings.repeats, unit="log", shown=progress_bar) as bar:
        for repeat in range(settings.repeats):
            seed = settings.seed + (repeat + 1) * _SEED_STEP
            steps = record_sessions(logger, scenario, n_sessions=max(settings.sizes), seed=seed)
            log = PolicyLog.of(steps, scenario)
            for name, agent in policies.items():
                tried += _judged(name, agent, log, repeat, settings)
                if repeat < settings.truths:
                    truth = true_values(agent, log)
                    for per, each in ((PER_SLATE, truth.slate), (PER_SESSION, truth.session)):
                        truths.setdefault((name, per), []).append(each.mean)
            bar.update(1)
    known = {key: _of_means(means) for key, means in truths.items()}
    return [
        Trial(
            dataclasses.replace(value, truth=known[value.policy, value.per]),
            n_sessions=size,
            slate_size=scenario.slate_size,
            horizon=int(scenario.horizon or 0),
            repeat=repeat,
        )
        for repeat, size, value in tried
    ]


def _judged(
    name: str, agent: Agent, log: PolicyLog, repeat: int, settings: StudySettings
) -> Iterator[tuple[int, int, PolicyValue]]:
    """Yields the log's number and size, and what the log of that size says."""
    target = target_chances(agent, log, seed=settings.seed)
    how = Uncertainty(n_resamples=200, seed=repeat)
    for size in settings.sizes:
        rows = np.flatnonzero(log["session_number"] < size)
        for value in judge(name, log.select(rows), target.select(rows), uncertainty=how):
            yield repeat, size, value


def _of_means(means: Sequence[float]) -> Estimate:
    """Returns the truth by several logs' people."""
    return estimate(np.array(means)) if len(means) > 1 else estimate(np.repeat(means, 2))


def _learned(name: str, env: RecommendationVectorEnv, settings: StudySettings, **own: Any) -> Agent:
    agent = make_agent(name, env, seed=settings.seed)
    if agent.learns:
        agent.learn(settings.learn)
    for setting, value in own.items():
        setattr(agent, setting, value)
    return agent


def _suitable(scenario: Scenario) -> tuple[str, ...]:
    return tuple(name for name in POLICIES if agent_class(name).unsuitable(scenario) is None)
