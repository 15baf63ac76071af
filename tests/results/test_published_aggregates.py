"""Aggregates agree with rliable 1.2.0, in whose numbers ours differ only as they say they do.

Made by rliable's `get_interval_estimates` and `create_performance_profile` (20,000
resamples of the aggregates; arch 7.2.0, NumPy 2.4.6, SciPy 1.17.1) from the scores below,
of 8 runs in 4 tasks each. There are as many runs as make its quarters whole.
"""

import math

import numpy as np
import pytest
from scipy import stats

from recsim_env.results.aggregates import aggregates, improvement_probabilities, profiles
from recsim_env.results.intervals import Estimate
from recsim_env.results.shared_runs import ScenarioRuns, SharedRuns

SCORES = {
    "a": """
        .3 .595 .759 .916  .232 .401 .809 1.251  .226 .457 .873 1.104  .316 .41 .796 1.154
        .098 .481 .515 .857  .024 .515 .61 1.091  .324 .522 .422 .969  .293 .567 .57 .978""",
    "b": """
        .103 .379 .909 .879  .245 .633 .662 .983  .267 .51 .566 1.011  .454 .268 .879 1.018
        .154 .8 .864 .82  .261 .587 .722 1.102  .24 .6 .966 .899  .28 .431 .769 .822""",
    "c": """
        .013 .321 .735 1.022  -.099 .231 .697 .551  .031 .335 .789 .953  .051 .295 .562 1.079
        .036 .304 .653 .832  .07 .183 .598 .783  .275 .448 .596 .95  .049 .508 .599 .938""",
}

#: Agent to interquartile mean, median, mean and optimality gap, each with its 95 % interval.
AGGREGATES = {
    "a": [
        (0.580375, 0.5229375, 0.6363125),
        (0.581375, 0.5230609, 0.6371875),
        (0.60734375, 0.56690625, 0.6461875),
        (0.41140625, 0.37778047, 0.4468125),
    ],
    "b": [
        (0.656125, 0.586625, 0.71625),
        (0.6590625, 0.58749844, 0.72806250),
        (0.62759375, 0.58481172, 0.6691875),
        (0.3765, 0.33628047, 0.41812578),
    ],
    "c": [
        (0.48175, 0.43874844, 0.52875160),
        (0.490875, 0.44949844, 0.53475),
        (0.480875, 0.44178125, 0.51796875),
        (0.52228125, 0.48690625, 0.56015703),
    ],
}

# Ours are wider: 7 of 8 seeds are drawn, and Student's quantile has 4 * 7 degrees of freedom.
WIDER = math.sqrt(8 / 7) * stats.t.ppf(0.975, 28) / stats.norm.ppf(0.975)


@pytest.fixture(scope="module")
def runs() -> SharedRuns:
    scores = np.array([[float(each) for each in text.split()] for text in SCORES.values()])
    of_tasks = scores.reshape(3, 8, 4).transpose(2, 0, 1)
    return SharedRuns(
        tuple(SCORES),
        tuple(
            ScenarioRuns(f"S{task}", "oracle", tuple(range(8)), own, np.ones(8))
            for task, own in enumerate(of_tasks)
        ),
        (),
        (),
    )


def check_interval(found: Estimate, low: float, high: float) -> None:
    assert found.high - found.low == pytest.approx(WIDER * (high - low), rel=0.06)
    assert found.high + found.low == pytest.approx(high + low, abs=0.1 * (high - low))


@pytest.mark.parametrize("agent", list(SCORES))
def test_aggregates_are_theirs(runs: SharedRuns, agent: str) -> None:
    each = {each.agent: each for each in aggregates(runs)}[agent]
    ours = [each.interquartile_mean, each.median, each.mean, each.optimality_gap]
    for found, (mean, low, high) in zip(ours, AGGREGATES[agent], strict=True):
        assert found.mean == pytest.approx(mean, abs=1e-9)
        check_interval(found, low, high)


def test_profiles_are_theirs(runs: SharedRuns) -> None:
    expected = {
        "a": [1.0, 0.8125, 0.40625, 0.21875],
        "b": [1.0, 0.75, 0.53125, 0.1875],
        "c": [0.96875, 0.65625, 0.34375, 0.15625],
    }
    for each in profiles(runs, [0.0, 0.3, 0.6, 0.9]):
        assert [share.mean for share in each.shares] == pytest.approx(expected[each.agent])


def test_probabilities_of_improvement_are_theirs_unless_paired(runs: SharedRuns) -> None:
    found = improvement_probabilities(runs, paired=False).probabilities[0]
    assert [each.mean for each in found] == pytest.approx([0.5, 0.4765625, 0.77734375])
