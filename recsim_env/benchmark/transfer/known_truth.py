"""What fitted worlds predict of other policies of simulated people, whose truth is known."""

from __future__ import annotations

import dataclasses
import math
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recsim_env.agents import Agent, agent_class, make_agent
from recsim_env.agents.core.online import OnlineAgent
from recsim_env.agents.core.step_log import LoggedSteps
from recsim_env.agents.foreign.score_table import ScoreTable
from recsim_env.agents.recommenders.query import Query, places_of
from recsim_env.agents.recommenders.recommender import Recommender
from recsim_env.benchmark.evaluation import evaluate
from recsim_env.benchmark.log_rows import recording_of
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.benchmark.off_policy.targets import target_chances
from recsim_env.benchmark.recording import record_steps, unrecordable
from recsim_env.benchmark.transfer.known_values import (
    CLICKS,
    METHODS,
    POLICIES,
    RATE,
    SHOWN,
    TOLD,
    WEIGHTED,
    KnownValue,
    TruthSettings,
)
from recsim_env.core.scenario import Scenario
from recsim_env.data import CalibrationWarning, calibrate
from recsim_env.envs import RecommendationVectorEnv, resolve_scenario
from recsim_env.formats.rated_world import RatedWorld
from recsim_env.ope import LoggedActions, Uncertainty
from recsim_env.ope.bandits import snips
from recsim_env.progress import progress
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

Floats = NDArray[np.float64]

# Seeds of worlds' logs, policies and truths lie so far apart that no two share a person's luck.
_SEED_STEP = 1_000_003

# Seeds of those who log, who are not those who are predicted.
_OF_LOGGERS = 500


def predict_known(settings: TruthSettings, *, progress_bar: bool = False) -> list[KnownValue]:
    """Returns every policy's clicks by every log and method, beside the true ones.

    Policies learn from people of their own; they are then tables of scores, which act alike in the
    scenario and in worlds fitted to a log of it. The world of clicks is what `calibrate` makes of
    what was clicked, told how often people click (`choice_rate`). The world of impressions is what
    it makes of all that was shown, clicked or passed over. In both, candidates are drawn as the
    logging policy showed items; "told the candidates" draws them as that policy found them, which
    logs seldom hold.

    Args:
      settings: what is predicted.
      progress_bar: whether to show progress on a terminal.

    Raises:
      ValueError: the scenario has no ids, or shows several items at a time, a policy needs more
        than ids, or a logger explores in its own way.
    """
    for logger in settings.loggers:
        if not issubclass(agent_class(logger), OnlineAgent):
            raise ValueError(
                f"logger {logger!r} explores in its own way; use uniform, a recommender or a bandit"
            )
    found: list[KnownValue] = []
    with progress(
        total=len(settings.seeds) * len(settings.loggers), unit="log", shown=progress_bar
    ) as bar:
        for seed in settings.seeds:
            scenario = _scenario(settings, seed)
            tables = {name: _table(name, scenario, settings, seed) for name in settings.policies}
            truth = {name: _served(table, scenario, settings) for name, table in tables.items()}
            for logger in settings.loggers:
                found += _by_log(logger, scenario, settings, seed, tables=tables, truth=truth)
                bar.update(1)
    return found


def _scenario(settings: TruthSettings, seed: int) -> Scenario:
    """Returns the world of a seed."""
    scenario = resolve_scenario(
        settings.scenario, **{"world_seed": seed, **settings.scenario_settings}
    )
    name = type(scenario).__name__
    reason = unrecordable(scenario)
    if reason is not None:
        raise ValueError(reason)
    if scenario.slate_size != 1 or not scenario.n_users:
        raise ValueError(
            f"{name} shows slate_size={scenario.slate_size} items to n_users={scenario.n_users}; "
            "a click tells of the item alone where one is shown, and people need ids"
        )
    return scenario


def _table(name: str, scenario: Scenario, settings: TruthSettings, seed: int) -> Floats:
    """Returns the scores of a policy that has learned, (n_users, n_items)."""
    if name == "uniform":
        return np.zeros((scenario.n_users, scenario.n_items))
    kind = agent_class(name)
    if not issubclass(kind, Recommender) or kind.logged_fields:
        raise ValueError(
            f"policy {name!r} needs more than ids of people and items, which a fitted world may "
            f"lack; use uniform, or recommenders that know ids only, such as {', '.join(POLICIES)}"
        )
    agent = _learned(name, scenario, settings.learn, seed)
    assert isinstance(agent, Recommender)
    query = Query.whole_catalogue(places_of(np.arange(scenario.n_users), agent.model["user_ids"]))
    if agent.personalization is None:
        return np.asarray(agent.affinity(agent.model, query), np.float64)
    return np.asarray(agent.personalization.scores(agent.model, query), np.float64)


