"""The fidelity table sees no difference where there is none, and sees those that were made."""

import numpy as np
import pytest

from recsim_env.data import calibrate, fidelity_table


@pytest.fixture(scope="module")
def fitted(make_log):
    """A log of 150 users with popular and rare items, two tastes, and the world fitted to it."""
    rng = np.random.default_rng(0)
    n_users, n_items = 150, 120
    popularity = 1.0 / np.arange(1, n_items + 1) ** 0.7
    user = np.repeat(np.arange(n_users), 30)
    draw = [
        rng.choice(n_items, 30, replace=False, p=popularity / popularity.sum()) for _ in range(150)
    ]
    item = np.concatenate(draw)
    same = np.where(user % 2 == item % 2, 0.9, -0.9)
    rating = np.clip(np.rint(3.3 + same + rng.normal(0, 0.8, len(user))), 1, 5)
    time = np.tile(np.arange(30) * 60.0 + (np.arange(30) // 10) * 1e5, n_users)
    log = make_log(user, item, rating, time, n_users=n_users, n_items=n_items)
    return log, calibrate(log, n_factors=4)


def simulated_value(table, measure, label):
    """Returns the simulated number of one row, which must exist."""
    value = table.number(measure, label)[1]
    assert value is not None
    return value


def test_identical_logs_show_no_difference(fitted):
    log, world = fitted
    table = fidelity_table(log, log, world)
    for row in table.rows:
        if row["measure"] not in ("RMSE", "AUC", "AUC within users", "taste"):
            assert row["real"] == pytest.approx(row["simulated"], abs=1e-12), row
    # Predictions know less of tastes than what is drawn from all that the ratings leave possible.
    assert (
        0.2
        < table.number("taste", "predicted / drawn")[0]
        < simulated_value(table, "taste", "predicted / drawn")
    )
    for name in ("ratings", "popularity", "activity"):
        np.testing.assert_array_equal(
            table.curves[f"{name}/real"], table.curves[f"{name}/simulated"]
        )


def test_replayed_world_resembles_its_log(fitted, replay):
    log, world = fitted
    table = fidelity_table(log, replay(world, 450, seed=1), world)
    assert simulated_value(table, "rating", "total variation distance") < 0.1
    assert simulated_value(table, "share of consumption", "correlation over items") > 0.9
    for measure, label, allowed in [
        ("share of consumption", "Gini", 0.05),
        ("share of consumption", "top 10 % items", 0.05),
        ("rating", "mean", 0.2),
        ("session size", "mean", 1.0),
        ("RMSE", "factors", 0.15),
        ("AUC within users", "factors", 0.1),
    ]:
        real, simulated = table.number(measure, label)
        assert simulated == pytest.approx(real, abs=allowed), (measure, label)


def test_made_differences_are_seen(fitted):
    log, world = fitted
    worse = log.select(log.rating <= 2)
    table = fidelity_table(log, worse, world)
    assert simulated_value(table, "rating", "total variation distance") > 0.3
    popular = log.select(log.item < 12)
    table = fidelity_table(log, popular, world)
    assert simulated_value(table, "share of consumption", "top 10 % items") == 1.0
    rows = np.flatnonzero(log.time < 1e5)
    table = fidelity_table(log, log.select(rows[::2]), world)
    assert table.number("session size", "mean") == (10.0, 5.0)


def test_logs_of_another_world_are_refused(fitted, make_log):
    log, world = fitted
    with pytest.raises(ValueError, match="simulated log has 2 users and 2 items, the world 150"):
        fidelity_table(log, make_log([0, 1], [0, 1], [1, 2]), world)
