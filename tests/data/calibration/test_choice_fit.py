"""Exposures and choices are found for catalogues, sessions and tastes of any shape."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsim_env.data.calibration.choice_fit import (
    _conditional_logit,
    consumption_chances,
    draw_slates,
    exposure_behind,
    fit_no_choice_score,
)


@st.composite
def sessions(draw):
    """Returns what `exposure_behind` takes: shares from flat to one in a billion, any slope."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_items, n_sessions = draw(st.integers(1, 60)), draw(st.integers(1, 30))
    skew = draw(st.sampled_from([0.0, 0.5, 1.0, 3.0, 10.0]))
    share = np.arange(1.0, n_items + 1) ** -skew + draw(st.sampled_from([0.0, 1e-9, 1e-3]))
    slope = draw(st.sampled_from([0.0, 0.1, 1.0, 10.0, 100.0, 1000.0]))
    scores = slope * rng.normal(size=(n_sessions, n_items)) + draw(st.sampled_from([-900, 0, 900]))
    part = draw(st.sampled_from([0.01, 0.3, 0.5, 0.9, 1.0, 2.0]))
    size = np.maximum(part * n_items * rng.uniform(0.9, 1.0, n_sessions), 1.0)
    nothing = draw(st.sampled_from([-900.0, -3.0, 0.0, 3.0, 900.0]))
    slate_size = draw(st.sampled_from([1, 2, 5, 100]))
    return rng.permutation(share / share.sum()), scores, size, nothing, slate_size


@settings(max_examples=60)
@given(sessions())
def test_every_shape_has_an_exposure(given_sessions):
    share, scores, size, nothing, slate_size = given_sessions
    asked = {"no_choice_score": nothing, "slate_size": slate_size}
    exposure = exposure_behind(share, scores, size, **asked)
    assert np.isfinite(exposure).all() and (exposure > 0).all()
    assert exposure.sum() == pytest.approx(1.0)
    chance, _ = consumption_chances(exposure, scores, size, **asked)
    assert np.isfinite(chance).all() and (chance >= 0).all() and (chance <= 1).all()


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(0.02, 0.89), st.sampled_from([0.0, 0.5, 2.0]))
def test_sessions_are_as_long_as_they_should_be(seed, part, slope):
    """Up to nearly the whole catalogue, whatever guess the search begins with."""
    rng = np.random.default_rng(seed)
    exposure, scores = rng.dirichlet(np.full(40, 0.5)) + 1e-6, slope * rng.normal(size=(20, 40))
    size = np.full(20, 40 * part)
    chance, _ = consumption_chances(
        exposure / exposure.sum(),
        scores,
        size,
        no_choice_score=0.0,
        slate_size=3,
        start=rng.normal(0, 30, 20),
    )
    np.testing.assert_allclose(chance.sum(axis=1), size, rtol=1e-5)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.5, 1.0]))
def test_what_could_be_consumed_is_consumed_in_its_shares(seed, slope):
    rng = np.random.default_rng(seed)
    share = np.minimum(rng.dirichlet(np.full(80, 1.0)) + 1e-3, 0.04)
    share /= share.sum()
    scores, size = slope * rng.normal(size=(200, 80)), np.full(200, 8.0)
    asked = {"no_choice_score": 1.0, "slate_size": 5}
    chance, _ = consumption_chances(exposure_behind(share, scores, size, **asked), scores, size,
                                    **asked)  # fmt: skip
    consumed = chance.sum(axis=0) / chance.sum()
    assert 0.5 * np.abs(consumed - share).sum() < 0.01


@pytest.mark.parametrize("exposure", [[1.0 - 3e-9, 1e-9, 1e-9, 1e-9], [0.5, 0.5], [1.0]])
def test_slates_hold_different_items_however_rare(exposure):
    slates = draw_slates(np.array(exposure), 500, 3, np.random.default_rng(0))
    assert slates.shape == (500, min(3, len(exposure)))
    assert all(len(set(slate)) == len(slate) for slate in slates.tolist())


@pytest.mark.parametrize("rate", [1e-12, 0.5, 1 - 1e-12])
@pytest.mark.parametrize("size", [1.0, 1000.0])
def test_any_rate_has_a_score_of_choosing_nothing(rate, size):
    rng = np.random.default_rng(2)
    scores = size * rng.normal(size=(30, 20))
    found = fit_no_choice_score(scores, np.full(20, 0.05), rate=rate, slate_size=3, seed=0)
    assert np.isfinite(found)


def test_a_slope_without_end_is_cut_and_said():
    rng = np.random.default_rng(0)
    score = np.sort(rng.normal(size=(200, 5)), axis=1)[:, ::-1]
    fit = _conditional_logit(score, np.ones(score.shape, bool))
    assert fit.is_limited and 5 < fit.slope < 100
    assert _conditional_logit(score, np.ones(score.shape, bool), 3.0).slope == pytest.approx(3.0)
    chance = np.exp(2.0 * score) / np.exp(2.0 * score).sum(axis=1, keepdims=True)
    chosen = (chance.cumsum(axis=1) < rng.random((200, 1))).sum(axis=1)
    swapped = score.copy()
    swapped[:, 0], swapped[np.arange(200), chosen] = score[np.arange(200), chosen], score[:, 0]
    fit = _conditional_logit(swapped, np.ones(score.shape, bool))
    assert not fit.is_limited and abs(fit.slope - 2.0) < 4 * fit.standard_error
    chance = _conditional_logit(1e-6 * rng.normal(size=(200, 5)), np.ones((200, 5), bool), 25.0)
    assert chance.slope == 0.0 and chance.standard_error > 1e3 and not chance.is_limited
    nothing = _conditional_logit(np.zeros((4, 3)), np.ones((4, 3), bool))
    assert (nothing.slope, nothing.standard_error, nothing.is_limited) == (0.0, None, False)