def _learned(name: str, scenario: Scenario, learn: int, seed: int) -> Agent:
    agent = make_agent(name, RecommendationVectorEnv(scenario, num_envs=16), seed=seed * _SEED_STEP)
    if agent.learns:
        agent.learn(learn)
    return agent


def _served(table: Floats, scenario: Scenario, settings: TruthSettings) -> tuple[float, float]:
    """Returns clicks per slate and per session of the policy of scores, (n_users, n_items)."""
    env = RecommendationVectorEnv(scenario, num_envs=1)
    try:
        agent = ScoreTable(env, table)
        found = evaluate(agent, scenario, n_episodes=settings.sessions, seed=2 * _SEED_STEP)
    finally:
        env.close()
    return found.click_rate, float(found.clicks.mean())


def _by_log(
    logger: str,
    scenario: Scenario,
    settings: TruthSettings,
    seed: int,
    *,
    tables: dict[str, Floats],
    truth: dict[str, tuple[float, float]],
) -> Iterator[KnownValue]:
    """Yields what one log says of all policies."""
    agent = _learned(logger, scenario, settings.learn, _OF_LOGGERS + seed)
    if agent.learns and isinstance(agent, OnlineAgent):
        agent.exploration = settings.exploration
    steps = record_steps(
        agent, scenario, interactions=settings.interactions, seed=3 * _SEED_STEP + seed
    )
    log = PolicyLog.of(steps, scenario)
    rate = float(steps["clicked"].mean())
    worlds = _worlds(steps, scenario, settings, rate)
    for name, table in tables.items():
        said = {each: _in_world(table, world, scenario, settings) for each, world in worlds.items()}
        said[RATE] = rate, rate * len(log) / len(log.starts)
        said[WEIGHTED] = _weighted(table, log, scenario), math.nan
        for method in METHODS:
            of_slate, of_session = said[method]
            yield KnownValue(
                logger,
                seed,
                name,
                method,
                click_rate=of_slate,
                true_click_rate=truth[name][0],
                clicks=of_session,
                true_clicks=truth[name][1],
            )


def _worlds(
    steps: LoggedSteps, scenario: Scenario, settings: TruthSettings, rate: float
) -> dict[str, RatedWorld]:
    """Returns worlds fitted to a log."""
    recording = recording_of(steps, scenario)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CalibrationWarning)
        of_shown = calibrate(recording.clicks_and_impressions(), **settings.fit)
        of_clicks = calibrate(
            recording.clicks(), choice_rate=rate, choice_slate_size=1, **settings.fit
        )
    offered = np.bincount(steps["item_id"].ravel(), minlength=scenario.n_items)
    exposure = offered[of_shown.item_labels.astype(int)].astype(np.float64)
    told = dataclasses.replace(of_shown, item_exposure=exposure / exposure.sum())
    return {CLICKS: of_clicks, SHOWN: of_shown, TOLD: told}


def _in_world(
    table: Floats, world: RatedWorld, scenario: Scenario, settings: TruthSettings
) -> tuple[float, float]:
    """Returns clicks per slate and per session of a policy among the people of a fitted world."""
    known = np.ix_(world.user_labels.astype(int), world.item_labels.astype(int))
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "world.npz"
        world.save(path)
        fitted = RatedCatalogue(
            world=str(path),
            n_candidates=min(scenario.n_candidates, world.n_items),
            slate_size=1,
            reward="clicks",
        )
        return _served(table[known], fitted, settings)


def _weighted(table: Floats, log: PolicyLog, scenario: Scenario) -> float:
    """Returns a policy's click rate by importance weights; NaN where none is above 0."""
    env = RecommendationVectorEnv(scenario, num_envs=1)
    try:
        target = target_chances(ScoreTable(env, table), log).slate
    finally:
        env.close()
    found = LoggedActions(
        reward=log["clicked"][:, 0].astype(float), propensity=log["propensity"], target=target
    )
    if not target.any():
        return float("nan")
    return snips(found, uncertainty=Uncertainty(method="none")).value
