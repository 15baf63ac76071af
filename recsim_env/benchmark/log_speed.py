"""How long logs of any size take: seconds, processor time and memory of each kind of work.

Each kind is measured in a process of its own, on a log that is made up: as long-tailed as those of
MovieLens, with 160,000 people and 60,000 items at 25 million rows.
"""

from __future__ import annotations

import functools
import os
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from recsim_env.benchmark.memory import count_anew, peak_mebibytes
from recsim_env.benchmark.speed import fresh_process
from recsim_env.data import CalibrationWarning, InteractionLog, calibrate, read_log
from recsim_env.data.repeats import distinct

_N_FACTORS = 8
_SPREADS = {"user": 0.4, "item": 0.5, "taste": 0.5, "noise": 0.8}
_FIRST_TIME, _SPAN_SECONDS = 1_300_000_000, 300_000_000

_STAGE = """
import sys
from recsim_env.benchmark.log_speed import measure_stage
print(*measure_stage(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
"""


@dataclass(frozen=True)
class Stage:
    """A kind of work with a log.

    Attributes:
      of_file: what is done with the log's CSV file, or
      of_log: with the log in memory.
      most_rows: of logs that it suits.
    """

    of_file: Callable[[Path], object] | None = None
    of_log: Callable[[InteractionLog], object] | None = None
    most_rows: int | None = None


@dataclass(frozen=True)
class Cost:
    """What a kind of work cost: seconds, seconds of processor time, and GiB at most."""

    stage: str
    wall_seconds: float
    cpu_seconds: float
    peak_gibibytes: float


def _calibrate(log: InteractionLog) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CalibrationWarning)
        calibrate(log)


def _rank(log: InteractionLog, names: Sequence[str]) -> None:
    from recsim_env.benchmark.ranking.protocol import RankingProtocol
    from recsim_env.benchmark.ranking.study import LOG_SETTINGS, rank

    agents = {name: LOG_SETTINGS[name] for name in names}
    outcome = rank(log, agents, RankingProtocol(min_user=2, min_item=1), seeds=(0,))
    if outcome.failed:
        raise RuntimeError(f"runs failed: {outcome.failed}")


#: What is measured, by what it is called.
STAGES: dict[str, Stage] = {
    "read CSV": Stage(of_file=read_log),
    "calibrate": Stage(of_log=_calibrate),
    "rank popularity, item_knn, ials": Stage(
        of_log=functools.partial(_rank, names=("popularity", "item_knn", "ials"))
    ),
    # It holds a number for every pair of items, of which larger logs have too many.
    "rank ease": Stage(of_log=functools.partial(_rank, names=("ease",)), most_rows=2_500_000),
}


def log_costs(n_rows: int) -> Iterator[Cost]:
    """Yields what each of `STAGES` costs on a log of that many rows."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "log.csv"
        write_log(made_up_log(n_rows), path)
        for name, stage in STAGES.items():
            if stage.most_rows is not None and n_rows > stage.most_rows:
                continue
            wall, cpu, peak = map(float, fresh_process(_STAGE, name, str(n_rows), str(path)))
            yield Cost(name, wall, cpu, peak)


def measure_stage(name: str, n_rows: int, path: str) -> tuple[float, float, float]:
    """Returns seconds, seconds of processor time and GiB at most of one kind of work, done here."""
    stage = STAGES[name]
    if stage.of_log is not None:
        log = made_up_log(n_rows)
        count_anew()
    start, cpu = time.perf_counter(), _cpu_seconds()
    if stage.of_file is not None:
        stage.of_file(Path(path))
    elif stage.of_log is not None:
        stage.of_log(log)
    return time.perf_counter() - start, _cpu_seconds() - cpu, peak_mebibytes() / 2**10


def _cpu_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def made_up_log(n_rows: int, *, seed: int = 0) -> InteractionLog:
    """Returns a log of ratings from half a star to five, with times, in the order of people.

    People and items are drawn by long-tailed weights, no pair twice; ratings follow biases, tastes
    and noise.
    """
    rng = np.random.default_rng(seed)
    n_users, n_items = max(n_rows // 156, 10), max(int(12 * n_rows**0.5), 40)
    user, item = _pairs(n_rows, n_users, n_items, rng)
    return InteractionLog(
        user=user,
        item=item,
        rating=_ratings(user, item, n_users, n_items, rng),
        time=_times(user, rng),
        is_explicit=True,
        user_labels=_labels(n_users),
        item_labels=_labels(n_items),
        item_titles=_labels(n_items),
        item_features=np.zeros((n_items, 0), np.float32),
        item_feature_names=np.empty(0, np.str_),
        user_features=np.zeros((n_users, 0), np.float32),
        user_feature_names=np.empty(0, np.str_),
        name=f"made-up log of {n_rows:,} rows",
    )


def write_log(log: InteractionLog, path: Path) -> None:
    """Writes a log as MovieLens' ratings.csv is written."""
    import polars as pl

    assert log.time is not None
    columns = {
        "userId": log.user + 1,
        "movieId": log.item + 1,
        "rating": log.rating,
        "timestamp": log.time.astype(np.int64),
    }
    pl.DataFrame(columns).write_csv(path)


def _labels(n: int) -> NDArray[np.str_]:
    return np.arange(1, n + 1).astype(str)


def _pairs(
    n_rows: int, n_users: int, n_items: int, rng: np.random.Generator
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Returns different pairs of people and items, ordered by people."""
    activity = np.cumsum(rng.lognormal(0.0, 1.0, n_users))
    popularity = np.cumsum((1.0 + rng.permutation(n_items)) ** -0.8)
    found = np.empty(0, np.int64)
    while len(found) < n_rows:
        n_drawn = int(1.2 * (n_rows - len(found))) + 10
        user, item = (
            np.searchsorted(weight, rng.random(n_drawn) * weight[-1])
            for weight in (activity, popularity)
        )
        found = distinct(np.append(found, user * n_items + item))
    found = found[np.sort(rng.permutation(len(found))[:n_rows])]
    return (found // n_items).astype(np.int32), (found % n_items).astype(np.int32)


def _ratings(
    user: NDArray[np.int32],
    item: NDArray[np.int32],
    n_users: int,
    n_items: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Returns how people rate items, in half stars from 0.5 to 5."""
    biases = (rng.normal(0.0, _SPREADS[of], n) for of, n in (("user", n_users), ("item", n_items)))
    user_bias, item_bias = biases
    scale = (_SPREADS["taste"] / _N_FACTORS**0.5) ** 0.5
    tastes, kinds = (rng.normal(0.0, scale, (n, _N_FACTORS)) for n in (n_users, n_items))
    felt = 3.5 + user_bias[user] + item_bias[item] + rng.normal(0.0, _SPREADS["noise"], len(user))
    for k in range(_N_FACTORS):  # one after the other, as a long log has many rows
        felt += tastes[user, k] * kinds[item, k]
    return np.asarray(np.clip(np.round(2 * felt) / 2, 0.5, 5.0))


def _times(user: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.float64]:
    """Returns when rows happened: a minute apart within sessions, and days between them."""
    n = len(user)
    gap = np.ceil(rng.exponential(60.0, n))
    gap[rng.random(n) < 0.05] += 86_400
    passed = np.cumsum(gap)
    first = np.flatnonzero(np.append(True, user[1:] != user[:-1]))
    sizes = np.diff(np.append(first, n))
    start = np.floor(rng.random(len(first)) * _SPAN_SECONDS) + _FIRST_TIME
    return np.asarray(passed - np.repeat(passed[first] - start, sizes))
