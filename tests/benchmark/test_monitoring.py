"""What is written about an agent that learns is what its people did."""

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.benchmark.monitoring import LearningMonitor
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution


class Written(list):
    """Rows (name, value, step)."""

    def __call__(self, name, value, step):
        self.append((name, value, step))

    def values(self, name):
        return [value for found, value, _ in self if found == name]


def feed(monitor, rewards, ended, stepped=None):
    """Hands steps to a monitor, (n_steps, num_envs)."""
    rewards, ended = np.array(rewards, float), np.array(ended, bool)
    stepped = np.ones_like(ended) if stepped is None else np.array(stepped, bool)
    for row in zip(rewards, ended, stepped, strict=True):
        monitor._add_steps(*row, 0.5)


def test_sessions_are_added_up_person_by_person():
    """Person 0 has sessions of 3 and 5; person 1 has one of 7, and a second that is cut."""
    written = Written()
    monitor = LearningMonitor(written)
    rewards = [[1, 1], [2, 2], [5, 4], [9, 1]]
    ended = [[0, 0], [1, 0], [1, 1], [0, 0]]
    feed(monitor, rewards, ended)
    monitor.close()
    assert written.values("online/return") == [pytest.approx((3 + 5 + 7) / 3)]
    assert written.values("online/episode_length") == [2.0]
    assert written.values("online/reward_per_step") == [pytest.approx(25 / 8)]
    assert monitor.step_seconds == 2.0
    assert monitor.n_interactions == 8


def test_a_step_that_only_begins_a_session_is_none():
    written = Written()
    monitor = LearningMonitor(written)
    feed(monitor, [[3], [100], [4]], [[1], [0], [1]], [[1], [0], [1]])
    monitor.close()
    assert written.values("online/return") == [3.5]
    assert monitor.n_interactions == 2


def test_sessions_whose_beginning_was_not_watched_do_not_count():
    written = Written()
    monitor = LearningMonitor(written, n_before=500)
    feed(monitor, [[1], [2], [3]], [[1], [0], [1]])
    monitor.close()
    assert written.values("online/return") == [5.0]
    assert written[0][2] == 503


def test_quantities_are_written_once_a_window():
    written = Written()
    monitor = LearningMonitor(written)
    feed(monitor, np.repeat([[1.0], [3.0]], 1_000, axis=0), np.zeros((2_000, 1)))
    assert [row for row in written if row[0].endswith("step")] == [
        ("online/reward_per_step", 1.0, 1_000),
        ("online/reward_per_step", 3.0, 2_000),
    ]
    monitor.close()
    assert len(written) == 2


@pytest.mark.parametrize("name", ["uniform", "dqn"])
def test_any_agent_is_watched_wherever_it_learns(name):
    """With 20 slates of 12 minutes' budget nobody leaves early: rewards per session are counted."""
    if name == "dqn":
        pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')
    env = RecommendationVectorEnv(InterestEvolution, num_envs=4, horizon=5, time_budget=10_000)
    written, monitor = Written(), None
    agent = make_agent(name, env, seed=0, **({"learning_starts": 100} if name == "dqn" else {}))
    monitor = LearningMonitor(written)
    with monitor.watching(agent):
        agent.learn(1_200)
    monitor.close()
    assert monitor.n_interactions == agent.num_timesteps
    assert set(written.values("online/episode_length")) == {5.0}
    per_step = np.mean(written.values("online/reward_per_step"))
    assert np.mean(written.values("online/return")) == pytest.approx(5 * per_step, rel=0.05)
    assert bool([row for row in written if "loss" in row[0]]) == (name == "dqn")
    assert 0 < monitor.step_seconds < monitor.seconds
    assert getattr(agent, "monitor", None) is None
