"""What is known of people is a regression on all that they did, in this session and before."""

import numpy as np
import pytest

from recsim_env.agents.core.profiles import ACQUAINTANCE, PREDICTED, ProfileMemory
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.boredom import Boredom
from recsim_env.scenarios.interest_evolution import InterestEvolution

SCENARIO = Boredom(n_users=3, n_items=40, n_candidates=6, slate_size=2, horizon=4)


def sessions(memory, n_sessions):
    """Yields the memory, what is seen, and what each person did before and each slot does now."""
    env, rng = RecommendationVectorEnv(SCENARIO, num_envs=2), np.random.default_rng(0)
    observation, _ = env.reset(seed=1)
    state, begins, is_over = memory.begin(2), np.ones(2, bool), np.zeros(2, bool)
    done = [[] for _ in range(SCENARIO.n_users)]
    during = [[], []]
    for _ in range(n_sessions * (SCENARIO.horizon + 1)):
        state = memory.next(state, observation, begins)
        if is_over.any():
            memory.learn(state, observation, is_over)
            for slot in np.flatnonzero(is_over):
                done[observation["user_id"][slot]] += during[slot]
                during[slot] = []
        if not is_over.any():
            yield state, observation, done, [list(rows) for rows in during]
        slates = np.array([rng.permutation(6)[:2] for _ in range(2)])
        state = memory.showing(state, observation, slates)
        following, _, terminated, truncated, _ = env.step(slates)
        for slot in np.flatnonzero(~is_over):
            shown = observation["candidates"][slot, slates[slot]]
            during[slot] += list(zip(shown, following["response"][slot], strict=True))
        observation, begins, is_over = following, is_over, terminated | truncated


def regression(rows, ridge, around):
    x = np.array([np.r_[1.0, shown] for shown, _ in rows]).reshape(-1, len(ridge))
    y = np.array([response for _, response in rows]).reshape(-1, 2)
    products = x.T @ y
    return np.linalg.solve(x.T @ x + ridge, products + ridge @ around)


def test_predictions_are_those_of_a_ridge_regression_around_everybodys():
    memory = ProfileMemory(SCENARIO)
    for state, observation, done, during in sessions(memory, 4):
        found = memory.seen(state, observation)
        everybody = [row for rows in done for row in rows]
        x = np.array([np.r_[1.0, shown] for shown, _ in everybody]).reshape(-1, 11)
        squares = (x**2).sum(axis=0) / max(len(x), 1)
        prior = np.diag(np.maximum(squares, 1e-3))
        usual = regression(everybody, 10.0 * prior, np.zeros((11, 2)))
        for slot, person in enumerate(observation["user_id"]):
            rows = done[person] + during[slot]
            weights = regression(rows, 20.0 * prior, usual)
            features = np.c_[np.ones(6), observation["candidates"][slot]]
            predicted, generic = features @ weights, features @ usual
            expected = np.c_[predicted, predicted - generic]
            assert found[PREDICTED][slot] == pytest.approx(expected, abs=2e-4)
            assert found[ACQUAINTANCE][slot] == pytest.approx(np.log1p(len(rows)) / 5.0, abs=1e-6)
    assert any(done)


def test_strangers_are_known_from_their_session_alone():
    memory = ProfileMemory(SCENARIO)
    *_, (state, observation, _, during) = sessions(memory, 3)
    nobody = {name: each for name, each in observation.items() if name != "user_id"}
    unknown = observation | {"user_id": np.full(2, 999)}
    session = memory.seen(state, nobody)
    assert not np.allclose(session[PREDICTED], memory.seen(state, observation)[PREDICTED])
    assert np.array_equal(session[PREDICTED], memory.seen(state, unknown)[PREDICTED])
    n_shown = [len(rows) for rows in during]
    assert session[ACQUAINTANCE].ravel() == pytest.approx(np.log1p(n_shown) / 5)


def test_what_is_known_is_taken_back_and_only_for_as_many_people():
    memory, copy = ProfileMemory(SCENARIO), ProfileMemory(SCENARIO)
    *_, (state, observation, _, _) = sessions(memory, 3)
    copy.load_state_dict(memory.state_dict())
    for name, each in memory.seen(state, observation).items():
        assert np.array_equal(each, copy.seen(state, observation)[name])
    with pytest.raises(ValueError, match="gram is float32 of shape"):
        ProfileMemory(Boredom(n_users=4)).load_state_dict(memory.state_dict())


def test_it_needs_to_see_responses():
    with pytest.raises(ValueError, match="profiles=False"):
        ProfileMemory(Boredom(show_items=False))
    assert PREDICTED in ProfileMemory(InterestEvolution()).seen_space.spaces
