"""Evaluates recommenders on a real log: fits each to the training rows and ranks the rest."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from recsim_env.agent_registry import registered_name
from recsim_env.agents import AGENTS, UnsuitableScenario, agent_class
from recsim_env.agents.foreign.frozen import Frozen
from recsim_env.agents.recommenders.recommender import Recommender
from recsim_env.benchmark.provenance import versions
from recsim_env.benchmark.ranking.protocol import RankingProtocol
from recsim_env.benchmark.ranking.report import as_markdown
from recsim_env.benchmark.ranking.run import ROWS, Random, RankingRun, play
from recsim_env.benchmark.ranking.task import RankingTask
from recsim_env.benchmark.runs.described import LeftOut, full_settings, hash_of
from recsim_env.benchmark.runs.kept import joinable, noted, plain
from recsim_env.benchmark.runs.processes import foreign, keep
from recsim_env.compiler.code_digest import code_digest, is_ours
from recsim_env.data.log import InteractionLog
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.envs.arguments import as_seed
from recsim_env.formats.files import replace_file
from recsim_env.results.layout import Row, RunKey
from recsim_env.results.table import ResultTable
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

#: The row that everything is compared with.
RANDOM = "random"

#: Settings that differ from an agent's defaults, which are for people who are shown things: a real
#: log tells what was consumed, and not what was passed over. They were found on MovieLens-100K.
LOG_SETTINGS: dict[str, dict[str, Any]] = {
    "popularity": {"by": "count"},
    "item_knn": {"weighting": "bm25", "shrinkage": 100.0},
    "svd": {"factors": 24},
    "ials": {"factors": 25, "confidence": "log", "alpha": 3.0, "regularization": 10.0},
    "ease": {"regularization": 500.0},
    "two_tower": {"epochs": 16, "weight_decay": 0.01, "dropout": 0.1, "id_dropout": 0.0},
    "sequential": {"epochs": 12, "weight_decay": 0.1},
    "sasrec": {"epochs": 24, "weight_decay": 0.1},
    "lightgcn": {"epochs": 80, "batch_size": 8_192, "learning_rate": 0.03},
}


@dataclass(frozen=True)
class RankingOutcome:
    """What a call of `rank` did.

    Attributes:
      rows: of the whole table.
      failed: (log, agent, seed) of the runs that failed.
      left_out: agents that the log does not suit, or whose extra is missing.
      about: sentences on the log's rows and people.
      foreign: (log, agent, seed) of runs in the folder that were not asked for.
      damage: sentences on damaged rows of the folder, which were overwritten.
    """

    rows: list[Row]
    failed: tuple[RunKey, ...]
    left_out: tuple[LeftOut, ...]
    about: tuple[str, ...]
    foreign: tuple[RunKey, ...]
    damage: tuple[str, ...] = ()


def default_agents() -> dict[str, dict[str, Any]]:
    """Returns every registered recommender that is a model of a table, with settings for logs."""
    names = [name for name in AGENTS if issubclass(agent_class(name), Recommender)]
    return {name: dict(LOG_SETTINGS.get(name, {})) for name in names}


def rank(
    log: InteractionLog,
    agents: Mapping[str, Mapping[str, Any]],
    protocol: RankingProtocol,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    folder: str | Path | None = None,
    command: str = "",
    jobs: int = 1,
    progress_bar: bool = False,
    overwrite: bool = False,
) -> RankingOutcome:
    """Evaluates agents, and `random` beside them, on what a protocol holds out of a log.

    Every finished run is on disk before the next; whoever is interrupted and calls again with the
    same folder goes on with what is left. Agents and seeds may be added to a folder by later calls.

    Args:
      log: what people consumed.
      agents: label to settings, and `agent` where the label is not its name.
      protocol: what is held out, and who is ranked among what.
      seeds: each is a fit with its own negatives and its own order of ties.
      folder: where `rows.csv`, `ranking.md` and settings go; None keeps nothing.
      command: what a person would type to repeat this; kept with the settings.
      jobs: processes; -1 is one per core.
      progress_bar: whether to show a line, on a terminal.
      overwrite: whether finished runs of other settings are replaced, and damaged ones.

    Raises:
      ValueError: an unknown agent or setting, no seeds or jobs, nobody to be ranked, or a folder
        that holds something else: another log, or runs of other settings.
      OSError: the folder cannot be written.
    """
    seeds = tuple(as_seed(seed, name="seeds") for seed in seeds)
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds={seeds} is not allowed; give at least one, and each once")
    if jobs == 0 or jobs < -1:
        raise ValueError(f"jobs={jobs} is not allowed; use -1, or 1 or more")
    if folder is None:
        with tempfile.TemporaryDirectory() as scratch:
            return rank(
                log,
                agents,
                protocol,
                seeds=seeds,
                folder=scratch,
                jobs=jobs,
                progress_bar=progress_bar,
            )
    log = log.canonical(seed=protocol.split_seed)  # the same runs for the same rows in any order
    task = RankingTask.of(log, protocol)
    runs, left_out = _plan(log, agents, task, protocol, seeds)
    with _joinable(folder, log, runs, protocol, overwrite=overwrite) as table:
        asked: dict[str, Any] = {
            "log": log.name,
            "protocol": asdict(protocol),
            "agents": {run.agent: run.settings for run in runs},
            "seeds": list(seeds),
            "command": command,
            "about": list(task.about),
        }
        asked |= noted(table, runs, _configs(log, runs, protocol), left_out, command)
        table.write_settings(plain(asked), versions())
        failed = keep(table, runs, play, jobs=jobs, progress_bar=progress_bar)
        commands = [each for each in (*asked["earlier_commands"], command) if each]
        page = as_markdown(log.name, table.rows(), protocol, task.about, commands=commands)
        replace_file(table.folder / "ranking.md", page)
    keys = {run.key for run in runs}
    rows = [row for row in table.rows() if ROWS.key(row) in keys]
    return RankingOutcome(rows, failed, left_out, task.about, foreign(table, runs), table.damage)


def _joinable(
    folder: str | Path,
    log: InteractionLog,
    runs: Sequence[RankingRun],
    protocol: RankingProtocol,
    *,
    overwrite: bool,
) -> AbstractContextManager[ResultTable]:
    """Opens the table of a folder that holds nothing else than rankings of this log.

    Raises:
      ValueError: it holds another log, or as in `joinable`.
    """
    there = ResultTable(folder, ROWS, overwrite=overwrite)
    if others := sorted({name for name, _, _ in there.config_hashes()} - {log.name}):
        raise ValueError(
            f"{there.folder} holds rankings of {', '.join(others)}, and its page can tell of one "
            f"log only; choose another folder for {log.name}"
        )
    configs = _configs(log, runs, protocol)
    return joinable(folder, runs, configs, layout=ROWS, overwrite=overwrite)


def _configs(
    log: InteractionLog, runs: Sequence[RankingRun], protocol: RankingProtocol
) -> dict[str, dict[str, Any]]:
    """Returns what decides the runs; see `joinable`."""
    agents = {
        run.agent: {
            "agent": _name(run.kind),
            "settings": run.settings,
        }
        for run in runs
    }
    return {log.name: {"rows": _content(log), "protocol": asdict(protocol), "agents": agents}}


def _content(log: InteractionLog) -> str:
    """Returns digits that change whenever something in the log does."""
    digest = hashlib.sha256()
    for each in fields(log):
        value = getattr(log, each.name)
        if isinstance(value, np.ndarray) and value.size:
            digest.update(np.ascontiguousarray(value).data.cast("B"))
    return digest.hexdigest()


def _plan(
    log: InteractionLog,
    agents: Mapping[str, Mapping[str, Any]],
    task: RankingTask,
    protocol: RankingProtocol,
    seeds: Sequence[int],
) -> tuple[list[RankingRun], tuple[LeftOut, ...]]:
    """Returns the runs, agent by agent, and who is left out."""
    content = _content(log)
    runs: list[RankingRun] = []
    left_out: list[LeftOut] = []
    for label, entry in {RANDOM: {}, **agents}.items():
        given = dict(entry)
        name = given.pop("agent", label)
        kind = Random if name == RANDOM else _recommender(name)
        settings = full_settings(label, kind.Settings.defaults(), given)
        if reason := _unsuitable(kind, settings, task, log.name):
            left_out.append(LeftOut(log.name, label, reason))
            continue
        described = [content, asdict(protocol), _name(kind), settings]
        for seed in seeds:
            runs.append(
                RankingRun(
                    log=log.name,
                    agent=label,
                    kind=kind,
                    settings=settings,
                    seed=seed,
                    task=task,
                    protocol=protocol,
                    config_hash=hash_of(described),
                )
            )
    return runs, tuple(left_out)


def _name(kind: type[Recommender[Any]] | type[Random]) -> str:
    """Returns what is judged, wherever its file lies; of somebody's own code a digest, too."""
    if kind is Random:
        return RANDOM
    name = registered_name(f"{kind.__module__}:{kind.__qualname__}")
    return name if is_ours(kind) else f"{name} ({code_digest(kind)})"


