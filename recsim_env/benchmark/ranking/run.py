"""One run of a ranking: an agent is fitted to training rows and ranks what was held out."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsim_env.agents.core.settings import AgentSettings
from recsim_env.agents.recommenders.query import Fit, Model, Query
from recsim_env.agents.recommenders.recommender import Recommender
from recsim_env.benchmark.ranking.protocol import RankingProtocol
from recsim_env.benchmark.ranking.task import RankingTask
from recsim_env.benchmark.runs.processes import rows_or_error
from recsim_env.data import ranking_metrics as metrics
from recsim_env.data.repeats import distinct
from recsim_env.results.intervals import bounded_mean
from recsim_env.results.layout import Layout, Row, RunKey

ROWS = Layout(
    columns={
        "log": str,
        "agent": str,
        "seed": int,
        "phase": str,
        "metric": str,
        "k": int,
        "value": float,
        "low": float,
        "high": float,
        "people": int,
        "wall_seconds": float,
        "config_hash": str,
        "error": str,
    },
    world="log",
    phases=("measure", "final", "failed"),
    needed={"measure": "value"},
)
"""One row for every metric and k: the mean over people with its 95 % Wilson interval, which what
describes all lists together (coverage, Gini) has not; `final` says that the run is complete."""

# How many numbers a block of scores, features included, may hold.
_BLOCK_NUMBERS = 4_000_000

# Purposes of random numbers.
_NEGATIVES, _TIES = 0, 1


class Random:
    """Scores all items alike, so that their order is random."""

    Settings = AgentSettings

    @classmethod
    def fit_table(cls, fit: Fit[AgentSettings]) -> dict[str, NDArray[Any]]:
        """Returns how many items there are."""
        return {"n_items": np.array(fit.table.n_items)}

    @classmethod
    def affinity(cls, model: Model, query: Query) -> NDArray[Any]:
        """Returns zeros."""
        n = model["n_items"] if query.item is None else query.item.shape[1]
        return np.zeros((len(query.user), int(n)), np.float32)


@dataclass(frozen=True, eq=False, kw_only=True)
class RankingRun:
    """One agent and seed on one log.

    Attributes:
      log: the log's name.
      agent: the label of the row.
      kind: what is fitted.
      settings: all of the agent's.
      seed: of the fit, the negatives and the order of ties.
      task, protocol: what is asked.
      config_hash: of everything but the seed.
    """

    log: str
    agent: str
    kind: type[Recommender[Any]] | type[Random]
    settings: dict[str, Any]
    seed: int
    task: RankingTask
    protocol: RankingProtocol
    config_hash: str

    @property
    def key(self) -> RunKey:
        """Names the run in the table."""
        return self.log, self.agent, self.seed


def play(run: RankingRun) -> tuple[list[Row], str]:
    """Fits and evaluates an agent; returns its rows, and the traceback if it failed."""
    rows, trace = rows_or_error(functools.partial(_measures, run))
    log, agent, seed = run.key
    about = {"log": log, "agent": agent, "seed": seed, "config_hash": run.config_hash}
    return [about | row for row in rows], trace


def _measures(run: RankingRun) -> list[Row]:
    """Returns a row for every metric and k, and the final one."""
    task = run.task
    settings: Any = run.kind.Settings(**run.settings)
    model = run.kind.fit_table(Fit(table=task.train, settings=settings, seed=run.seed))
    lists, is_hit = ranked(task, run.protocol, run.kind, model, seed=run.seed)
    n_people = len(task.people)
    rows: list[Row] = []
    for k in run.protocol.k:
        of_people, of_all = _scores(task, lists[:, :k], is_hit[:, :k], run.protocol.negatives)
        for name, values in of_people.items():
            found = bounded_mean(values, *_range_of(name, task))
            rows.append(
                {"metric": name, "value": found.mean, "low": found.low, "high": found.high, "k": k}
            )
        rows += [{"metric": name, "value": value, "k": k} for name, value in of_all.items()]
    about = {"phase": "measure", "people": n_people}
    return [*(about | row for row in rows), {"phase": "final", "people": n_people}]


def _scores(
    task: RankingTask, lists: NDArray[Any], is_hit: NDArray[np.bool_], negatives: int | None
) -> tuple[dict[str, NDArray[np.float64]], dict[str, float]]:
    """Returns the metrics of each person's list, and those of all lists together.

    What lists show beside hits is told only where all items are ranked: among sampled negatives it
    would be mostly what was sampled.
    """
    n_relevant = np.diff(task.relevant.indptr)
    of_people = {
        "HR": metrics.hit_rate(is_hit),
        "NDCG": metrics.ndcg(is_hit, n_relevant),
        "recall": metrics.recall(is_hit, n_relevant),
        "precision": metrics.precision(is_hit),
        "MRR": metrics.reciprocal_rank(is_hit),
    }
    if negatives is not None:
        return of_people, {}
    train = task.train
    pairs = distinct(train.user.astype(np.int64) * train.n_items + train.item)
    n_consumers = np.bincount(pairs % train.n_items, minlength=train.n_items)
    of_people["novelty"] = metrics.novelty(lists, n_consumers, train.n_users)
    if task.item_features.shape[1]:
        of_people["diversity"] = metrics.intra_list_diversity(lists, task.item_features)
    exposures = metrics.exposure(lists, train.n_items)
    return of_people, {"coverage": metrics.coverage(exposures), "Gini": metrics.gini(exposures)}


def _range_of(name: str, task: RankingTask) -> tuple[float, float]:
    """Returns the smallest and the greatest number that a person's metric can be."""
    # Of novelty: an item that nobody had. Of diversity: features that are opposites.
    return 0.0, {"novelty": math.log2(task.train.n_users + 1.0), "diversity": 2.0}.get(name, 1.0)


def ranked(
    task: RankingTask,
    protocol: RankingProtocol,
    kind: type[Recommender[Any]] | type[Random],
    model: Model,
    *,
    seed: int,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Returns everybody's list of the longest k and which items in it are right, (n_people, k).

    Raises:
      ValueError: a score that is not finite.
    """
    longest, n_people, n_items = max(protocol.k), len(task.people), task.train.n_items
    ties = np.random.default_rng([seed, _TIES])
    candidates = None
    if protocol.negatives is not None:
        rng = np.random.default_rng([seed, _NEGATIVES])
        candidates = task.sampled(protocol.negatives, rng)
    lists = np.empty((n_people, longest), np.int64)
    is_hit = np.zeros((n_people, longest), bool)
    for rows in _blocks(task, n_items):
        item = None if candidates is None else candidates[rows]
        scores = np.array(kind.affinity(model, task.query(rows, item)))
        if not np.isfinite(scores).all():
            raise ValueError(f"{kind.__name__}.affinity returned a number that is not finite")
        if item is None:
            scores[task.known[rows].nonzero()] = -np.inf
        found = metrics.top_k(scores, longest, ties)
        if item is not None:
            found = np.take_along_axis(item, found, axis=1)
        lists[rows] = found
        right = task.relevant[rows].toarray()
        is_hit[rows] = np.take_along_axis(right, found, axis=1) & (found >= 0)
    return lists, is_hit


def _blocks(task: RankingTask, n_items: int) -> Iterator[slice]:
    """Yields slices of people whose scores, and features of candidates, fit in memory."""
    size = max(1, _BLOCK_NUMBERS // (n_items * (1 + task.item_features.shape[1])))
    return (slice(start, start + size) for start in range(0, len(task.people), size))
