"""What is predicted of policies is judged by size, order and the choice that it would lead to."""

import numpy as np
import pytest

from recsim_env.benchmark.transfer.known_values import RATE, KnownValue, TruthSettings, qualities


def test_quality_is_of_order_size_and_choice():
    rows = [("a", 0.2, 0.2), ("b", 0.6, 0.4), ("c", 0.3, 0.6)]
    values = [
        KnownValue("log", 0, name, RATE, said, true, said, 2 * true) for name, said, true in rows
    ]
    (found,) = qualities(values)
    assert found.error == pytest.approx((0.0 + 0.5 + 0.5) / 3)
    assert found.bias == pytest.approx(0.0)
    assert found.rank_correlation == pytest.approx(0.5)
    assert found.regret == pytest.approx((0.6 - 0.4) / (0.6 - 0.2))
    assert found.session_bias == pytest.approx(np.mean([0.5, 0.75, 0.25]) - 1.0)


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match=r"policies=\('ials',\), loggers="):
        TruthSettings(policies=("ials",))
    with pytest.raises(ValueError, match="sessions=150 is not allowed; use a multiple of 100"):
        TruthSettings(sessions=150)
    with pytest.raises(ValueError, match="exploration=0 is not in"):
        TruthSettings(exploration=0)
