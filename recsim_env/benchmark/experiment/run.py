"""One run: an agent learns in a scenario with one seed, and is evaluated along the way."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsim_env.agents import Agent, agent_class, is_frozen, make_agent
from recsim_env.benchmark.evaluation import Evaluation, backdrop, evaluate
from recsim_env.benchmark.experiment.settings import MAX_ENVS
from recsim_env.benchmark.memory import count_anew, peak_mebibytes
from recsim_env.benchmark.runs.processes import rows_or_error
from recsim_env.benchmark.visiting import record_visit
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv, resolve_scenario
from recsim_env.envs.accounting import observing_steps
from recsim_env.results.layout import Row, RunKey
from recsim_env.results.metrics import N_MEASURED, PEAK, metric_rows
from recsim_env.results.standings import ALWAYS_RUN

#: What a row of a run holds beside the columns of its table: rows of the table of metrics.
MEASURED = "measured"

#: And what the final row of a run that is shown holds: a session of the evaluation's first person.
VISIT = "visit"

_VISIT_STEPS, _VISIT_ITEMS = 20, 48
"""The most steps of a session that is kept, and the most items shown in it: files stay small."""


@dataclass(frozen=True)
class Protocol:
    """How every run goes on; see `BenchmarkSettings` for the meaning.

    Attributes:
      checkpoints: interactions after which the agent is evaluated; the last ends the run.
      bin_edges: interactions at which the bins of the reward while learning end.
      num_envs: people served side by side while learning.
      eval_episodes: episodes of an evaluation.
    """

    checkpoints: tuple[int, ...]
    bin_edges: tuple[int, ...]
    num_envs: int
    eval_episodes: int


@dataclass(frozen=True)
class Run:
    """One scenario, agent and seed.

    Attributes:
      scenario_label, agent_label: what the table calls them.
      scenario: with its settings.
      agent: short name or ``"module:Class"``.
      agent_settings: its settings.
      seed: of the run.
      protocol: how it goes on.
      config_hash: of everything but the seed.
      is_shown: whether one person's session under the agent is kept, to be looked at.
    """

    scenario_label: str
    agent_label: str
    scenario: Scenario
    agent: str
    agent_settings: dict[str, Any]
    seed: int
    protocol: Protocol
    config_hash: str
    is_shown: bool = False

    @property
    def key(self) -> RunKey:
        """Names the run in the table."""
        return self.scenario_label, self.agent_label, self.seed

    @property
    def learning_seed(self) -> int:
        """Seed of the agent and of the people it learns from; no other run shares any of them."""
        return self.seed * 2 * MAX_ENVS

    @property
    def evaluation_seed(self) -> int:
        """Seed of the people of the evaluations: the same for all agents, met in no learning."""
        return (self.seed * 2 + 1) * MAX_ENVS


class OnlineRecord:
    """What a run spent and earned while learning, whichever environment it took for it.

    Attributes:
      step_seconds: the time that the environment took of it.
    """

    def __init__(self) -> None:
        self._counts, self._rewards = [0], [0.0]
        self.step_seconds = 0.0

    def __call__(
        self, rewards: np.ndarray, is_over: np.ndarray, has_stepped: np.ndarray, seconds: float
    ) -> None:
        """Adds a batch of steps."""
        self.step_seconds += seconds
        self._counts.append(self._counts[-1] + int(has_stepped.sum()))
        self._rewards.append(self._rewards[-1] + float(rewards[has_stepped].sum()))

    @property
    def n_interactions(self) -> int:
        """Interactions taken."""
        return self._counts[-1]

    def reward_per_step(self, edges: tuple[int, ...]) -> np.ndarray:
        """Returns the mean reward per interaction between edges, the first bin starting at 0.

        A batch that crosses an edge is shared between both sides.

        Raises:
          ValueError: fewer interactions were taken than the last edge.
        """
        if self.n_interactions < edges[-1]:
            raise ValueError(
                f"learning took {self.n_interactions} interactions, not {edges[-1]}; learn() must "
                "step environments of recsim_env for as many interactions as it is asked to"
            )
        points = np.array([0, *edges])
        totals = np.interp(points, self._counts, self._rewards)
        return np.asarray(np.diff(totals) / np.diff(points))


def play(run: Run, *, measured: bool = False) -> tuple[list[Row], str]:
    """Plays a run and returns its rows for the table, and the traceback if it failed.

    Args:
      run: which.
      measured: whether the rows of frozen evaluations also hold, under `MEASURED`, those of the
        table of metrics, and the final one, under `VISIT`, what is kept of a run that is shown;
        `parted` takes them out.
    """
    rows, trace = rows_or_error(functools.partial(_play, run, measured=measured))
    scenario, agent, seed = run.key
    about = {"scenario": scenario, "agent": agent, "seed": seed, "config_hash": run.config_hash}
    return [about | row for row in rows], trace


def parted(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Returns the rows of a run for the table of results, and those for the table of metrics."""
    keys = ("scenario", "agent", "seed", "config_hash")
    found = [
        {key: row[key] for key in keys} | each for row in rows for each in row.get(MEASURED, ())
    ]
    besides = (MEASURED, VISIT)
    return [{k: v for k, v in row.items() if k not in besides} for row in rows], found


