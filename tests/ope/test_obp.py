"""Our estimators against Open Bandit Pipeline's 0.5.7, whose values `obp_values.py` wrote."""

import json

import pytest

from recsim_env.benchmark.ope_speed import arrays_of, ours
from recsim_env.ope import Uncertainty
from tests.ope.obp_values import N_ROWS, VALUES

THEIRS = json.loads(VALUES.read_text(encoding="utf-8"))
OURS = ours(arrays_of(N_ROWS))


def test_all_are_compared():
    assert OURS.keys() == THEIRS.keys()
    assert len(THEIRS) == 18


@pytest.mark.parametrize("name", OURS)
def test_estimates_are_the_same(name):
    found = OURS[name](Uncertainty(method="none"))
    assert found.estimator == name
    assert found.value == pytest.approx(THEIRS[name], rel=1e-9, abs=0.0)
