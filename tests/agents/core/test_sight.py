"""Agents that see the true state: they learn from it, and look at who is there when they act."""

import numpy as np
import pytest

from recsim_env.agents import load_agent, make_agent
from recsim_env.benchmark.evaluation import evaluate
from recsim_env.benchmark.experiment.sweep import swept
from recsim_env.core.hidden import CANDIDATE_STATE, STATE
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction

SETTINGS = {"observe": "state", "width": 8, "rollout": 64}


@pytest.fixture
def env():
    return RecommendationVectorEnv(LongTermSatisfaction(time_budget=8), num_envs=4)


def test_it_sees_the_people_who_are_there(env):
    agent = make_agent("reinforce", env, observe="state", width=8)
    observation, _ = env.reset(seed=5)
    seen = agent.sight.of(observation, "it")
    twin = env.twin(observe_state=True)
    expected, _ = twin.reset(seed=5)
    assert {STATE, CANDIDATE_STATE} < set(seen)
    assert all(np.array_equal(seen[name], expected[name]) for name in expected)
    assert agent.predict(observation, deterministic=True)[0].shape == (4,)
    env.step(np.zeros(4, int))
    with pytest.raises(ValueError, match="looks into the 4 people"):
        agent.predict(observation)


def test_what_it_learned_is_kept_and_serves_as_before(env, tmp_path):
    agent = make_agent("ppo", env, **SETTINGS).learn(128)
    before = evaluate(agent, env.scenario, n_episodes=4, seed=9)
    agent.save(tmp_path / "agent")
    loaded = load_agent(tmp_path / "agent", env)
    after = evaluate(loaded, env.scenario, n_episodes=4, seed=9)
    assert np.array_equal(before.returns, after.returns)
    assert loaded.learn(64).num_timesteps >= 192
    with pytest.raises(ValueError, match="another world"):
        load_agent(tmp_path / "agent", env, observe="shown")


def test_its_label_says_that_it_is_a_reference():
    alone = {"agent": "far_sighted", "redundancy": False}
    given = {"ppo": {"observe": "state"}, "dqn": {}, "oracle": {}, "alone": alone}
    entries, _ = swept({}, {}, given)
    sighted = {"agent": "ppo", "observe": "state"}
    expected = {"ppo (state)": sighted, "dqn": {}, "oracle": {}, "alone (state)": alone}
    assert entries["agents"] == expected
