"""Every interval that is printed or drawn contains the truth as often as it promises.

Runs are simulated: agents differ by known means and share the noise of a seed, and of many tables
the share of intervals that contain the truth is counted. Of normal values and of moderately skewed
ones (gamma, of skewness 1) it must lie between 93 and 97 %.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from recsim_env.benchmark.ablation import Ablation, gain_of
from recsim_env.results.intervals import Estimate, estimate, normalized_score, paired_difference
from recsim_env.results.layout import BENCHMARK, Row
from recsim_env.results.standings import evaluation_curves, ladder, regret_curves, standings
from recsim_env.results.table import ResultTable

Draw = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.float64]]
Truths = Iterator[tuple[str, Estimate | None, float]]

WORLD = "S-v0"
EMPTY = BENCHMARK.checked(
    {
        **{"scenario": WORLD, "agent": "a", "seed": 0, "config_hash": "c"},
        **{"phase": "final", "interactions": 100, "return_mean": 0.0},
    }
)
MEANS = {"uniform": 10.0, "low": 12.0, "high": 16.0, "oracle": 20.0, "far_sighted": 18.0}


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return rng.normal(size=shape)


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Of skewness 1, mean 0 and variance 1."""
    return (rng.gamma(4.0, size=shape) - 4.0) / 2.0


DRAWS: tuple[Draw, ...] = (normal, skewed)


def table_of(returns: dict[str, NDArray[np.float64]]) -> ResultTable:
    """Returns a table, on no disk, in which agents had these returns by seed."""
    table = ResultTable(Path("no such folder"))
    best = returns.get("oracle", next(iter(returns.values()))).tolist()
    for agent, values in returns.items():
        for seed, value in enumerate(values.tolist()):
            name: Row = {"agent": agent, "seed": seed, "return_mean": value}
            online = {"reward_per_step": value, "oracle_reward_per_step": best[seed]}
            table._runs[WORLD, agent, seed] = [
                {**EMPTY, **name, "phase": "evaluation"},
                {**EMPTY, **name, "phase": "online", **online},
                {**EMPTY, **name, "phase": "final"},
            ]
    return table


def of_values(rng: np.random.Generator, draw: Draw, n: int) -> Truths:
    """As `evaluate` prints them over episodes, and reports over seeds."""
    values, other = 3.0 + 2.0 * draw(rng, (n,)), draw(rng, (n,))
    yield "estimate", estimate(values), 3.0
    a, b = (dict(enumerate(each.tolist())) for each in (values + other, 1.0 + 3.0 * other))
    yield "paired difference", paired_difference(a, b), 2.0
    uniform = 10.0 + 2.0 * draw(rng, (n,))
    reference = uniform + 4.0 + 0.5 * draw(rng, (n,))
    agent = uniform + 2.0 + 0.4 * draw(rng, (n,))
    of_agent, of_uniform, of_reference = (
        dict(enumerate(each.tolist())) for each in (agent, uniform, reference)
    )
    yield "score", normalized_score(of_agent, of_uniform, of_reference), 0.5


def of_tables(rng: np.random.Generator, draw: Draw, n: int) -> Truths:
    """As leaderboards, reports and curves show them."""
    shared = 2.0 * draw(rng, (n,))
    table = table_of(
        {agent: mean + shared + 0.6 * draw(rng, (n,)) for agent, mean in MEANS.items()}
    )
    ranked = standings(table, WORLD)
    for place, each in enumerate(ranked):
        yield "return", each.episode_return, MEANS[each.agent]
        if each.agent not in ("uniform", "oracle"):  # which are 0 and 1 by definition
            yield "score of a table", each.score, (MEANS[each.agent] - 10.0) / 10.0
        if each.lead:
            below = MEANS[ranked[place + 1].agent]
            yield "lead", each.lead, MEANS[each.agent] - below
    (rungs,) = ladder(table)
    for agent in ("low", "high"):
        yield "score of the ladder", rungs.scores[agent], (MEANS[agent] - 10.0) / 10.0
    for curve in evaluation_curves(table, WORLD):
        yield "learning curve", curve.estimates[-1], MEANS[curve.agent]
    for curve in regret_curves(table, WORLD):
        if curve.agent != "oracle":
            yield "regret", curve.estimates[-1], 100 * (20.0 - MEANS[curve.agent])


def of_gains(rng: np.random.Generator, draw: Draw, n: int) -> Truths:
    """As `ablate` prints them, of one policy and of the best of three that earn the same."""
    shared = draw(rng, (n,))
    policies = {"ablate": 10.0, "one": 12.0, "two": 12.0, "three": 12.0}
    table = table_of({name: mean + shared + draw(rng, (n,)) for name, mean in policies.items()})
    yield "gain", gain_of(Ablation(("one",), "ablate"), table, WORLD), 0.2
    yield (
        "gain of the best",
        gain_of(Ablation(("one", "two", "three"), "ablate"), table, WORLD),
        0.2,
    )


def coverages(
    intervals: Callable[[np.random.Generator, Draw, int], Truths], n: int, n_tables: int, draw: Draw
) -> dict[str, float]:
    """Returns the share of intervals of each kind that contain the truth."""
    rng, tries, hits = np.random.default_rng(n), Counter[str](), Counter[str]()
    for _ in range(n_tables):
        for kind, found, truth in intervals(rng, draw, n):
            assert found is not None
            assert found.n == n
            tries[kind] += 1
            hits[kind] += found.low <= truth <= found.high
    return {kind: hits[kind] / tries[kind] for kind in tries}


@pytest.mark.parametrize(("intervals", "n_tables"), [(of_values, 400), (of_tables, 60)])
def test_intervals_cover_about_as_promised(intervals: Any, n_tables: int) -> None:
    """A right method fails here with probability 1e-6: at worst all values of a table are one."""
    lowest = stats.binom.ppf(1e-6, n_tables, 0.95) / n_tables
    for kind, coverage in coverages(intervals, 10, n_tables, normal).items():
        assert coverage >= lowest, kind


@pytest.mark.slow
@pytest.mark.parametrize("draw", DRAWS)
@pytest.mark.parametrize(
    ("intervals", "n_tables"), [(of_values, 20_000), (of_tables, 4_000), (of_gains, 4_000)]
)
def test_every_interval_covers_between_93_and_97_per_cent(
    intervals: Any, n_tables: int, draw: Draw
) -> None:
    faults = []
    for n in (3, 5, 10, 20, 50):
        size = n_tables if n < 20 else n_tables // 2
        for kind, coverage in coverages(intervals, n, size, draw).items():
            print(f"{kind:20} {draw.__name__:7} {n:3} seeds: {100 * coverage:.1f} % of {size}")
            faults += [] if 0.93 <= coverage <= 0.97 else [(kind, n, coverage)]
    assert not faults
