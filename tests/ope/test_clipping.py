"""The clipping curve of a log whose weights are known."""

import numpy as np
import pytest

from recsim_env.ope import LoggedActions
from recsim_env.ope.bandits import ips
from recsim_env.ope.clipping import clipping_curve

# A tenth of rows with weight 5, the others with 5/9.
WEIGHTS = np.where(np.arange(1_000) < 100, 5.0, 5 / 9)
LOG = LoggedActions(reward=np.ones(1_000), propensity=np.full(1_000, 0.1), target=0.1 * WEIGHTS)


def test_a_clip_loses_what_lies_above_it():
    two, five = clipping_curve(LOG, [5.0, 2.0])
    assert (two.clip, two.clipped_rows, two.lost_weight) == pytest.approx((2.0, 0.1, 0.3))
    assert two.estimate.value == pytest.approx(0.7)
    assert (five.clip, five.clipped_rows, five.lost_weight) == pytest.approx((5.0, 0.0, 0.0))
    assert five.estimate.value == pytest.approx(ips(LOG).value)


def test_the_curve_ends_without_a_clip():
    curve = clipping_curve(LOG)
    assert [each.clip for each in curve] == sorted({each.clip for each in curve})
    assert curve[-1].estimate.value == pytest.approx(1.0)
    with pytest.raises(ValueError, match=r"clip=-1.0 is not above 0"):
        clipping_curve(LOG, [-1.0])