def _play(run: Run, *, measured: bool) -> list[Row]:
    protocol = run.protocol
    has_own_peak = count_anew()
    env = RecommendationVectorEnv(run.scenario, num_envs=protocol.num_envs)
    try:
        agent = make_agent(run.agent, env, seed=run.learning_seed, **run.agent_settings)
        rows, record = [], OnlineRecord()
        was_made = is_frozen(run.agent)
        is_reference = run.agent in ALWAYS_RUN
        future = resolve_scenario(run.scenario, **run.scenario.evaluation_settings())
        n_episodes, seed = protocol.eval_episodes, run.evaluation_seed
        n_measured = min(n_episodes, N_MEASURED)
        behind = backdrop(future, n_episodes=n_measured, seed=seed) if measured else None
        due = protocol.checkpoints[-1:] if was_made or is_reference else protocol.checkpoints
        for n_interactions in due:
            if not was_made:
                learn_until(agent, record, n_interactions)
            found = evaluate(
                agent,
                future,
                n_episodes=n_episodes,
                seed=seed,
                n_measured=n_measured if measured else None,
                backdrop=behind,
            )
            if not (was_made or is_reference):
                rows.append(_row("evaluation", n_interactions, found))
        final = _row("final", record.n_interactions, found)
        if measured and has_own_peak:
            final[MEASURED][-1][PEAK] = peak_mebibytes()
        if measured and run.is_shown:
            final[VISIT] = _visit(run, agent, future)
    finally:
        env.close()
    return [*([] if was_made else _online_rows(run, record)), *rows, final]


def _visit(run: Run, agent: Agent, scenario: Scenario) -> dict[str, Any]:
    """Returns the beginning of the first session of the final evaluation's first person."""
    visit = record_visit(
        agent,
        scenario,
        seed=run.evaluation_seed,
        max_steps=max(1, min(_VISIT_STEPS, _VISIT_ITEMS // scenario.slate_size)),
        labels=(run.scenario_label, run.agent_label),
    )
    return visit.as_dict(whole=False) | {"run_seed": run.seed}


def learn_until(agent: Agent, record: OnlineRecord, n_interactions: int) -> None:
    """Lets the agent learn until it has spent that many interactions."""
    due = n_interactions - record.n_interactions
    if due > 0:
        with observing_steps(record):
            agent.learn(due)


def _row(phase: str, n_interactions: int, found: Evaluation) -> Row:
    row = {"phase": phase, "interactions": n_interactions} | _measures(found)
    if found.measured is not None:
        row[MEASURED] = metric_rows(phase, n_interactions, found.measured)
    return row


def _measures(found: Evaluation) -> Row:
    return {
        "episodes": found.n_episodes,
        "return_mean": found.return_mean,
        "reward_per_step": found.reward_per_step,
        "click_rate": found.click_rate,
        "episode_length": found.episode_length,
    }


def _online_rows(run: Run, record: OnlineRecord) -> list[Row]:
    edges = run.protocol.bin_edges
    earned = record.reward_per_step(edges)
    ceiling = oracle_reward(run.scenario, run.learning_seed, run.protocol)
    return [
        {
            "phase": "online",
            "interactions": edge,
            "reward_per_step": float(reward),
            "oracle_reward_per_step": float(best),
        }
        for edge, reward, best in zip(edges, earned, ceiling, strict=True)
    ]


@functools.lru_cache(maxsize=16)
def oracle_reward(scenario: Scenario, seed: int, protocol: Protocol) -> tuple[float, ...]:
    """Returns the oracle's reward per interaction, bin by bin, where others learn.

    It is played beside every run (once per process), so that no run waits for another. NaN where
    the scenario has no oracle.
    """
    if agent_class("oracle").unsuitable(scenario):
        return (math.nan,) * len(protocol.bin_edges)
    env = RecommendationVectorEnv(scenario, num_envs=protocol.num_envs)
    try:
        record = OnlineRecord()
        learn_until(make_agent("oracle", env, seed=seed), record, protocol.bin_edges[-1])
        return tuple(record.reward_per_step(protocol.bin_edges).tolist())
    finally:
        env.close()
