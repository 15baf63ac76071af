"""Estimators from single choices, where the right answer can be written down."""

import dataclasses
import math
import re

import numpy as np
import pytest

from recsim_env.ope import LoggedActions, Uncertainty
from recsim_env.ope.bandits import BANDIT_ESTIMATORS, dm, dr, dros, ips, snips, switch_dr

CHANCE, WANTED, REWARDS = 0.2, 0.6, (3.0, 1.0)
N = 5_000


def two_actions():
    """A log with exactly the frequencies of its probabilities, of two constant rewards."""
    is_first = np.arange(N) < CHANCE * N
    return LoggedActions(
        reward=np.where(is_first, *REWARDS),
        propensity=np.where(is_first, CHANCE, 1 - CHANCE),
        target=np.where(is_first, WANTED, 1 - WANTED),
        model_reward=np.where(is_first, 2.0, 0.5),
        model_value=np.full(N, WANTED * 2.0 + (1 - WANTED) * 0.5),
    )


TRUTH = WANTED * REWARDS[0] + (1 - WANTED) * REWARDS[1]


@pytest.mark.parametrize("name", BANDIT_ESTIMATORS)
def test_the_policy_of_the_log_earns_the_mean(name):
    rng = np.random.default_rng(0)
    reward, chance = rng.normal(size=200), rng.uniform(0.1, 1.0, 200)
    context_only = rng.normal(size=200)
    context_only += reward.mean() - context_only.mean()
    log = LoggedActions(
        reward=reward,
        propensity=chance,
        target=chance,
        model_reward=context_only,
        model_value=context_only,
    )
    assert BANDIT_ESTIMATORS[name](log).value == pytest.approx(reward.mean(), abs=1e-12)


@pytest.mark.parametrize("name", ["ips", "snips", "dr", "sndr"])
def test_two_actions_are_weighted_exactly(name):
    assert BANDIT_ESTIMATORS[name](two_actions()).value == pytest.approx(TRUTH, rel=1e-12)


def test_variance_of_two_actions():
    variance = (
        WANTED**2 / CHANCE * REWARDS[0] ** 2
        + (1 - WANTED) ** 2 / (1 - CHANCE) * REWARDS[1] ** 2
        - TRUTH**2
    )
    found = ips(two_actions(), uncertainty=Uncertainty(n_resamples=5_000))
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * math.sqrt(variance / N), rel=0.05)


def test_empirical_bernstein_bound_of_two_actions():
    log = two_actions()
    found = ips(log, uncertainty=Uncertainty(method="bernstein", confidence=0.9, span=9.0))
    tail = math.log(4 / 0.1)
    half = math.sqrt(2 * np.var(log.weights * log.reward, ddof=1) * tail / N)
    assert found.high - found.value == pytest.approx(half + 7 * 9.0 * tail / (3 * (N - 1)))
    with pytest.raises(ValueError, match="'bernstein' bounds means, and snips is none"):
        snips(log, uncertainty=Uncertainty(method="bernstein"))


def test_empirical_bernstein_bound_counts_that_users_have_different_numbers_of_rows():
    # Every row is 1, but users have one row or three, and so would their sums in another log.
    user = np.repeat(np.arange(100), np.tile([1, 3], 50))
    ones = np.ones(len(user))
    log = LoggedActions(reward=ones, propensity=ones, target=ones, user=user)
    tail, units = math.log(4 / 0.05), np.tile([0.5, 1.5], 50)
    half = math.sqrt(2 * units.var(ddof=1) * tail / 100) + 7 * 1.5 * tail / (3 * 99)
    found = ips(log, uncertainty=Uncertainty(method="bernstein"))
    assert found.high - 1.0 == pytest.approx(half)


def test_doubly_robust_estimators_lie_between_the_model_and_ips():
    log, few = two_actions(), Uncertainty(n_resamples=20)
    model = dm(log).value
    assert switch_dr(log, threshold=0.0).value == dros(log, shrinkage=0.0).value == model
    for limit in (
        switch_dr(log, threshold=math.inf, uncertainty=few),
        dros(log, shrinkage=math.inf, uncertainty=few),
        dros(log, shrinkage=1e12, uncertainty=few),
    ):
        assert limit.value == pytest.approx(dr(log).value)
    without = dataclasses.replace(log, model_reward=np.zeros(N), model_value=np.zeros(N))
    assert dr(without).value == pytest.approx(ips(log).value)


def test_a_certain_logging_policy_leaves_the_model_to_the_rest():
    """With propensities of 1, DR is DM plus what the model misses of the logged action."""
    rng = np.random.default_rng(1)
    reward, modelled = rng.normal(size=50), rng.normal(size=50)
    log = LoggedActions(
        reward=reward,
        propensity=np.ones(50),
        target=np.full(50, 0.3),
        model_reward=modelled,
        model_value=0.3 * modelled + 0.7 * 5.0,
    )
    missed = 0.3 * (reward - modelled).mean()
    assert dr(log).value == pytest.approx(dm(log).value + missed)
    exact = dataclasses.replace(log, model_reward=reward, model_value=0.3 * reward + 3.5)
    assert dr(exact).value == pytest.approx(dm(exact).value)


def test_rows_of_a_user_are_resampled_together():
    log = two_actions()
    ten_of_each = dataclasses.replace(log, user=np.arange(N) // 10)
    narrow, wide = (each.high - each.low for each in (ips(log), ips(ten_of_each)))
    assert wide / narrow == pytest.approx(math.sqrt(10), rel=0.1)
    assert ips(ten_of_each).estimate.n == N // 10
    assert ips(log).estimate.method == "95 % bootstrap over rows"
    assert ips(ten_of_each).estimate.method == "95 % bootstrap over users"
    by_name = dataclasses.replace(log, user=np.char.mod("u%d", np.arange(N) // 10))
    assert ips(by_name).high - ips(by_name).low == pytest.approx(wide, rel=0.1)


def test_joining_users_keeps_the_width_of_intervals():
    rng = np.random.default_rng(2)
    reward = rng.exponential(size=400_000)
    ones = np.ones(len(reward))
    log = LoggedActions(reward=reward, propensity=ones, target=ones)
    found = ips(log)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 / math.sqrt(len(reward)), rel=0.1)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"propensity": [0.0, 0.5]}, "propensity[0]=0.0, but what was logged had a chance"),
        ({"propensity": [0.5, 1.5]}, "propensity[1]=1.5 is no probability"),
        ({"target": [0.5, -0.1]}, "target[1]=-0.1 is no probability"),
        ({"reward": [0.0, math.nan]}, "reward[1]=nan is not finite"),
        ({"user": [1, 2, 3]}, "user has shape (3,); use (2,)"),
        ({"reward": [], "propensity": [], "target": []}, "the log is empty"),
    ],
)
def test_bad_logs_are_refused(changed, message):
    good = {"reward": [0.0, 1.0], "propensity": [0.5, 0.5], "target": [0.5, 0.5]}
    with pytest.raises(ValueError, match=re.escape(message)):
        LoggedActions(**good | changed)


def test_what_needs_a_model_says_so():
    log = LoggedActions(reward=[1.0, 0.0], propensity=[0.5, 0.5], target=[0.5, 0.5])
    with pytest.raises(ValueError, match="no model_reward and model_value"):
        dr(log)
    with pytest.raises(ValueError, match="clip=0 is not above 0"):
        ips(log, clip=0)
