"""What importance weights tell, where it is known."""

import dataclasses
import math

import numpy as np
import pytest

from recsim_env.ope import LoggedActions, weight_diagnostics
from recsim_env.ope.bandits import dm, ips
from recsim_env.ope.diagnostics import clusters, pareto_shape


def test_equal_weights_leave_all_rows():
    found = weight_diagnostics(np.ones(1_000), context=np.arange(1_000) % 2)
    assert found.effective_sample_size == 1_000
    assert found.effective_by_context == {0: 1.0, 1: 1.0}
    assert (found.mean, found.mean_error, found.top_share) == (1.0, 0.0, 0.01)
    assert math.isnan(found.tail) and math.isnan(found.unsupported)


def test_half_of_the_rows_without_weight_leave_the_other_half():
    weights = np.tile([0.0, 2.0], 500)
    found = weight_diagnostics(weights, context=np.tile([7, 3], 500))
    assert found.effective_sample_size == 500
    assert found.effective_by_context == {7: 0.0, 3: 1.0}
    assert found.mean_error == pytest.approx(weights.std(ddof=1) / math.sqrt(1_000))
    alike = weight_diagnostics(weights, user=np.arange(1_000) // 2)
    assert alike.mean_error == 0.0  # each user has one of each


@pytest.mark.parametrize("shape", [0.2, 0.5, 1.0])
def test_shape_of_pareto_tails_is_found(shape):
    uniform = np.random.default_rng(0).uniform(size=200_000)
    weights = (uniform**-shape - 1) / shape
    assert pareto_shape(weights) == pytest.approx(shape, abs=0.1)


def test_weights_below_zero_have_no_tail_to_speak_of():
    # Those of the pseudo-inverse may be, and many may be alike.
    assert math.isnan(pareto_shape(np.full(1_000, -1.0)))
    assert math.isnan(pareto_shape(np.repeat([-2.0, -1.0], [999, 1])))


def test_users_are_numbered_whatever_they_are_called():
    for user in (np.array([5, 3, 5, 9]), np.array([-5, -7, -5, 1]), np.array(list("bcbd"))):
        numbers, n = clusters(user, 4)
        assert n == 3 and numbers[0] == numbers[2] and len(set(numbers)) == 3


def uniform_log(n, n_actions, target, rng):
    action = rng.integers(n_actions, size=n)
    return LoggedActions(
        reward=rng.uniform(size=n),
        propensity=np.full(n, 1 / n_actions),
        target=np.asarray(target)[action],
    )


def test_a_near_policy_is_believed():
    log = uniform_log(2_000, 3, [0.5, 0.3, 0.2], np.random.default_rng(0))
    assert ips(log).warnings == ()


def test_what_the_log_never_shows_is_told():
    # The target plays a fourth action, which the log lacks, two times in five.
    rng = np.random.default_rng(0)
    log = uniform_log(2_000, 3, [0.2, 0.2, 0.2], rng)
    (sentence,) = ips(log).warnings
    assert "have mean 0.600" in sentence and "never does" in sentence
    known = LoggedActions(
        reward=log.reward,
        propensity=log.propensity,
        target=log.target,
        unsupported=np.full(2_000, 0.4),
    )
    assert "never does in 40.0% of cases" in ips(known).warnings[0]


def test_a_model_is_doubted_only_where_the_log_hardly_shows_what_it_judges():
    certain = np.ones(2_000)
    near, far = (
        dataclasses.replace(
            uniform_log(2_000, n, target, np.random.default_rng(0)),
            model_reward=certain,
            model_value=certain,
        )
        for n, target in ((3, [0.5, 0.3, 0.2]), (3, [0.2, 0.2, 0.2]))
    )
    assert (dm(near).warnings, dm(near).weights) == ((), None)
    (sentence,) = dm(far).warnings
    assert "what a model makes of it" in sentence


def test_few_effective_rows_and_few_users_are_told():
    far = uniform_log(1_000, 100, np.eye(100)[0], np.random.default_rng(3))
    assert any("effective rows of 1,000" in each for each in ips(far).warnings)
    few = LoggedActions(
        reward=np.ones(60), propensity=np.ones(60), target=np.ones(60), user=np.arange(60) % 3
    )
    assert ips(few).warnings == ("Only 3 independent users or rows: the interval is too narrow.",)
