"""Propensities that are estimated, where they are known."""

import numpy as np
import pytest

from recsim_env.ope import LoggedActions
from recsim_env.ope.bandits import ips
from recsim_env.ope.propensities import calibration, estimated_propensities


def softmax(logits):
    odds = np.exp(logits)
    return odds / odds.sum(axis=1, keepdims=True)


def logged(n, rng):
    context = rng.normal(size=(n, 2))
    chance = softmax(context @ rng.normal(size=(2, 4)))
    action = (rng.uniform(size=(n, 1)) > chance.cumsum(axis=1)).sum(axis=1)
    return context, chance, action


def test_a_logistic_policy_is_found_and_calibrated():
    rng = np.random.default_rng(0)
    context, chance, action = logged(5_000, rng)
    found = estimated_propensities(action, 4, context=context)
    assert np.abs(found.probabilities - chance).mean() < 0.02
    assert found.temperature == pytest.approx(1.0, abs=0.1)
    assert found.calibration.error < 0.02
    assert found.calibration.count.sum() == 4 * 5_000
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1.0)
    reward, target = (action == 2).astype(float), np.full(5_000, 0.25)
    log = LoggedActions(reward=reward, propensity=found.logged, target=target)
    assert ips(log).low < 0.25 < ips(log).high


def test_without_context_propensities_are_frequencies():
    action = np.repeat(np.arange(3), [100, 300, 600])
    found = estimated_propensities(action, 4)
    assert found.probabilities.mean(axis=0) == pytest.approx([0.1, 0.3, 0.6, 0.0], abs=0.01)


def test_a_model_that_is_too_sure_of_itself_is_cooled():
    rng = np.random.default_rng(1)
    noise = rng.normal(size=(60, 40))  # nothing in it tells which of two actions was shown
    found = estimated_propensities(rng.integers(2, size=60), 2, context=noise, ridge=1e-3)
    assert found.temperature > 3.0
    assert found.calibration.error < 0.25


def test_miscalibration_is_measured():
    action = np.repeat([0, 1], [800, 200])
    half = calibration(np.full((1_000, 2), 0.5), action)
    assert half.error == 0.0 and half.observed.tolist() == [0.5]
    sure = calibration(np.tile([0.9, 0.1], (1_000, 1)), action)
    assert sure.error == pytest.approx(0.1)
    assert dict(zip(sure.predicted.round(9), sure.observed, strict=True)) == {0.1: 0.2, 0.9: 0.8}


def test_actions_out_of_range_are_refused():
    with pytest.raises(ValueError, match="one or more of 0 to 2"):
        estimated_propensities(np.array([0, 3]), 3)
    with pytest.raises(ValueError, match="context has 3 rows and action 10"):
        estimated_propensities(np.zeros(10, int), 3, context=np.zeros((3, 1)))
