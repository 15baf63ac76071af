"""Comparisons of many agents are wrong, together, no more often than they say."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from recsim_env.results.pairs import all_pairs, best_set, holm, levels_of_exclusion

Draw = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.float64]]

N_TABLES, N_AGENTS, N_SEEDS = 400, 6, 5


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return rng.normal(size=shape)


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Of skewness 1, mean 0 and variance 1."""
    return (rng.gamma(4.0, size=shape) - 4.0) / 2.0


def drawn(rng: np.random.Generator, draw: Draw, means: list[float]) -> dict[str, dict[int, float]]:
    """Agents that share the noise of a seed, and have noise of their own of different spread."""
    common = 5.0 * draw(rng, (N_SEEDS,))
    return {
        f"a{place}": dict(enumerate((mean + common + (1 + place % 3) * own).tolist()))
        for place, (mean, own) in enumerate(
            zip(means, draw(rng, (len(means), N_SEEDS)), strict=True)
        )
    }


def test_p_values_are_those_of_the_paired_t_test() -> None:
    returns = drawn(np.random.default_rng(1), normal, [0.0, 1.0, 2.0])
    for pair in all_pairs(returns):
        a, b = (list(returns[name].values()) for name in (pair.first, pair.second))
        assert pair.p_value == pytest.approx(stats.ttest_rel(a, b).pvalue)
        assert pair.difference.mean == pytest.approx(np.mean(a) - np.mean(b))


def test_holm_multiplies_step_by_step_and_never_falls() -> None:
    """By hand: 4 * .005, 3 * .01, 2 * .03, and .04, raised to the one before."""
    assert holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.6]).tolist() == [1.0, 1.0]
    assert holm([]).tolist() == []


@pytest.mark.parametrize("draw", [normal, skewed])
def test_few_tables_of_equal_agents_have_any_pair_that_differs(draw: Draw) -> None:
    """5 % in expectation at most; 400 tables, four standard errors are 4.4 %."""
    rng = np.random.default_rng(2)
    wrong = sum(
        any(pair.is_shown() for pair in all_pairs(drawn(rng, draw, [0.0] * N_AGENTS)))
        for _ in range(N_TABLES)
    )
    assert wrong / N_TABLES < 0.05 + 0.044


@pytest.mark.parametrize("draw", [normal, skewed])
@pytest.mark.parametrize("means", [[0.0] * N_AGENTS, [0.1, *[0.0] * (N_AGENTS - 1)]])
def test_the_best_is_seldom_left_out(draw: Draw, means: list[float]) -> None:
    """At most one time in twenty; 400 tables, four standard errors are 4.4 %."""
    rng = np.random.default_rng(3)
    left_out = sum("a0" not in best_set(drawn(rng, draw, means)) for _ in range(N_TABLES))
    assert left_out / N_TABLES < 0.05 + 0.044


def test_the_set_has_whoever_nobody_beats_and_no_one_else() -> None:
    returns = drawn(np.random.default_rng(4), normal, [40.0, 40.0, 0.0])
    assert best_set(returns) == ["a0", "a1"]
    levels = levels_of_exclusion(returns)
    assert levels["a2"] < 0.05 < min(levels["a0"], levels["a1"])


def test_equal_differences_are_certain_and_equal_agents_are_not_told_apart() -> None:
    returns = {"a": {0: 0.3, 1: 7.3}, "b": {0: 0.1, 1: 7.1}, "c": {0: 0.3, 1: 7.3}}
    ab, ac, _ = all_pairs({**returns, "b": {0: -0.7, 1: 6.3}})
    assert (ab.p_value, ac.p_value, ac.adjusted) == (0.0, 1.0, 1.0)
    assert best_set({**returns, "b": {0: -0.7, 1: 6.3}}) == ["a", "c"]


def test_one_seed_tells_nobody_apart() -> None:
    returns = {"a": {0: 9.0}, "b": {0: 1.0}, "c": {5: 0.0}}
    (pair,) = all_pairs(returns)
    assert math.isnan(pair.p_value) and math.isnan(pair.adjusted)
    assert not pair.is_shown()
    assert best_set(returns) == ["a", "b", "c"]


@pytest.mark.parametrize("level", [0.0, 1.0, math.nan])
def test_a_level_is_a_probability(level: float) -> None:
    with pytest.raises(ValueError, match="level="):
        best_set({"a": {0: 1.0}}, level)
