"""One log of a study: it is written, and says what each policy earns, in part and in whole."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recsim_env.agents import Agent, make_agent
from recsim_env.agents.core.world import describe_world
from recsim_env.benchmark.off_policy.estimating import judge
from recsim_env.benchmark.off_policy.features import SlateFeatures
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.benchmark.off_policy.study_settings import StudySettings
from recsim_env.benchmark.off_policy.targets import target_chances
from recsim_env.benchmark.off_policy.truth import true_values
from recsim_env.benchmark.recording import record_sessions
from recsim_env.benchmark.runs.described import hash_of
from recsim_env.benchmark.runs.processes import rows_or_error
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.envs.resolving import scenario_id
from recsim_env.ope import Uncertainty
from recsim_env.results.layout import Row, RunKey
from recsim_env.results.off_policy import PER_SESSION, PER_SLATE
from recsim_env.results.trials import FINAL, TRUTH, estimate_row

#: Seeds of logs lie so far apart that no two have a person in common.
_SEED_STEP = 1_000_003

#: Of the bootstrap: there are many intervals, and only how many hold the truth is asked.
_RESAMPLES = 200


@dataclass(frozen=True)
class StudyWorld:
    """A scenario with a slate size and a horizon, where logs are written and judged.

    Attributes:
      config_hash: of everything but the number of a log; worlds with the same are the same.
      label: names it in the table.
      scenario: where people are served.
      described: it, as JSON values.
      policies: names of those that are judged.
      settings: of the study.
    """

    config_hash: str
    label: str = field(compare=False)
    scenario: Scenario = field(compare=False)
    described: dict[str, Any] = field(compare=False)
    policies: tuple[str, ...] = field(compare=False)
    settings: StudySettings = field(compare=False)

    @classmethod
    def of(cls, scenario: Scenario, settings: StudySettings) -> StudyWorld:
        """Returns the world of a scenario in a study.

        Raises:
          UnsuitableScenario, ValueError: a policy cannot act there, or be judged.
        """
        name = scenario_id(settings.scenario).rpartition("/")[2]
        label = f"{name} slate_size={scenario.slate_size} horizon={scenario.horizon or 0}"
        policies, described = settings.policies_in(scenario), describe_world(scenario)
        found = cls("", label, scenario, described, policies, settings)
        digits = hash_of([described, settings.logger, found.asked])
        return cls(digits, label, scenario, described, policies, settings)

    @property
    def asked(self) -> dict[str, Any]:
        """What decides what a log says, beside the scenario and the logger, as JSON values."""
        names = ("exploration", "learn", "sizes", "truths", "seed")
        found = {name: getattr(self.settings, name) for name in names}
        return {
            "agent": self.settings.logger,
            "settings": found | {"sizes": list(self.settings.sizes)},
            "policies": list(self.policies),
        }


@dataclass(frozen=True)
class StudyRun:
    """One log of a study.

    Attributes:
      world: where it is written.
      number: of the log.
    """

    world: StudyWorld
    number: int

    @property
    def key(self) -> RunKey:
        """Names the run in the table."""
        return self.world.label, self.world.settings.logger, self.number

    @property
    def config_hash(self) -> str:
        """Of everything but the log's number."""
        return self.world.config_hash


def play(run: StudyRun) -> tuple[list[Row], str]:
    """Writes and judges a log; returns its rows, and the traceback if it failed."""
    rows, trace = rows_or_error(lambda: [*_measures(run), {"phase": FINAL}])
    scenario, agent, seed = run.key
    about = {"scenario": scenario, "agent": agent, "seed": seed, "config_hash": run.config_hash}
    own = run.world.scenario
    about |= {"slate_size": own.slate_size, "horizon": int(own.horizon or 0)}
    return [about | row for row in rows], trace


def _measures(run: StudyRun) -> Iterator[Row]:
    """Yields what each log of the first sessions says of each policy, and what it truly earns."""
    world, settings = run.world, run.world.settings
    logger, policies = _learned(world)
    steps = record_sessions(
        logger,
        world.scenario,
        n_sessions=max(settings.sizes),
        seed=settings.seed + (run.number + 1) * _SEED_STEP,
        hidden=True,
    )
    log = PolicyLog.of(steps, world.scenario)
    targets = {n: target_chances(each, log, seed=settings.seed) for n, each in policies.items()}
    how = Uncertainty(n_resamples=_RESAMPLES, seed=run.number)
    for size in settings.sizes:
        rows = np.flatnonzero(log["session_number"] < size)
        part = log.select(rows)
        features = SlateFeatures(part)
        for name, target in targets.items():
            for value in judge(name, part, target.select(rows), uncertainty=how, features=features):
                yield estimate_row(value) | {"n_sessions": size}
    if run.number < settings.truths:
        for name, agent in policies.items():
            truth = true_values(agent, log)
            for per, each in ((PER_SLATE, truth.slate), (PER_SESSION, truth.session)):
                yield {"phase": TRUTH, "policy": name, "per": per, "value": each.mean}


@functools.lru_cache(maxsize=1)
def _learned(world: StudyWorld) -> tuple[Agent, dict[str, Agent]]:
    """Returns the agent that writes logs and those that are judged, having learned."""
    env = RecommendationVectorEnv(world.scenario, num_envs=16)
    policies = {name: _made(name, env, world.settings) for name in world.policies}
    logger = _made(world.settings.logger, env, world.settings)
    logger.exploration = world.settings.exploration
    return logger, policies


def _made(name: str, env: RecommendationVectorEnv, settings: StudySettings) -> Any:
    agent = make_agent(name, env, seed=settings.seed)
    return agent.learn(settings.learn) if agent.learns else agent
