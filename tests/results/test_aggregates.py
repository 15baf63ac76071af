"""Aggregates over scenarios: closed forms, another package's numbers and pairing."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import ArrayLike

from recsim_env.results.aggregates import Aggregate, aggregates, profiles
from recsim_env.results.intervals import interquartile_mean, normalized_score
from recsim_env.results.shared_runs import ScenarioRuns, SharedRuns


def runs_of(gains: Sequence[ArrayLike], scales: Sequence[ArrayLike] | None = None) -> SharedRuns:
    """Returns runs of agents a, b, ...: a scenario has (n_agents, n_seeds) gains, and its scale."""
    by_scenario = []
    for index, own in enumerate(np.asarray(each, dtype=np.float64) for each in gains):
        scale = np.asarray(scales[index] if scales else np.ones(own.shape[1]), dtype=np.float64)
        seeds = tuple(range(own.shape[1]))
        by_scenario.append(ScenarioRuns(f"S{index}", "oracle", seeds, own, scale))
    agents = tuple("abcdefgh"[: len(by_scenario[0].gains)])
    return SharedRuns(agents, tuple(by_scenario), (), ())


def noisy(n_scenarios: int, n_seeds: int, seed: int = 0, n_agents: int = 2) -> SharedRuns:
    rng = np.random.default_rng(seed)
    return runs_of(
        [
            rng.normal(0.2 + 0.5 * index / n_scenarios, 0.1, (n_agents, n_seeds))
            for index in range(n_scenarios)
        ],
        [rng.normal(1.0, 0.1, n_seeds) for _ in range(n_scenarios)],
    )


def by_name(runs: SharedRuns) -> dict[str, Aggregate]:
    return {each.agent: each for each in aggregates(runs)}


def test_aggregates_are_those_of_the_scores_of_runs() -> None:
    runs = noisy(5, 7)
    scores = [each.gains[1] / each.scale.mean() for each in runs.by_scenario]
    found = by_name(runs)["b"]
    assert found.interquartile_mean.mean == pytest.approx(interquartile_mean(scores))
    assert found.mean.mean == pytest.approx(np.mean(scores))
    assert found.median.mean == pytest.approx(np.median(np.mean(scores, axis=1)))
    gaps = 1.0 - np.minimum(scores, 1.0)
    assert found.optimality_gap.mean == pytest.approx(gaps.mean())


def test_mean_scores_are_those_of_the_leaderboard() -> None:
    runs = noisy(1, 4)
    (only,) = runs.by_scenario
    zero = dict.fromkeys(range(4), 0.0)
    expected = normalized_score(
        dict(enumerate(only.gains[0].tolist())), zero, dict(enumerate(only.scale.tolist()))
    )
    assert by_name(runs)["a"].mean.mean == pytest.approx(expected.mean)


def test_scenarios_weigh_the_same_however_many_seeds_they_have() -> None:
    few, many = [[0.1, 0.2], [0.0, 0.0]], [[0.7] * 40, [0.0] * 40]
    found = by_name(runs_of([few, many]))["a"]
    assert found.mean.mean == pytest.approx((0.15 + 0.7) / 2)
    assert found.interquartile_mean.mean == pytest.approx((0.2 + 0.7) / 2)
    assert found.mean.n == 2


def test_the_same_runs_give_the_same_numbers() -> None:
    assert aggregates(noisy(3, 3)) == aggregates(noisy(3, 3))
    assert profiles(noisy(3, 3), [0.1, 0.4]) == profiles(noisy(3, 3), [0.1, 0.4])


def test_what_seeds_share_does_not_blur_differences_nor_scores() -> None:
    """Agents a constant apart differ by it surely; a share of the reference is one, surely."""
    luck = np.random.default_rng(3).normal(1.0, 0.3, (4, 5)).clip(0.1)
    runs = runs_of([[0.7 * own, 0.7 * own - 0.1] for own in luck], list(luck))
    found = by_name(runs)
    assert found["a"].mean.low == pytest.approx(0.7) == found["a"].mean.high
    means = runs_of([[own, own - 0.1] for own in luck])
    ahead = by_name(means)["b"].behind
    assert ahead.low > 0.0
    assert ahead.high - ahead.low < 0.2 * (found["b"].mean.high - found["b"].mean.low + 0.1)


def test_ranks_are_of_mean_scores_and_ties_share_them() -> None:
    first = [[3.0, 5.0], [1.0, 1.0], [1.0, 1.0], [0.0, 0.0]]
    second = [[9.0, 8.0], [2.0, 2.0], [2.0, 2.0], [3.0, 3.0]]
    found = by_name(runs_of([first, second]))
    ranks = {agent: each.mean_rank.mean for agent, each in found.items()}
    assert ranks == {"a": 1.0, "b": (2.5 + 3.5) / 2, "c": (2.5 + 3.5) / 2, "d": (4 + 2) / 2}
    assert (found["a"].mean_rank.low, found["a"].mean_rank.high) == (1.0, 1.0)
    assert [found[agent].first for agent in "abcd"] == [1.0, 0.0, 0.0, 0.0]
    assert found["a"].is_best and found["a"].may_be_best and not found["b"].is_best


def test_agents_come_in_order_and_who_may_be_the_best_is_said() -> None:
    rng = np.random.default_rng(8)
    gains = [np.array([[0.2], [0.6], [0.6]]) + rng.normal(0, 0.05, (3, 4)) for _ in range(4)]
    found = aggregates(runs_of(gains))
    assert [each.agent for each in found][2] == "a"
    assert [each.may_be_best for each in found] == [True, True, False]
    assert found[0].behind.mean == found[0].behind.low == 0.0
    assert found[2].behind.low > 0.3
    assert "simultaneous" in found[2].behind.method


def test_one_seed_gives_numbers_without_intervals() -> None:
    runs = runs_of([[[0.5], [0.2]], [[0.6], [0.8]]])
    for each in aggregates(runs):
        for name in ("interquartile_mean", "median", "mean", "optimality_gap", "mean_rank"):
            assert not getattr(each, name).has_interval
        assert not each.behind.has_interval and math.isnan(each.first)
        assert each.may_be_best
    assert not profiles(runs, [0.5])[0].shares[0].has_interval


def test_profiles_are_shares_of_runs_above_a_score() -> None:
    found = profiles(runs_of([[[0.1, 0.2]], [[0.2, 0.4]]]), [0.0, 0.1, 0.2, 0.3, 0.4])
    assert [each.mean for each in found[0].shares] == pytest.approx([1.0, 0.75, 0.25, 0.25, 0.0])
    many = profiles(noisy(4, 5), list(np.linspace(-1, 2, 31)))[0].shares
    for ends in ([e.mean for e in many], [e.low for e in many], [e.high for e in many]):
        assert (np.diff(ends) <= 1e-12).all() and ends[0] == 1.0 and ends[-1] == 0.0


def test_a_bad_confidence_is_named() -> None:
    with pytest.raises(ValueError, match=r"confidence=95 is not in \(0, 1\)"):
        aggregates(noisy(2, 2), confidence=95)
