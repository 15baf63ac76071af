"""Qualities of estimators are those of plain sums over policies and logs."""

import math

import pytest

from recsim_env.results.estimator_quality import Trial, qualities
from recsim_env.results.intervals import Estimate
from recsim_env.results.off_policy import PER_SLATE, PolicyValue


def trial(policy, repeat, value, truth, *, warnings=()):
    known = Estimate(truth, truth, truth, 1, "")
    found = Estimate(value, value - 1.0, value + 1.0, 1, "")
    return Trial(
        PolicyValue(policy, PER_SLATE, "ips", found, known, warnings=warnings), 10, 1, 0, repeat
    )


def test_errors_are_relative_and_the_highest_estimate_chooses():
    trials = [
        trial("a", 0, 10.0, 10.0),
        trial("a", 1, 12.0, 10.0, warnings=("no",)),
        trial("b", 0, 5.0, 5.0),
        trial("b", 1, 20.0, 5.0, warnings=("no",)),
    ]
    ((kind, (found,)),) = qualities(trials).items()
    assert kind == (PER_SLATE, 1, 0, 10)
    assert found.bias2 == pytest.approx((0.1**2 + 1.5**2) / 2)
    assert found.variance == pytest.approx((0.02 + 4.5) / 2)
    assert found.error == pytest.approx(math.sqrt((0.2**2 + 3.0**2) / 4))
    assert found.coverage == 0.5
    assert (found.trusted, found.trusted_coverage) == (0.5, 1.0)
    assert found.rank_correlation == 0.0  # right once, and wrong once
    assert (found.regret, found.found_best) == (0.5, 0.5)


def test_one_policy_leaves_no_choice():
    ((found,),) = qualities([trial("a", k, 10.0 + k, 10.0) for k in range(2)]).values()
    assert math.isnan(found.regret) and math.isnan(found.rank_correlation)
