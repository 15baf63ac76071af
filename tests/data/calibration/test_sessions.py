"""How sessions go with liking is reported as an association, with an interval that holds it."""

import numpy as np

from recsim_env.data.calibration.session_fit import session_associations

DAY = 86_400.0


def log_of(make_log, slope):
    """Returns ratings in sessions whose length goes up, and whose pause down, with liking."""
    rng, rows = np.random.default_rng(0), []
    for user in range(150):
        now = 0.0
        for _ in range(10):
            mood = rng.normal()
            size = 1 + rng.poisson(4 * np.exp(slope * mood))
            for k in range(size):
                rows.append((user, rng.integers(50), 3 + mood + rng.normal(0, 0.3), now + 60 * k))
            now += 60 * size + DAY * np.exp(rng.normal(0, 0.3) - slope * mood)
    user, item, rating, time = np.array(rows).T
    return make_log(user.astype(int), item.astype(int), rating, time)


def test_what_goes_with_liking_is_found(make_log):
    length, pause = session_associations(log_of(make_log, 0.4), None, 3600.0)
    assert length["of"] == "session length" and 0.2 < length["low"] < length["high"] < 0.5
    assert pause["low"] < -0.38 < pause["high"] < 0


def test_what_does_not_go_with_liking_is_not(make_log):
    for each in session_associations(log_of(make_log, 0.0), None, 3600.0):
        assert each["low"] < 0 < each["high"]
