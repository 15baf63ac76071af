"""Stable-Baselines3's own algorithms with our policies: they train, are kept, and are judged."""

import copy

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from recsim_env.envs.wrappers import (
    enumerate_slates,
    point_at_items,
    score_candidates,
    weigh_features,
)

pytest.importorskip("sb3_contrib", reason='needs pip install "recsim-env[agents]"')

import sb3_contrib as contrib
import stable_baselines3 as sb3
import torch
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

from recsim_env.agents.frameworks.sb3 import (
    CandidatePolicy,
    CandidateQPolicy,
    CandidateQuantilePolicy,
    CandidateSummary,
    CandidateWeightPolicy,
    MaskableCandidatePolicy,
    SlateDistribution,
)
from recsim_env.envs.sb3 import VecEnvAdapter

SMALL = {"n_candidates": 5, "slate_size": 2, "n_topics": 4, "time_budget": 20.0}
WIDTH = {"width": 8}
ROLLOUT = {"n_steps": 8, "batch_size": 32, "policy_kwargs": WIDTH}
REPLAY = {"buffer_size": 1_000, "learning_starts": 50, "batch_size": 16, "policy_kwargs": WIDTH}
POINTS = REPLAY | {
    "policy_kwargs": {
        "features_extractor_class": CandidateSummary,
        "features_extractor_kwargs": WIDTH,
        "net_arch": [8],
    }
}


def as_it_is(env):
    return env


def sets_of_items(env):
    return enumerate_slates(env, ordered=False)


#: Algorithm, policy, form of actions, settings.
MODELS = {
    "PPO": (sb3.PPO, CandidatePolicy, as_it_is, ROLLOUT),
    "A2C": (sb3.A2C, CandidatePolicy, as_it_is, {"policy_kwargs": WIDTH}),
    "PPO, flat": (
        sb3.PPO,
        CandidatePolicy,
        as_it_is,
        ROLLOUT | {"policy_kwargs": WIDTH | {"network": "flat"}},
    ),
    "MaskablePPO": (
        contrib.MaskablePPO,
        MaskableCandidatePolicy,
        as_it_is,
        ROLLOUT,
    ),
    "DQN": (sb3.DQN, CandidateQPolicy, sets_of_items, REPLAY),
    "QRDQN": (
        contrib.QRDQN,
        CandidateQuantilePolicy,
        sets_of_items,
        REPLAY | {"policy_kwargs": WIDTH | {"n_quantiles": 3}},
    ),
    "SAC": (sb3.SAC, CandidateWeightPolicy, weigh_features, REPLAY),
    "SAC, summary": (sb3.SAC, "MultiInputPolicy", point_at_items, POINTS),
}


def people(wrap, num_envs=4, scenario="InterestEvolution", **settings):
    made = gymnasium.make_vec(
        f"recsim_env/{scenario}-v0", num_envs, autoreset_mode="SameStep", **settings
    )
    return VecEnvAdapter(wrap(made))


@pytest.mark.parametrize("name", MODELS)
def test_models_learn_are_kept_and_judged(name, tmp_path):
    algorithm, policy, wrap, settings = MODELS[name]
    env = people(wrap, **SMALL)
    model = algorithm(policy, env, seed=0, **copy.deepcopy(settings))  # some change what they get
    before = [weight.detach().clone() for weight in model.policy.parameters()]
    model.learn(200)
    after = list(model.policy.parameters())
    assert any(not torch.equal(one, other) for one, other in zip(before, after, strict=True))

    model.save(tmp_path / "model")
    loaded = algorithm.load(tmp_path / "model", env)
    env.seed(3)
    observation = env.reset()
    actions = [each.predict(observation, deterministic=True)[0] for each in (model, loaded)]
    assert np.array_equal(*actions)
    model.policy.save(tmp_path / "policy")
    alone = type(model.policy).load(tmp_path / "policy")
    assert np.array_equal(alone.predict(observation, deterministic=True)[0], actions[0])

    returns, lengths = evaluate_policy(
        loaded, VecMonitor(env), n_eval_episodes=8, return_episode_rewards=True
    )
    assert np.isfinite(returns).all()
    assert min(lengths) > 1


@pytest.mark.filterwarnings("ignore:.*has an unconventional shape")
@pytest.mark.parametrize("scenario", ["InterestEvolution", "RatedCatalogue"])
def test_a_plain_environment_serves_ids_and_all(scenario):
    env = DummyVecEnv([lambda: gymnasium.make(f"recsim_env/{scenario}-v0")] * 2)
    model = sb3.PPO(CandidatePolicy, env, n_steps=8, batch_size=16, policy_kwargs=WIDTH, seed=0)
    model.learn(32)
    person = gymnasium.make(f"recsim_env/{scenario}-v0")
    observation, _ = person.reset(seed=0)
    slate, _ = model.predict(observation, deterministic=True)
    assert person.action_space.contains(slate)
    assert len(set(slate.tolist())) == len(slate)


