"""Estimates over seeds: coverage as promised, exact small cases, and sensible refusals."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from recsim_env.results.intervals import (
    Estimate,
    bounded_mean,
    estimate,
    interquartile_mean,
    normalized_score,
    paired_difference,
)

FALSE_ALARM = 1e-6
whole_numbers = st.integers(-1000, 1000).map(float)
samples = st.lists(whole_numbers, min_size=2, max_size=9)


def covers(found: Estimate, truth: float) -> bool:
    return found.low <= truth <= found.high


def by_seed(values: NDArray[np.float64] | list[float]) -> dict[int, float]:
    return {seed: float(value) for seed, value in enumerate(values)}


def test_student_t_covers_as_promised_at_three_seeds() -> None:
    """With 4,000 samples, a right method fails here with probability 1e-6."""
    n_samples = 4_000
    draws = np.random.default_rng(11).normal(2.0, 3.0, size=(n_samples, 3))
    hits = sum(covers(estimate(sample), 2.0) for sample in draws)
    low, high = stats.binom.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], n_samples, 0.95)
    assert low <= hits <= high


def test_score_covers_as_promised_when_the_denominator_varies() -> None:
    """With 4,000 normal samples of 3 seeds, a right method fails here with probability 1e-6."""
    n_samples, truth = 4_000, 0.5
    rng = np.random.default_rng(14)
    uniform = rng.normal(10.0, 2.0, size=(n_samples, 3))
    reference = uniform + 4.0 + rng.normal(0.0, 0.5, size=uniform.shape)
    agent = uniform + 2.0 + rng.normal(0.0, 0.4, size=uniform.shape)
    hits = sum(
        covers(normalized_score(by_seed(a), by_seed(u), by_seed(r)), truth)
        for a, u, r in zip(agent, uniform, reference, strict=True)
    )
    low, high = stats.binom.ppf([FALSE_ALARM / 2, 1 - FALSE_ALARM / 2], n_samples, 0.95)
    assert low <= hits <= high


@pytest.mark.parametrize("n", [2, 9, 10, 50, 500])
def test_intervals_are_student_s_at_every_number_of_values(n: int) -> None:
    values = np.random.default_rng(0).normal(size=n)
    found = estimate(values)
    interval = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))
    assert (found.n, found.method) == (n, "95 % Student t")


def test_one_seed_gives_a_mean_but_no_interval() -> None:
    found = estimate([4.0])
    assert found.mean == 4.0
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert not found.has_interval


def test_student_t_equals_its_closed_form() -> None:
    found = estimate([1.0, 2.0, 3.0])
    t_of_two_degrees = 0.95 * math.sqrt(2 / (4 * 0.975 * 0.025))
    half = t_of_two_degrees / math.sqrt(3)
    assert found.mean == 2.0
    assert (found.low, found.high) == pytest.approx((2 - half, 2 + half), rel=1e-9)


@given(
    values=st.lists(st.floats(0.0, 1.0), min_size=2, max_size=30),
    low=st.floats(-5.0, 5.0),
    width=st.floats(0.1, 10.0),
)
def test_bounded_means_and_their_intervals_stay_in_the_range(
    values: list[float], low: float, width: float
) -> None:
    high = low + width
    found = bounded_mean([min(low + width * value, high) for value in values], low, high)
    assert low <= found.low <= found.mean <= found.high <= high


def test_bounded_mean_of_yes_and_no_is_wilsons_interval() -> None:
    """Student's quantile and n - 1 for the normal one and n make the difference."""
    found = bounded_mean([1.0] * 30 + [0.0] * 970)
    wilson = stats.binomtest(30, 1000).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((wilson.low, wilson.high), abs=5e-5)
    assert found.method == "95 % Wilson"


@pytest.mark.parametrize("end", [0.0, 1.0])
def test_a_few_values_at_one_end_do_not_promise_the_rest(end: float) -> None:
    found = bounded_mean([end] * 5)
    assert found.mean == end and found.high - found.low > 0.5
    assert bounded_mean([0.5] * 5).high == 0.5


def test_a_value_outside_its_range_is_refused_and_rounding_is_not() -> None:
    with pytest.raises(ValueError, match=r"values hold 1\.5, which lies outside 0\.0 to 1\.0"):
        bounded_mean([0.0, 1.5])
    assert bounded_mean([1.0, 1.0 + 1e-12]).high == 1.0
    assert math.isnan(bounded_mean([1.0]).low)


