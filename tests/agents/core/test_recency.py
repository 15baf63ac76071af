"""Counts of a kind are those of the last slates, however they are kept."""

import numpy as np
import pytest

from recsim_env.agents.core.recency import RECENT, Recency
from recsim_env.agents.core.session import SessionMemory
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.boredom import Boredom

SCENARIO = Boredom(n_users=3, n_items=40, n_candidates=6, slate_size=2, horizon=30)


def counted(past, features):
    """Returns how many of the kind were shown, and how many clicked, in each window."""
    kind = features.argmax()
    alike = [
        [np.array([row.argmax() == kind for row in shown]), response[:, 0] > 0]
        for shown, response in past[::-1]
    ]
    windows = [alike[:window] for window in Recency.WINDOWS]
    n_shown = [sum(same.sum() for same, _ in each) for each in windows]
    return n_shown + [sum((same & clicked).sum() for same, clicked in each) for each in windows]


def test_what_is_seen_of_a_candidate_is_what_the_last_slates_held_of_its_kind():
    env, rng = RecommendationVectorEnv(SCENARIO, num_envs=2), np.random.default_rng(0)
    memory = SessionMemory(SCENARIO, recency=True)
    observation, _ = env.reset(seed=1)
    state, begins, past = memory.begin(2), np.ones(2, bool), [[], []]
    for _ in range(28):
        state = memory.next(state, observation, begins)
        found = memory.seen(state, observation)[RECENT]
        for slot in range(2):
            expected = [counted(past[slot], each) for each in observation["candidates"][slot]]
            assert np.array_equal(found[slot], expected)
        slates = np.array([rng.permutation(6)[:2] for _ in range(2)])
        shown = observation["candidates"][np.arange(2)[:, None], slates]
        state = memory.showing(state, observation, slates)
        observation, *_ = env.step(slates)
        begins = np.zeros(2, bool)
        for slot in range(2):
            past[slot].append((shown[slot], observation["response"][slot]))
    assert found[:, :, -1].max() > 0


def test_a_new_session_counts_from_nothing():
    memory = SessionMemory(SCENARIO, recency=True)
    observation, _ = RecommendationVectorEnv(SCENARIO, num_envs=2).reset(seed=1)
    state = memory.showing(memory.begin(2), observation, np.array([[0, 1], [2, 3]]))
    state = memory.next(state, observation, np.array([True, False]))
    found = memory.seen(state, observation)[RECENT]
    assert not found[0].any()
    assert found[1].any()


def test_it_needs_to_see_responses():
    with pytest.raises(ValueError, match="recency=False"):
        SessionMemory(Boredom(show_items=False), recency=True)