def test_slates_of_one_item_are_numbers_of_candidates():
    env = people(as_it_is, scenario="LongTermSatisfaction")
    for algorithm, policy in ((sb3.A2C, CandidatePolicy), (sb3.DQN, CandidateQPolicy)):
        actions, _ = algorithm(policy, env, policy_kwargs=WIDTH).predict(env.reset())
        assert actions.shape == (4,)


def test_the_order_of_candidates_does_not_matter():
    env = people(as_it_is, **SMALL)
    observation = env.reset()
    observation["candidates"] = np.tile(np.eye(5, 4, dtype=np.float32), (4, 1, 1))
    observation["candidates"][:, 4] = 0.5
    order = np.array([3, 1, 0, 4, 2])
    turned = observation | {"candidates": observation["candidates"][:, order]}
    model = sb3.PPO(CandidatePolicy, env, seed=0, **ROLLOUT)
    slates, others = (model.predict(each, deterministic=True)[0] for each in (observation, turned))
    assert np.array_equal(order[others], slates)


def test_values_of_all_slates_are_those_of_each():
    env = people(sets_of_items, **SMALL)
    model = sb3.DQN(CandidateQPolicy, env, **REPLAY)
    seen, _ = model.policy.obs_to_tensor(env.reset())
    found = model.q_net(seen)
    assert found.shape == (4, 10)
    for number, slate in enumerate(env.action_space.table):
        alone = model.q_net.values.values(seen, torch.as_tensor(slate).expand(4, -1))
        torch.testing.assert_close(found[:, number], alone[:, 0])


def test_what_is_masked_comes_last():
    scores = torch.zeros(2_000, 5)
    masks = np.tile([True, False, True, True, False], 3)
    few = np.tile([False, False, True, False, False], 3)
    space = spaces.MultiDiscrete([5, 5, 5])
    many = SlateDistribution(scores, space, np.tile(masks, (2_000, 1)))
    slates = many.get_actions()
    assert set(slates.flatten().tolist()) == {0, 2, 3}
    torch.testing.assert_close(many.log_prob(slates).exp(), torch.full((2_000,), 1 / 6))
    filled = SlateDistribution(scores, space, np.tile(few, (2_000, 1))).get_actions()
    assert (filled[:, 0] == 2).all()
    assert set(filled[:, 1:].flatten().tolist()) == {0, 1, 3, 4}
    assert all(len(set(slate)) == 3 for slate in filled.tolist())


def test_maskable_ppo_shows_what_can_be_shown():
    whole = {"n_items": 20, "n_candidates": 0, "max_slates": 20, "session_mean": 400.0}
    env = people(as_it_is, scenario="RatedCatalogue", **whole)
    model = contrib.MaskablePPO(
        MaskableCandidatePolicy, env, n_steps=8, batch_size=16, policy_kwargs=WIDTH, seed=0
    )
    model.learn(64)
    env.seed(0)
    observation, n_consumed = env.reset(), 0
    for _ in range(30):
        masks = np.stack(env.env_method("action_masks"))
        can = masks[:, :20]
        slates, _ = model.predict(observation, action_masks=masks)
        is_short = can.sum(axis=1) < 3
        assert np.take_along_axis(can, slates, axis=1)[~is_short].all()
        n_consumed += (~can).sum()
        observation = env.step(slates)[0]
    assert n_consumed > 10


@pytest.mark.parametrize(
    ("policy", "wrap", "settings", "message"),
    [
        (CandidatePolicy, sets_of_items, {}, "use it without an action wrapper"),
        (CandidatePolicy, score_candidates, {}, "use it without an action wrapper"),
        (CandidatePolicy, as_it_is, {"flat": True}, "make the environment with flat=False"),
        (CandidatePolicy, as_it_is, {"scenario": "BernoulliBandit"}, "no features of candidates"),
    ],
)
def test_what_a_policy_cannot_work_with_is_told(policy, wrap, settings, message):
    with pytest.raises((TypeError, ValueError), match=message):
        sb3.PPO(policy, people(wrap, **settings), **ROLLOUT)


def test_dqn_wants_slates_by_number():
    with pytest.raises(AssertionError, match="only supports"):
        sb3.DQN(CandidateQPolicy, people(as_it_is))
    env = people(sets_of_items, **SMALL)
    env.action_space = spaces.Discrete(10)
    with pytest.raises(ValueError, match="put .*enumerate_slates around the environment"):
        sb3.DQN(CandidateQPolicy, env)
