"""Memories of sessions: kept step by step they are what agents are handed with their state."""

import numpy as np

from recsim_env.agents.core.session import SessionMemory, SessionTracker
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution

SCENARIO = InterestEvolution(n_candidates=6, slate_size=2, horizon=5)


def test_a_tracker_remembers_what_an_agent_is_handed():
    env = RecommendationVectorEnv(SCENARIO, num_envs=3, autoreset_mode="SameStep")
    memory, rng = SessionMemory(SCENARIO), np.random.default_rng(0)
    tracker = SessionTracker(memory)
    tracker.begin(3)
    observation, _ = env.reset(seed=1)
    state, begins = memory.begin(3), np.ones(3, bool)
    for _ in range(12):
        state = memory.next(state, observation, begins)
        assert np.array_equal(tracker.memories, state * (1 - begins[:, None]))
        slates = np.array([rng.permutation(6)[:2] for _ in range(3)])
        following, _, terminated, truncated, _ = env.step(slates)
        is_over = terminated | truncated
        before, after = tracker.advance(
            observation, slates, following, is_over=is_over, index=np.arange(3)
        )
        assert np.array_equal(before, state)
        assert np.array_equal(after, memory.stepped(state, observation, slates, following))
        assert not tracker.memories[is_over].any()
        state, observation, begins = memory.showing(state, observation, slates), following, is_over


def test_those_who_take_no_step_are_left_as_they_are():
    env = RecommendationVectorEnv(SCENARIO, num_envs=4)
    tracker = SessionTracker(SessionMemory(SCENARIO))
    tracker.begin(4)
    observation, _ = env.reset(seed=1)
    slates, index = np.tile([0, 1], (2, 1)), np.array([1, 3])
    rows = {name: value[index] for name, value in observation.items()}
    tracker.advance(rows, slates, rows, is_over=np.zeros(2, bool), index=index)
    assert tracker.memories[index].any(axis=1).all()
    assert not tracker.memories[[0, 2]].any()
