"""The adapter to Stable-Baselines3, against its own vector environment and its own tools."""

import subprocess
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import RecordEpisodeStatistics

from recsim_env.agents import make_agent
from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv
from recsim_env.envs.spaces import Interface
from recsim_env.envs.wrappers import enumerate_slates, score_candidates
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction
from recsim_env.scenarios.music_streaming import MusicStreaming
from recsim_env.scenarios.rated_catalogue import RatedCatalogue
from recsim_env.scenarios.short_video import ShortVideo

pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')

from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

from recsim_env.envs.sb3 import VecEnvAdapter

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
    rows = adapter.env_method("expected_reward", indices=[2, 0])
    assert np.array_equal(rows, env.expected_reward()[[2, 0]])
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
for name in ("dqn", "sb3_ppo"):
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


def reports(env, n_steps: int) -> list:
    """Returns the infos of some steps, and of the resets among them."""
    env.seed(3)
    env.reset()
    told = [[dict(info) for info in env.reset_infos]]
    for step in range(n_steps):
        slate = np.arange(np.prod(env.action_space.shape, dtype=int)) + step % 5
        *_, infos = env.step(np.tile(slate, (env.num_envs, 1)).reshape(-1, *env.action_space.shape))
        told += [infos, [dict(info) for info in env.reset_infos]]
    return told


@pytest.mark.parametrize("scenario", [MusicStreaming, ShortVideo, LongTermSatisfaction])
def test_infos_are_those_of_dummy_vec_env(scenario):
    adapter = VecEnvAdapter(people(3, scenario, max_episode_steps=3))
    dummy = DummyVecEnv([lambda: RecommendationEnv(scenario, max_episode_steps=3)] * 3)
    mine, theirs = reports(adapter, 8), reports(dummy, 8)
    for ours, others in zip(mine, theirs, strict=True):
        for info, other in zip(ours, others, strict=True):
            other.get("terminal_observation", {}).pop("user_id", None)
            other.get("terminal_observation", {}).pop("item_id", None)
            assert equal(info, other)
            for name, value in other.items():
                assert type(info[name]) is type(value)
    assert any("terminal_observation" in info for told in mine for info in told)


def test_infos_reach_the_monitor():
    env = VecEnvAdapter(people(2, MusicStreaming, max_episode_steps=3))
    monitored = VecMonitor(env, info_keywords=("satisfaction",))
    monitored.reset()
    episodes = []
    for _ in range(8):
        *_, infos = monitored.step(np.zeros((2, *env.action_space.shape), int))
        episodes += [info["episode"] for info in infos if "episode" in info]
    assert len(episodes) >= 4
    assert all(np.isfinite(episode["satisfaction"]) for episode in episodes)


def test_infos_of_gymnasium_wrappers_are_passed_on():
    env = people(2, LongTermSatisfaction, max_episode_steps=2)
    adapter = VecEnvAdapter(RecordEpisodeStatistics(env))
    adapter.reset()
    adapter.step(np.zeros(2, int))
    *_, infos = adapter.step(np.zeros(2, int))
    assert [info["episode"]["l"] for info in infos] == [2, 2]


def test_options_reach_every_person_once():
    adapter = VecEnvAdapter(people(3, n_users=9), keep_ids=True)
    adapter.set_options({"user_id": 4})
    assert adapter.reset()["user_id"].tolist() == [4, 4, 4]
    adapter.set_options([{"user_id": 1}, {}, {"user_id": 8}])
    adapter.seed(1)
    asked = adapter.reset()["user_id"].tolist()
    adapter.seed(1)
    usual = adapter.reset()["user_id"].tolist()
    assert asked == [1, usual[1], 8]
    adapter.set_options({"person": 4})
    with pytest.raises(ValueError, match="no option 'person'"):
        adapter.reset()


def test_only_batches_are_adapted():
    with pytest.raises(TypeError, match=r"make it with gymnasium.make_vec"):
        VecEnvAdapter(RecommendationEnv(InterestEvolution))


WHOLE = {"n_items": 20, "n_candidates": 0, "max_slates": 20, "session_mean": 400.0}