@pytest.mark.slow
def test_bounded_means_are_covered_as_promised() -> None:
    """Hits of 941 people and their gain, at four rates; Student's covers 90 % at the lowest."""
    rng = np.random.default_rng(0)
    counts = {"tries": 0, "faults": 0}
    gains = 1 / np.log2(np.arange(10) + 2)
    for rate in (0.01, 0.1, 0.5, 0.9):
        for kind, truth in (("hits", rate), ("gain", rate * gains.mean())):
            covered = 0
            for _ in range(2_000):
                values = (rng.random(941) < rate).astype(float)
                if kind == "gain":
                    values *= gains[rng.integers(10, size=941)]
                found = bounded_mean(values)
                covered += found.low <= truth <= found.high
            counts["tries"] += 1
            counts["faults"] += not 0.93 <= covered / 2_000 <= 0.97
    print(f"coverage of bounded means: {counts}")
    assert not counts["faults"]


def test_confidence_reaches_interval_and_method() -> None:
    wide, narrow = estimate([1.0, 2.0, 3.0], 0.99), estimate([1.0, 2.0, 3.0], 0.5)
    assert wide.method == "99 % Student t"
    assert wide.high - wide.low > 10 * (narrow.high - narrow.low)


@pytest.mark.parametrize("n", [2, 9, 10, 40])
@pytest.mark.parametrize("value", [0.0, 0.1, -3.7, 1e300])
def test_constant_values_give_a_point_without_warnings(n: int, value: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = estimate([value] * n)
    assert (found.low, found.mean, found.high) == (value, value, value)


@given(samples, st.integers(-1000, 1000))
def test_shifting_values_shifts_the_estimate(values: list[float], shift: int) -> None:
    before, after = estimate(values), estimate([value + shift for value in values])
    expected = [edge + shift for edge in (before.low, before.mean, before.high)]
    assert [after.low, after.mean, after.high] == pytest.approx(expected, rel=1e-9, abs=1e-7)


@given(samples, st.integers(-20, 20))
def test_scaling_values_scales_the_estimate(values: list[float], factor: int) -> None:
    before, after = estimate(values), estimate([value * factor for value in values])
    expected = sorted([before.low * factor, before.high * factor])
    assert after.mean == pytest.approx(before.mean * factor, rel=1e-9, abs=1e-7)
    assert [after.low, after.high] == pytest.approx(expected, rel=1e-9, abs=1e-7)


def test_pairing_shrinks_the_interval() -> None:
    shared = np.random.default_rng(5).normal(0.0, 10.0, size=5)
    noise = np.random.default_rng(6).normal(0.0, 0.1, size=5)
    a, b = by_seed(shared + 1.0 + noise), by_seed(shared)
    paired = paired_difference(a, b)
    unpaired = stats.ttest_ind(list(a.values()), list(b.values())).confidence_interval(0.95)
    assert paired.low <= 1.0 <= paired.high
    assert paired.high - paired.low < 0.05 * (unpaired.high - unpaired.low)


def test_pairing_uses_shared_seeds_only_and_whatever_their_order() -> None:
    found = paired_difference({2: 12.0, 0: 5.0, 7: 99.0}, {0: 4.0, 1: -50.0, 2: 10.0})
    assert (found.mean, found.n) == (1.5, 2)


def test_uniform_scores_exactly_0_and_the_reference_exactly_1() -> None:
    uniform, reference = by_seed([1.0, 1.7, 0.4]), by_seed([5.1, 5.6, 4.9])
    zero = normalized_score(uniform, uniform, reference)
    one = normalized_score(reference, uniform, reference)
    assert (zero.low, zero.mean, zero.high) == (0.0, 0.0, 0.0)
    assert (one.low, one.mean, one.high) == (1.0, 1.0, 1.0)


def test_score_interval_is_student_t_when_the_denominator_is_constant() -> None:
    gains = [1.0, 2.0, 3.0]
    found = normalized_score(by_seed(gains), by_seed([0.0] * 3), by_seed([4.0] * 3))
    student = estimate([gain / 4.0 for gain in gains])
    assert found.method == "95 % Fieller"
    assert [found.low, found.mean, found.high] == pytest.approx(
        [student.low, student.mean, student.high], rel=1e-12
    )


def test_score_interval_ends_where_the_t_test_of_that_ratio_turns() -> None:
    rng = np.random.default_rng(8)
    uniform = rng.normal(0.0, 1.0, size=5)
    reference, agent = uniform + rng.normal(5.0, 0.5, size=5), uniform + rng.normal(2.0, 1.0, 5)
    found = normalized_score(by_seed(agent), by_seed(uniform), by_seed(reference))
    for end in (found.low, found.high):
        residual = (agent - uniform) - end * (reference - uniform)
        assert stats.ttest_1samp(residual, 0.0).pvalue == pytest.approx(0.05, rel=1e-6)


def test_score_is_unbounded_when_seeds_cannot_tell_reference_from_uniform() -> None:
    found = normalized_score(by_seed([1.0, 0.0]), by_seed([0.0, 0.0]), by_seed([3.0, -1.0]))
    assert (found.mean, found.low, found.high) == (0.5, -math.inf, math.inf)


def test_score_of_one_seed_has_no_interval() -> None:
    found = normalized_score({0: 2.0}, {0: 1.0}, {0: 3.0})
    assert found.mean == 0.5
    assert not found.has_interval


@given(
    st.lists(st.tuples(whole_numbers, whole_numbers, st.integers(1, 50)), min_size=1, max_size=6),
    st.integers(1, 20),
    st.integers(-100, 100),
)
def test_score_ignores_the_unit_of_reward(
    rows: list[tuple[float, float, int]], factor: int, shift: int
) -> None:
    agent = by_seed([row[0] for row in rows])
    uniform = by_seed([row[1] for row in rows])
    reference = by_seed([row[1] + row[2] for row in rows])
    before = normalized_score(agent, uniform, reference)

    def changed(values: dict[int, float]) -> dict[int, float]:
        return {seed: factor * value + shift for seed, value in values.items()}

    after = normalized_score(changed(agent), changed(uniform), changed(reference))
    assert after.mean == pytest.approx(before.mean, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("reference", [[1.0, 2.0], [0.5, 1.0]])
def test_score_refuses_a_reference_that_does_not_beat_uniform(reference: list[float]) -> None:
    with pytest.raises(ValueError, match="reference does not beat uniform.*raw returns"):
        normalized_score(by_seed([3.0, 4.0]), by_seed([1.0, 2.0]), by_seed(reference))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([5.0], 5.0),
        ([1.0, 3.0], 2.0),
        ([0.0, 1.0, 5.0], (0.25 * 0 + 1.0 + 0.25 * 5) / 1.5),
        ([-1e9, 1.0, 3.0, 1e9], 2.0),
        ([[8.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]], 4.5),
    ],
)
def test_interquartile_mean_equals_its_closed_form(values: list[float], expected: float) -> None:
    assert interquartile_mean(values) == pytest.approx(expected, rel=1e-12)


