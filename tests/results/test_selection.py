"""What estimators select, and what that loses, is what a table of four estimates says."""

import math

import pytest

from recsim_env.results.intervals import Estimate
from recsim_env.results.off_policy import PER_SESSION, PER_SLATE, PolicyValue
from recsim_env.results.selection import selection_table, selections, verdict

TRUTHS = {"a": 10.0, "b": 14.0, "c": 20.0}


def value(policy, estimator, mean, *, half=1.0, warnings=(), is_known=True):
    truth = Estimate(TRUTHS[policy], TRUTHS[policy], TRUTHS[policy], 9, "")
    found = Estimate(mean, mean - half, mean + half, 9, "")
    known = truth if is_known else None
    return PolicyValue(policy, PER_SLATE, estimator, found, known, warnings=warnings)


def test_the_highest_estimate_is_chosen_and_its_regret_is_a_share_of_the_range():
    values = [value("a", "dr", 9.0), value("b", "dr", 12.0), value("c", "dr", 11.5)]
    (found,) = selections([*values, value("a", "mips", 1.0)], PER_SLATE)
    assert (found.chosen.policy, found.best.policy) == ("b", "c")
    assert (found.regret, found.share, found.n_rivals) == (6.0, 0.6, 1)
    assert not found.is_doubted
    said = verdict([found], PER_SLATE)
    assert said == (
        "by the log alone (dr), deploy b; the log does not tell it from 1 other. Truly c earns the "
        "most: 6.000 more, 60% of what lies between the best and the worst."
    )
    assert selections(values, PER_SESSION) == []


def test_an_estimator_without_doubt_is_asked_first():
    doubted = [value(policy, "dr", 1.0, warnings=("no",)) for policy in "ab"]
    sound = [value("a", "snips", 1.0), value("b", "snips", 9.0)]
    found = selections([*doubted, *sound], PER_SLATE)
    assert verdict(found, PER_SLATE).startswith("by the log alone (snips), deploy b. Truly it")
    assert "estimates come with a warning" in verdict(found[:1], PER_SLATE)
    assert selection_table(found)[1][-1] == "do not believe"


def test_without_the_truth_nothing_is_said_of_regret():
    (found,) = selections([value(p, "dr", 1.0, is_known=False) for p in "ab"], PER_SLATE)
    assert found.best is None and math.isnan(found.regret)
    assert verdict([found], PER_SLATE).endswith("from 1 other.")
    assert found.share == pytest.approx(math.nan, nan_ok=True)
