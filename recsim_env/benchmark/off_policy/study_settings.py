"""What a study of estimators asks."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from recsim_env.agents import UnsuitableScenario, agent_class
from recsim_env.core.scenario import Scenario
from recsim_env.envs import resolve_scenario

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

    def policies_in(self, scenario: Scenario) -> tuple[str, ...]:
        """Returns the names of those that are judged in a scenario.

        Raises:
          UnsuitableScenario: one cannot act there.
          ValueError: one looks into people, whom a log does not hold.
        """
        if not self.policies:
            return tuple(n for n in POLICIES if agent_class(n).unsuitable(scenario) is None)
        for name in self.policies:
            kind = agent_class(name)
            if kind.is_privileged:
                raise ValueError(
                    f"policy {name!r} looks into people, whom a log does not hold; leave it out"
                )
            reason = kind.unsuitable(scenario)
            if reason is not None:
                raise UnsuitableScenario(reason)
        return self.policies
