"""The kernel steps people to the same bytes as plain C."""

import platform
import shutil

import numpy as np
import pytest

from recsim_env import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution
from tests.scenarios.c_interest_evolution import CInterestEvolution

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None or platform.system() != "Linux", reason="needs a C compiler on Linux"
)


def test_sessions_of_c_are_those_of_the_kernel():
    """Of 200 people for 150 steps, over several sessions, with slates that repeat items."""
    settings, n = InterestEvolution(), 200
    env, other = RecommendationVectorEnv(settings, num_envs=n), CInterestEvolution(settings, n)
    env.reset(seed=0)
    rng, n_sessions = np.random.default_rng(0), 0
    for _ in range(150):
        slates = rng.integers(0, settings.n_candidates, (n, settings.slate_size))
        observation, rewards, terminated, _, _ = env.step(slates)
        shown, their_rewards, their_terminated = other.step(slates)
        parts = [observation[name].reshape(n, -1) for name in ("user", "candidates", "response")]
        assert np.array_equal(np.concatenate(parts, axis=1), shown)
        assert np.array_equal(rewards, their_rewards)
        assert np.array_equal(terminated, their_terminated)
        n_sessions += int(terminated.sum())
    assert n_sessions > 200
    assert env.state["user"].tobytes() == other.slots["user"].tobytes()