@given(st.lists(whole_numbers, min_size=1, max_size=10))
def test_interquartile_mean_equals_trimming_after_repeating_each_value_four_times(
    values: list[float],
) -> None:
    expected = stats.trim_mean(np.repeat(values, 4), 0.25)
    assert interquartile_mean(values) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "empty"),
        ([1.0, math.nan], r"values\[1\]=nan is not finite"),
        ([math.inf], r"values\[0\]=inf"),
        ([[1.0, 2.0]], r"shape \(1, 2\)"),
    ],
)
def test_bad_values_are_named(values: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        estimate(values)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, math.nan])
def test_bad_confidence_is_named(confidence: float) -> None:
    with pytest.raises(ValueError, match=r"confidence=.* is not in \(0, 1\)"):
        estimate([1.0, 2.0], confidence)


def test_disjoint_seeds_are_refused_with_both_lists() -> None:
    with pytest.raises(ValueError, match=r"a_by_seed has \[0\]; b_by_seed has \[1, 2\]"):
        paired_difference({0: 1.0}, {2: 1.0, 1: 1.0})


def test_what_would_be_counted_wrongly_is_refused() -> None:
    hidden = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False])
    with pytest.raises(ValueError, match="masked values; leave them out"):
        estimate(hidden)
    with pytest.raises(TypeError, match="a_by_seed is a list; give a dict of seed to value"):
        paired_difference([1.0, 0.0], {0: 1.0})  # type: ignore[arg-type]  # refused
    for ends in ((1.0, 1.0), (1.0, 0.0), (0.0, math.nan), (0.0, math.inf)):
        with pytest.raises(ValueError, match="are no range of finite numbers"):
            bounded_mean([0.5, 0.6], *ends)
