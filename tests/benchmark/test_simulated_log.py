"""Simulated people come as often as those of the log, and remember what they consumed."""

from types import SimpleNamespace

import numpy as np
import pytest

from recsim_env.benchmark import simulated_log
from recsim_env.benchmark.simulated_log import simulate_log
from recsim_env.data import calibrate, read_log
from recsim_env.data.repeats import n_repeats
from recsim_env.formats.rated_world import NEVER


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Returns ratings of people who come one, two or three times, and repeat nothing."""
    rng = np.random.default_rng(0)
    rows = ["user,item,rating,time"]
    for person in range(60):
        films = iter(rng.permutation(50))
        for visit in range(1 + person % 3):
            for row in range(5):
                time = 100_000 * visit + row
                rows.append(f"{person},{next(films)},{rng.integers(1, 6)},{time}")
    path = tmp_path_factory.mktemp("log") / "log.csv"
    path.write_text("\n".join(rows))
    return read_log(path)


def test_everybody_lives_as_many_sessions_as_in_the_log(log, tmp_path):
    world = calibrate(log, n_factors=2, draws_tastes=False)
    assert len(world.repeat_appeal) and (world.repeat_appeal <= NEVER).all()
    world.save(tmp_path / "world.npz")
    simulated = simulate_log(tmp_path / "world.npz", 120, seed=1)
    session = simulated.sessions(3600.0)
    owner = np.zeros(session.max() + 1, int)
    owner[session] = simulated.user
    n_sessions = np.bincount(owner, minlength=60)
    assert (n_sessions <= 1 + np.arange(60) % 3).all() and n_sessions.sum() > 110
    assert not n_repeats(simulated.user, simulated.item, simulated.n_items)


@pytest.mark.parametrize("repeats", [False, True])
def test_people_of_many_sessions_have_them_all(monkeypatch, repeats):
    monkeypatch.setattr(simulated_log, "has_repetition", lambda world: repeats)
    world = SimpleNamespace(user_visit_weight=np.array([3.0, 0.0, 1.0]), n_users=3)
    lives = simulated_log._lives(world, 4_200, np.random.default_rng(0))
    n_sessions = np.bincount(lives[:, 0], weights=lives[:, 1])
    assert n_sessions.tolist() == [3_150, 0, 1_050]
    assert lives[:, 1].max() == (1_000 if repeats else 1)
