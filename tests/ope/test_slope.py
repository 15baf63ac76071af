"""Choice of settings by SLOPE."""

import dataclasses

import numpy as np
import pytest

from recsim_env.ope import LoggedActions, ValueEstimate
from recsim_env.ope.bandits import ips
from recsim_env.ope.slope import chosen_by_slope, slope
from recsim_env.results.intervals import Estimate


def interval(value, half):
    return ValueEstimate("ips", Estimate(value, value - half, value + half, 100, ""))


def test_the_narrowest_that_agrees_with_all_wider_ones_is_chosen():
    narrower = [interval(0.0, 1.0), interval(0.5, 0.5), interval(0.6, 0.2), interval(9.0, 0.1)]
    assert slope(narrower) == 2
    assert slope(narrower[::-1]) == 1  # whatever the order
    assert slope([narrower[0]]) == 0
    c = np.sqrt(6) - 1
    assert slope([interval(0.0, 1.0), interval(0.5 + c - 1e-9, 0.5)]) == 1
    assert slope([interval(0.0, 1.0), interval(0.5 + c + 1e-9, 0.5)]) == 0


def test_a_clip_that_costs_too_much_is_left():
    rng = np.random.default_rng(0)
    is_rare = rng.uniform(size=20_000) < 0.01
    log = LoggedActions(
        reward=np.ones(20_000),
        propensity=np.where(is_rare, 0.01, 0.99),
        target=np.full(20_000, 0.5),
    )
    clips = [1.0, 10.0, np.inf]
    found = [ips(log, clip=clip) for clip in clips]
    assert clips[slope(found)] == np.inf  # a clip would lose nearly half of the value
    chosen = chosen_by_slope(ips, log, "clip", clips)
    assert chosen == dataclasses.replace(found[-1], setting="clip=inf")
    few = dataclasses.replace(
        log, reward=log.reward[:50], propensity=log.propensity[:50], target=log.target[:50]
    )
    assert slope([ips(few, clip=clip) for clip in clips]) in (0, 1, 2)


def test_what_cannot_be_chosen_from_is_refused():
    with pytest.raises(ValueError, match="no estimate to choose from"):
        slope([])
    with pytest.raises(ValueError, match=r"estimates\[0\], ips, has no interval"):
        slope([interval(0.0, np.nan)])
