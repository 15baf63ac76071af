"""What blocks tell together is what all people would tell at once."""

import json
import math

import numpy as np
import pytest

from recsim_env.benchmark.simulation.blocks import counted, packed, unpacked
from recsim_env.benchmark.simulation.report import QUANTILES, report_of
from recsim_env.results.intervals import estimate

RETURNS = np.random.default_rng(5).gamma(2.0, 3.0, 1_000) + 1e6
LENGTHS = np.random.default_rng(6).integers(1, 40, 1_000)


def rows(*cuts, clicks=10.0):
    """Returns the blocks that people are cut into."""
    found = []
    pieces = zip(np.split(RETURNS, cuts), np.split(LENGTHS, cuts), strict=True)
    for number, (returns, lengths) in enumerate(pieces):
        total = math.fsum(returns)
        found.append(
            {
                "seed": number,
                "people": len(returns),
                "sessions": len(returns),
                "steps": int(lengths.sum()),
                "clicks": clicks,
                "return_sum": total,
                "return_squares": math.fsum((returns - total / len(returns)) ** 2),
                "returns": packed(counted(returns - 1e6)),
                "lengths": packed(counted(lengths)),
            }
        )
    return found


def test_the_mean_and_its_interval_are_those_of_all_people():
    found, expected = report_of(rows(400, 410, 900), {}).returns, estimate(RETURNS)
    assert (found.n, found.method) == (1_000, "95 % Student t")
    for name in ("mean", "low", "high"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-12)
    assert found.high - found.low == pytest.approx(expected.high - expected.low, rel=1e-9)


def test_quantiles_are_those_of_all_sessions_to_three_digits():
    found = report_of(rows(400), {})
    for q in QUANTILES:
        exact = np.quantile(RETURNS - 1e6, q, method="inverted_cdf")
        assert found.return_quantiles[str(q)] == float(f"{exact:.2e}")
        length = np.quantile(LENGTHS, q, method="inverted_cdf")
        assert found.length_quantiles[str(q)] == length


def test_one_person_has_no_interval():
    found = report_of(rows(1)[:1], {})
    written = json.loads(found.as_json())["returns"]
    assert (written["low"], written["high"], written["n"]) == (None, None, 1)
    assert written["mean"] == pytest.approx(RETURNS[0])
    assert found.lines()[1].endswith(" (no interval: one person)")


def test_the_report_does_not_depend_on_the_order_of_blocks():
    blocks = rows(100, 300, 500)
    assert report_of(blocks, {}).as_json() == report_of(reversed(blocks), {}).as_json()


def test_rates_are_per_slate():
    found = report_of(rows(500), {})
    assert found.n_steps == LENGTHS.sum()
    assert found.click_rate == 20 / LENGTHS.sum()
    assert found.reward_per_step == pytest.approx(RETURNS.sum() / LENGTHS.sum())
    assert found.episode_length == LENGTHS.mean()


def test_a_scenario_without_responses_has_no_click_rate():
    found = report_of(rows(500, clicks=math.nan), {})
    assert found.click_rate is None
    assert json.loads(found.as_json())["click_rate"] is None
    assert "click" not in "".join(found.lines())


def test_counts_come_back_from_their_text():
    values = np.array([0.0, -1234.0, 1.5e-7, 7.0, 7.0])
    assert unpacked(packed(counted(values))) == {-1230.0: 1, 0.0: 1, 1.5e-7: 1, 7.0: 2}
