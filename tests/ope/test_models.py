"""Models that are fitted across folds."""

import numpy as np
import pytest

from recsim_env.ope import LoggedActions
from recsim_env.ope.bandits import dm
from recsim_env.ope.models import cross_fitted, folds


def test_a_linear_reward_is_found():
    rng = np.random.default_rng(0)
    features, means = rng.normal(size=(2, 300, 3))
    reward = features @ [1.0, -2.0, 0.5] + 3.0
    expected, value = cross_fitted(features, reward, means, ridge=1e-9)
    np.testing.assert_allclose(expected, reward, atol=1e-8)
    np.testing.assert_allclose(value, means @ [1.0, -2.0, 0.5] + 3.0, atol=1e-8)


def test_nobody_is_judged_by_what_they_taught():
    # Each user has a reward of their own and a feature that only they have.
    user = np.repeat(np.arange(20), 5)
    features = np.eye(20)[user]
    reward = np.repeat(np.random.default_rng(1).normal(size=20), 5)
    expected, value = cross_fitted(features, reward, features, user=user, ridge=0.1)
    assert np.abs(np.corrcoef(expected, reward)[0, 1]) < 0.5 or np.ptp(expected) < 0.5
    log = LoggedActions(
        reward=reward,
        propensity=np.ones(100),
        target=np.ones(100),
        model_reward=expected,
        model_value=value,
        user=user,
    )
    assert dm(log).value == pytest.approx(reward.mean(), abs=0.3)


def test_folds_keep_users_together():
    user = np.random.default_rng(2).integers(30, size=500)
    found = folds(500, user=user)
    assert all(len(set(found[user == each])) == 1 for each in range(30))
    assert sorted(set(found)) == [0, 1, 2, 3, 4]
    with pytest.raises(ValueError, match="n_folds=5 is not in 2 to 3"):
        folds(500, user=user % 3)


def test_wrong_shapes_are_named():
    with pytest.raises(ValueError, match="differ in shape"):
        cross_fitted(np.zeros((9, 2)), np.zeros(9), np.zeros((9, 3)))
    with pytest.raises(ValueError, match=r"shape \(9,\); use \(n, d\)"):
        cross_fitted(np.zeros(9), np.zeros(9), np.zeros((9, 3)))