def _recommender(name: str) -> type[Recommender[Any]]:
    kind = agent_class(name)
    if not issubclass(kind, Recommender):
        known = ", ".join(default_agents())
        remedy = f"use any of {known}"
        if issubclass(kind, Frozen):
            remedy = (
                "what was made elsewhere may have seen what is held out; give its fit, as a "
                f"recommenders.score_model.ScoreModel, or {remedy}"
            )
        raise ValueError(f"agent {name!r} is no model of a log; {remedy}")
    return kind


@dataclass(frozen=True, kw_only=True)
class _LogCatalogue(RatedCatalogue):
    """A catalogue of a log's sizes, in which agents say what they lack."""

    def remedy_for(self, lack: str) -> str:
        """Returns how a log gets features of items."""
        return "describe them by a table, --items FILE" if lack == "item features" else ""


def _unsuitable(
    kind: type[Recommender[Any]] | type[Random],
    settings: dict[str, Any],
    task: RankingTask,
    name: str,
) -> str | None:
    """Returns why an agent cannot be fitted to the log, or None; checks its settings.

    Agents check themselves in an environment; here it is a world of the log's sizes.
    """
    if not issubclass(kind, Recommender):
        return None
    world = _LogCatalogue(
        n_users=task.train.n_users,
        n_items=task.train.n_items,
        n_candidates=1,
        slate_size=1,
        n_user_features=task.context.shape[1],
        n_item_features=task.item_features.shape[1],
    )
    try:
        kind(RecommendationVectorEnv(world, num_envs=1), **settings)
    except (UnsuitableScenario, ImportError) as error:
        return str(error).replace(f"{type(world).__name__} with these settings", name)
    return None