def test_masks_tell_what_was_consumed():
    """Where all items are candidates, what was consumed leaves its place empty."""
    env = people(3, RatedCatalogue, **WHOLE)
    adapter = VecEnvAdapter(env, keep_ids=True)
    adapter.seed(0)
    adapter.reset()
    consumed, n_met = np.zeros((3, 20), bool), 0
    for step in range(30):
        masks = np.stack(adapter.env_method("action_masks"))
        rest = np.where(consumed.all(axis=1, keepdims=True), True, ~consumed)
        assert np.array_equal(masks, np.tile(rest, 3))
        slates = np.tile((step + np.arange(0, 9, 3)) % 20, (3, 1))
        observation, _, ended, _ = adapter.step(slates)
        for row in np.flatnonzero(~ended):
            clicked = observation["response"][row, :, 0] > 0
            assert not (clicked & consumed[row, slates[row]]).any()
            consumed[row, slates[row, clicked]] = True
        n_met += consumed.any(axis=1).sum()
        consumed[ended] = False
    assert n_met > 10


def test_masks_of_numbered_slates_are_those_of_their_items():
    inner = people(3, RatedCatalogue, **WHOLE)
    env = enumerate_slates(inner, ordered=False)
    alone = enumerate_slates(RecommendationEnv(RatedCatalogue, **WHOLE), ordered=False)
    env.reset(seed=2)
    alone.reset(seed=2)
    for number in range(0, 1140, 100):
        can = inner.can_be_shown()
        expected = np.array([[row[slate].all() for slate in env.form.table] for row in can])
        assert np.array_equal(env.action_masks(), expected)
        assert np.array_equal(alone.action_masks(), expected[0])
        env.step(np.full(3, number))
        alone.step(number)
    assert not inner.can_be_shown().all()


def test_where_nothing_can_be_shown_all_is_as_good():
    env = people(1, RatedCatalogue, **WHOLE)
    form = enumerate_slates(env, ordered=False).form
    few = np.arange(20) < np.array([[0], [2], [20]])
    assert form.masks(few).all(axis=1).tolist() == [True, True, True]
    assert Interface(env.scenario, flat=False).masks(few).sum(axis=1).tolist() == [60, 6, 60]


def test_points_cannot_be_masked():
    env = VecEnvAdapter(score_candidates(people(2, **SHORT)))
    env.reset()
    with pytest.raises(TypeError, match="which cannot be masked"):
        env.env_method("action_masks")


MASKED = {
    "LongTermSatisfaction": ({}, None),
    "RatedCatalogue": (WHOLE, None),
    "RatedCatalogue, slates by number": (WHOLE, enumerate_slates),
    "NewsFeed": ({}, None),
    "CreatorEconomy": ({}, None),
    "Boredom": ({}, None),
    "BernoulliBandit": ({}, None),
}


@pytest.mark.parametrize(
    "name",
    [
        name if name in list(MASKED)[1:3] else pytest.param(name, marks=pytest.mark.slow)
        for name in MASKED
    ],
)
@matrices_are_meant
def test_maskable_ppo_trains_with_masks(name):
    contrib = pytest.importorskip("sb3_contrib", reason='needs pip install "recsim-env[agents]"')
    settings, wrap = MASKED[name]
    env = gymnasium.make_vec(
        f"recsim_env/{name.split(',')[0]}-v0", 8, autoreset_mode="SameStep", **settings
    )
    adapter = VecEnvAdapter(wrap(env) if wrap else env)
    model = contrib.MaskablePPO(
        "MultiInputPolicy", VecMonitor(adapter), n_steps=16, batch_size=64, n_epochs=1, seed=0
    )
    model.learn(256)
    observation = model.get_env().reset()
    masks = np.stack(adapter.env_method("action_masks"))
    actions, _ = model.predict(observation, action_masks=masks)
    assert actions.shape[0] == 8


def test_a_step_without_new_actions_is_refused():
    env = VecEnvAdapter(people(2, **SHORT))
    env.reset()
    env.step(np.zeros((2, 2), int))
    with pytest.raises(RuntimeError, match=r"step_wait\(\) has no actions; call step_async"):
        env.step_wait()
