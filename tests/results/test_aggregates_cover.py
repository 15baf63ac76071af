"""Intervals of aggregates over scenarios hold the truth as often as the pages say."""

import numpy as np
import pytest

from recsim_env.results.aggregates import aggregates, caution
from recsim_env.results.shared_runs import SharedRuns
from tests.results.test_aggregates import runs_of

pytestmark = pytest.mark.slow


def drawn(rng: np.random.Generator, n_scenarios: int, n_seeds: int) -> SharedRuns:
    """Returns normal runs: scenarios differ in level and noise, and the scale is noisy too."""
    levels = [0.2 + 0.6 * index / n_scenarios for index in range(n_scenarios)]
    noise = [0.1 * (1 + index % 3) for index in range(n_scenarios)]
    gains = [
        np.array([[level], [level + 0.05]]) + spread * rng.normal(size=(2, n_seeds))
        for level, spread in zip(levels, noise, strict=True)
    ]
    return runs_of(gains, [1 + 0.1 * rng.normal(size=n_seeds) for _ in levels])


@pytest.mark.parametrize(
    ("n_scenarios", "n_seeds", "least", "most"), [(4, 5, 0.90, 1.0), (4, 2, 0.6, 0.87)]
)
def test_intervals_cover_what_the_pages_say(
    n_scenarios: int, n_seeds: int, least: float, most: float
) -> None:
    """Of 400 tables, so that a share of 95 % strays by 2.2 % at most 19 times in 20."""
    rng = np.random.default_rng(5)
    large = {each.agent: each for each in aggregates(drawn(rng, n_scenarios, 3_000))}
    truth = [large["a"].interquartile_mean.mean, large["a"].mean.mean]
    hits = np.zeros(2)
    for _ in range(400):
        runs = drawn(rng, n_scenarios, n_seeds)
        found = {each.agent: each for each in aggregates(runs)}["a"]
        for index, each in enumerate((found.interquartile_mean, found.mean)):
            hits[index] += each.low <= truth[index] <= each.high
    assert (hits / 400 >= least).all() and (hits / 400 <= most).all(), hits / 400
    assert bool(caution(runs)) == (n_seeds == 2)
