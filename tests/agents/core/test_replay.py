"""What is kept to learn from outlives files, other sizes and other people."""

from typing import Any

import numpy as np
import pytest

from recsim_env.agents import load_agent, make_agent
from recsim_env.agents.core.replay import Replay, affordable
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.boredom import Boredom

torch = pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')

COLUMNS = {"number": (np.int64, ()), "pair": (np.float32, (2,))}


def filled(capacity: int, n_rows: int, replay: Replay | None = None) -> Replay:
    """Returns a replay to which rows were added by threes, numbered in order."""
    replay = replay or Replay(capacity, COLUMNS)
    for first in range(0, n_rows, 3):
        number = np.arange(first, min(first + 3, n_rows)) + 1
        replay.add(number=number, pair=np.stack([number, -number], axis=1))
    return replay


@pytest.mark.parametrize("n_rows", [0, 5, 12, 13, 40])
@pytest.mark.parametrize("capacity", [4, 12, 30])
def test_a_restored_replay_keeps_the_latest_rows(capacity, n_rows):
    kept = filled(12, n_rows).state_dict()
    replay = Replay(capacity, COLUMNS)
    replay.load_state_dict(kept)
    n_left = min(n_rows, 12, capacity)
    latest = np.arange(n_rows - n_left, n_rows) + 1
    assert np.sort(replay["number"]).tolist() == latest.tolist()
    assert np.array_equal(replay["pair"], np.stack([replay["number"], -replay["number"]], axis=1))
    later = filled(capacity, 2, replay)  # 1 and 2 come over the oldest
    left = sorted([*latest[max(0, n_left + 2 - capacity) :], 1, 2])
    assert np.sort(later["number"]).tolist() == left


@pytest.mark.parametrize("n_rows", [5, 12, 40])
def test_the_same_capacity_has_the_same_places(n_rows):
    first, second = filled(12, n_rows), Replay(12, COLUMNS)
    second.load_state_dict(first.state_dict())
    assert np.array_equal(first["number"], second["number"])
    assert first.n_added == second.n_added == n_rows


def test_rows_that_take_too_much_memory_are_fewer():
    assert affordable(50_000, 100, least=16) == 50_000
    assert affordable(50_000, 2**20, least=16) == 1_024
    assert affordable(50_000, 2**30, least=16) == 16


def learned(name: str, steps: int, num_envs: int = 8, **settings: Any) -> Any:
    env = RecommendationVectorEnv(Boredom, num_envs=num_envs)
    return make_agent(name, env, seed=0, learning_starts=0, **settings).learn(steps)


def rewards(agent: Any) -> list[float]:
    """Returns what was earned by the steps of a buffer of Stable-Baselines3, oldest first."""
    buffer = agent.model.replay_buffer
    order = np.roll(buffer.rewards, -buffer.pos, axis=0) if buffer.full else buffer.rewards
    return order[: buffer.size()].ravel().tolist()


@pytest.mark.parametrize(
    ("num_envs", "buffer_size"), [(8, 2_000), (8, 160), (4, 400), (4, 160), (16, 400)]
)
def test_the_buffer_of_others_is_kept_in_order(num_envs, buffer_size, tmp_path):
    agent = learned("dqn", 600, buffer_size=400)
    before = rewards(agent)
    assert len(before) == 400
    agent.save(tmp_path / "a")
    env = agent.env.twin(num_envs=num_envs)
    again: Any = load_agent(tmp_path / "a", env, buffer_size=buffer_size)
    assert rewards(again) == before[-buffer_size:]
    again.learn(16)
    n_left = min(400, buffer_size) - (16 if buffer_size <= 400 else 0)
    assert rewards(again)[:n_left] == before[-n_left:]


@pytest.mark.parametrize("name", ["slateq", "reinforce"])
@pytest.mark.parametrize("buffer_size", [40, 900])
def test_agents_learn_on_with_buffers_of_another_size(name, buffer_size, tmp_path):
    agent = learned(name, 496, buffer_size=200)
    agent.save(tmp_path / "a")
    again: Any = load_agent(tmp_path / "a", agent.env, buffer_size=buffer_size)
    again.learn(304)
    assert len(again.replay) == min(504, buffer_size)


@pytest.mark.parametrize("name", ["slateq", "reinforce", "iql"])
def test_agents_learn_on_with_more_people(name):
    agent = learned(name, 100)
    n_before = agent.num_timesteps
    agent.set_env(agent.env.twin(num_envs=20))
    assert agent.learn(100).num_timesteps == n_before + 100
