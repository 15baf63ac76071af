"""Who does better in a scenario drawn at random: shares of wins, with intervals that stay open."""

import numpy as np
import pytest
from scipy import stats

from recsim_env.results.improvement import improvement_probabilities
from recsim_env.results.intervals import Estimate
from recsim_env.results.shared_runs import ScenarioRuns, SharedRuns


def runs_of(*gains: list[list[float]]) -> SharedRuns:
    """Returns runs of agents a, b, ...: of each scenario a line of returns by seed for each."""
    by_scenario = tuple(
        ScenarioRuns(f"S{i}", "oracle", tuple(range(len(g[0]))), np.array(g), np.ones(len(g[0])))
        for i, g in enumerate(gains)
    )
    return SharedRuns(tuple("abc"[: len(gains[0])]), by_scenario, (), ())


def a_over_b(runs: SharedRuns, *, paired: bool = True) -> Estimate:
    return improvement_probabilities(runs, paired=paired).probabilities[0][1]


def test_wins_are_counted_by_seed_and_ties_half() -> None:
    runs = runs_of([[3.0, 4.0, 5.0], [2.0, 4.0, 6.0]], [[1.0, 2.0], [0.0, 0.0]])
    assert a_over_b(runs).mean == pytest.approx((0.5 + 1.0) / 2)
    assert a_over_b(runs, paired=False).mean == pytest.approx((4.0 / 9 + 0.5 / 9 + 1.0) / 2)


def test_runs_on_the_same_people_tell_more_than_runs_on_any() -> None:
    luck = [0.0, 10.0, 20.0, 30.0]
    runs = runs_of([[each + 1.0 for each in luck], luck], [[each + 1.0 for each in luck], luck])
    assert a_over_b(runs).mean == 1.0
    assert a_over_b(runs, paired=False).mean == pytest.approx(10 / 16)


def test_the_two_sides_of_a_pair_add_up_to_1() -> None:
    rng = np.random.default_rng(4)
    runs = runs_of(*rng.normal(size=(4, 3, 5)).round(1).tolist())
    for paired in (True, False):
        cells = improvement_probabilities(runs, paired=paired).probabilities
        for a in range(3):
            assert (cells[a][a].low, cells[a][a].mean, cells[a][a].high) == (0.5, 0.5, 0.5)
            for b in range(3):
                assert cells[a][b].mean + cells[b][a].mean == pytest.approx(1.0)
                assert cells[a][b].low + cells[b][a].high == pytest.approx(1.0)
                assert 0.0 <= cells[a][b].low <= cells[a][b].mean <= cells[a][b].high <= 1.0


def test_a_few_runs_that_agree_do_not_promise_the_rest() -> None:
    """Four wins of four are what equal agents have one time in sixteen."""
    wins = [[1.0, 1.0], [0.0, 0.0]]
    few, many = a_over_b(runs_of(wins, wins)), a_over_b(runs_of(*[wins] * 10))
    assert few.mean == many.mean == few.high == 1.0
    assert few.low < 0.5 < many.low < 1.0
    split = a_over_b(runs_of(wins, wins[::-1], wins, wins))
    assert split.mean == 0.75 and split.low < 0.5 and split.high < 1.0


def test_one_seed_gives_no_interval() -> None:
    assert not a_over_b(runs_of([[1.0], [0.0]], [[1.0], [0.0]])).has_interval


def test_intervals_cover_as_promised() -> None:
    """Of normal returns in 8 scenarios with 5 seeds, at least 93 % where 95 % are promised."""
    rng, hits, n_samples = np.random.default_rng(0), 0, 400
    ahead = np.array([0.0, 0.5, 1.0, 2.0, 0.0, -0.5, 1.0, 3.0])
    truth = stats.norm.cdf(ahead / np.sqrt(2)).mean()
    for _ in range(n_samples):
        gains = rng.normal(size=(8, 2, 5))
        gains[:, 0] += ahead[:, None]
        found = a_over_b(runs_of(*gains.tolist()))
        hits += found.low <= truth <= found.high
    assert hits / n_samples >= 0.93
