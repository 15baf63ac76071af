"""The adapter to Stable-Baselines3, against its own vector environment and its own tools."""

import subprocess
import sys

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from recsim_env.agents import make_agent
from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction
from recsim_env.scenarios.rated_catalogue import RatedCatalogue
from recsim_env.wrappers import enumerate_slates, score_candidates

pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')

from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

from recsim_env.sb3 import VecEnvAdapter

SHORT = {"n_candidates": 5, "slate_size": 2, "n_topics": 4, "time_budget": 20.0}


def people(num_envs: int = 4, scenario=InterestEvolution, **settings) -> RecommendationVectorEnv:
    return RecommendationVectorEnv(
        scenario, num_envs=num_envs, autoreset_mode="SameStep", **settings
    )


#: Stable-Baselines3's advice to flatten what its own networks take for a picture.
matrices_are_meant = pytest.mark.filterwarnings("ignore:.*has an unconventional shape")


@matrices_are_meant
@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("scenario", [InterestEvolution, LongTermSatisfaction])
def test_stable_baselines_accepts_the_single_environment(scenario, flat):
    check_env(RecommendationEnv(scenario, flat=flat))


@matrices_are_meant
@pytest.mark.parametrize("wrap", [enumerate_slates, score_candidates])
def test_stable_baselines_accepts_wrapped_environments(wrap):
    check_env(wrap(RecommendationEnv(InterestEvolution, **SHORT)))


def equal(one, other) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(equal(one[name], other[name]) for name in one)
    return bool(np.array_equal(one, other))


@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("wrap", [lambda env: env, enumerate_slates, score_candidates])
def test_trajectories_are_those_of_dummy_vec_env(wrap, flat):
    settings = SHORT | {"flat": flat, "max_episode_steps": 9}
    adapter = VecEnvAdapter(wrap(people(**settings)))
    dummy = DummyVecEnv([lambda: wrap(RecommendationEnv(InterestEvolution, **settings))] * 4)
    assert adapter.observation_space == dummy.observation_space
    assert adapter.action_space == dummy.action_space
    for env in (adapter, dummy):
        env.seed(31)
    adapter.action_space.seed(1)
    assert equal(adapter.reset(), dummy.reset())
    n_ended, n_cut = 0, 0
    for step in range(40):
        if step == 30:
            assert equal(adapter.reset(), dummy.reset())  # goes on with the next episodes
        actions = np.array([adapter.action_space.sample() for _ in range(4)])
        given, expected = adapter.step(actions), dummy.step(actions)
        assert equal(given[0], expected[0])
        for index in (1, 2):
            assert given[index].dtype == expected[index].dtype
            assert np.array_equal(given[index], expected[index])
        for mine, theirs in zip(given[3], expected[3], strict=True):
            assert mine["TimeLimit.truncated"] == theirs["TimeLimit.truncated"]
            assert ("terminal_observation" in mine) == ("terminal_observation" in theirs)
            n_cut += mine["TimeLimit.truncated"]
            if "terminal_observation" in mine:
                n_ended += 1
                assert equal(mine["terminal_observation"], theirs["terminal_observation"])
    assert n_ended > n_cut > 0, "the test met no episode that ended and none that was cut"


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED])
def test_other_autoreset_modes_are_refused(mode):
    with pytest.raises(ValueError, match="autoreset_mode='SameStep'"):
        VecEnvAdapter(RecommendationVectorEnv(InterestEvolution, autoreset_mode=mode))


def test_ids_are_shown_on_request_only():
    env = people(scenario=RatedCatalogue)
    assert {"user_id", "item_id"}.isdisjoint(VecEnvAdapter(env).reset())
    full = VecEnvAdapter(env, keep_ids=True)
    assert full.observation_space == env.single_observation_space
    assert {"user_id", "item_id"} <= set(full.reset())
    assert all(
        isinstance(part, spaces.Box) for part in VecEnvAdapter(env).observation_space.values()
    )


def test_attributes_and_methods_reach_the_batch():
    env = people(**SHORT)
    adapter = VecEnvAdapter(env)
    adapter.reset()
    assert adapter.get_attr("scenario") == [env.scenario] * 4
    rows = adapter.env_method("appeal", indices=[2, 0])
    assert np.array_equal(rows, env.appeal()[[2, 0]])
    adapter.set_attr("label", 3)
    assert adapter.get_attr("label", indices=1) == [3]
    with pytest.raises(ValueError, match="set them for all"):
        adapter.set_attr("label", 3, indices=[0])
    assert adapter.env_is_wrapped(VecMonitor) == [False] * 4


def test_seeds_reach_every_person_once():
    adapter = VecEnvAdapter(people(**SHORT))
    adapter.seed(5)
    first = adapter.reset()
    assert not equal(first, adapter.reset())
    adapter.seed(5)
    assert equal(first, adapter.reset())
    expected, _ = people(1, **SHORT).reset(seed=7)
    assert np.array_equal(first["user"][2], expected["user"][0])


@pytest.mark.parametrize("name", ["uniform", "oracle", "dqn", "ppo"])
@pytest.mark.parametrize("scenario", [InterestEvolution, RatedCatalogue])
def test_evaluate_policy_takes_our_agents(name, scenario):
    learning = RecommendationVectorEnv(scenario, num_envs=4)
    agent = make_agent(name, learning, seed=1)
    env = people(8, scenario)
    agent.set_env(env)
    adapter = VecEnvAdapter(env, keep_ids=True)
    adapter.seed(100)
    rewards, lengths = evaluate_policy(
        agent, VecMonitor(adapter), n_eval_episodes=16, return_episode_rewards=True
    )
    assert len(rewards) == len(lengths) == 16
    assert min(lengths) > 1
    assert np.isfinite(rewards).all()


def test_evaluate_policy_sees_that_the_oracle_beats_uniform():
    means = {}
    for name in ("uniform", "oracle"):
        env = people(50, InterestEvolution)
        adapter = VecEnvAdapter(env, keep_ids=True)
        adapter.seed(100)
        agent = make_agent(name, env)
        means[name], _ = evaluate_policy(agent, VecMonitor(adapter), n_eval_episodes=50)
    assert means["oracle"] > 1.2 * means["uniform"]


@pytest.mark.parametrize("flat", [True, False])
def test_ppo_trains_on_the_adapter(flat):
    env = VecEnvAdapter(score_candidates(people(8, InterestEvolution, flat=flat, **SHORT)))
    model = PPO("MlpPolicy" if flat else "MultiInputPolicy", env, n_steps=32, batch_size=64, seed=0)
    before = [weight.detach().clone() for weight in model.policy.parameters()]
    model.learn(512)
    assert model.num_timesteps == 512
    after = list(model.policy.parameters())
    assert any(not np.array_equal(a, b.detach()) for a, b in zip(before, after, strict=True))


def test_a_missing_extra_says_how_to_install_it():
    script = """
import sys
sys.modules["stable_baselines3"] = None
from recsim_env.agents import agent_class
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution
for name in ("dqn", "ppo"):
    kind = agent_class(name)  # what it is can be read without the extra
    assert kind.unsuitable(InterestEvolution()) is None
    try:
        kind(RecommendationVectorEnv(InterestEvolution))
    except ImportError as error:
        print(error)
assert "torch" not in sys.modules
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count('install it with pip install "recsim-env[agents]"') == 2
