"""Models of Stable-Baselines3 serve from memory and from their files, whatever form they took."""

import importlib
import json
import zipfile

import numpy as np
import pytest

from recsim_env.agents import SB3Model, agent_class, as_agent, make_agent
from recsim_env.benchmark import evaluate
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.envs.wrappers import (
    enumerate_slates,
    point_at_items,
    score_candidates,
    weigh_features,
)
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.music_streaming import MusicStreaming
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

sb3 = pytest.importorskip("stable_baselines3", reason='pip install "recsim-env[agents]"')
contrib = pytest.importorskip("sb3_contrib", reason='pip install "recsim-env[agents]"')

WORLD = InterestEvolution(n_candidates=6, slate_size=2)
WITH_IDS = MusicStreaming()

#: Algorithm, wrapper of the actions, other arguments of the environment.
MADE = {
    "PPO": (sb3.PPO, None, {}),
    "A2C": (sb3.A2C, None, {}),
    "flat": (sb3.PPO, None, {"flat": True}),
    "MaskablePPO": (contrib.MaskablePPO, None, {}),
    "TRPO": (contrib.TRPO, None, {}),
    "DQN": (sb3.DQN, enumerate_slates, {}),
    "QRDQN": (contrib.QRDQN, lambda env: enumerate_slates(env, ordered=False), {}),
    "SAC": (sb3.SAC, score_candidates, {}),
    "TD3": (sb3.TD3, point_at_items, {}),
    "SAC, weights": (sb3.SAC, weigh_features, {}),
    "TQC": (contrib.TQC, score_candidates, {}),
}


def made(name, scenario=WORLD):
    """An untrained model, which is as good as any here."""
    from recsim_env.envs.sb3 import VecEnvAdapter

    kind, wrap, arguments = MADE[name]
    env = RecommendationVectorEnv(scenario, num_envs=4, autoreset_mode="SameStep", **arguments)
    policy = "MlpPolicy" if arguments else "MultiInputPolicy"
    more = {"buffer_size": 10} if wrap else {"n_steps": 32}
    return kind(policy, VecEnvAdapter(wrap(env) if wrap else env), seed=1, device="cpu", **more)


@pytest.fixture(scope="module")
def models():
    return {name: made(name) for name in MADE}


@pytest.fixture
def people():
    return RecommendationVectorEnv(WORLD, num_envs=5)


def adapted(model, observation, wrap):
    """The slates by the model's own predict, and by the wrapper itself."""
    if len(model.observation_space.shape or ()) == 1:
        seen = np.hstack([value.reshape(5, -1) for value in observation.values()])
    else:
        seen = observation
    actions, _ = model.predict(seen, deterministic=True)
    if wrap is None:
        return actions
    env = wrap(RecommendationVectorEnv(WORLD, num_envs=5))
    return env.form.slates(actions, observation)


@pytest.mark.parametrize("name", MADE)
def test_its_file_tells_the_algorithm_and_it_serves_as_the_model_does(
    models, people, name, tmp_path
):
    model, (kind, wrap, _) = models[name], MADE[name]
    model.save(tmp_path / "model.zip")
    observation, _ = people.reset(seed=3)
    own = adapted(model, observation, wrap)
    forms = {"TD3": "points", "SAC, weights": "weights"}
    settings = {"actions": forms[name]} if name in forms else {}
    for agent in (
        SB3Model(people, model, **settings),
        make_agent(str(tmp_path / "model.zip"), people, **settings),
        make_agent(f"{kind.__name__}@{tmp_path / 'model.zip'}", people, **settings),
    ):
        assert type(agent.model) is kind
        assert np.array_equal(agent.predict(observation, deterministic=True)[0], own)


def test_ids_that_the_model_never_saw_are_left_out():
    model = made("PPO", WITH_IDS)
    assert "item_id" not in model.observation_space.spaces
    found = evaluate(model, WITH_IDS, n_episodes=4, seed=2)
    agent = SB3Model(RecommendationVectorEnv(WITH_IDS), model)
    assert (
        evaluate(agent, WITH_IDS, n_episodes=4, seed=2).returns.tolist() == found.returns.tolist()
    )


def test_evaluation_is_that_of_the_model_itself(models):
    class Plain:
        predict = models["PPO"].predict

    found, same = (evaluate(each, WORLD, n_episodes=6, seed=2) for each in (models["PPO"], Plain()))
    assert found.returns.tolist() == same.returns.tolist()


@pytest.mark.parametrize("name", ["PPO", "MaskablePPO", "TRPO"])
def test_propensities_are_the_policy_s_own(models, people, name):
    """Those of all slates add up to 1, and draws come out as often."""
    agent = SB3Model(people, models[name], seed=4)
    observation, _ = people.reset(seed=3)
    one = {key: value[0] for key, value in observation.items()}
    slates = [(first, second) for first in range(6) for second in range(6)]
    chance = [float(agent.slate_probability(one, slate)) for slate in slates]
    assert sum(chance) == pytest.approx(1.0, abs=1e-5)
    many = {key: np.repeat(value[None], 4_000, axis=0) for key, value in one.items()}
    drawn = (agent.predict(many)[0] == slates[7]).all(axis=1).mean()
    assert drawn == pytest.approx(chance[7], abs=5 * np.sqrt(chance[7] / 4_000))


def test_draws_are_repeated_by_a_seed(models, people):
    observation, _ = people.reset(seed=3)
    drawn = [
        SB3Model(people, models["PPO"], seed=seed).predict(observation)[0].tolist()
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_policy_over_numbers_of_slates_counts_in_draws(people):
    env = _single(people, enumerate_slates)
    agent = SB3Model(people, sb3.PPO("MultiInputPolicy", env, n_steps=32, seed=1, device="cpu"))
    observation, _ = people.reset(seed=3)
    slates, _ = agent.predict(observation)
    chance = agent.slate_probability(observation, slates, n_draws=2_000)
    assert agent.draws_slates == "slates"
    assert ((chance > 0.005) & (chance < 0.2)).all()  # of 30 slates, by an untrained policy


@pytest.mark.parametrize("framework", ["PPO", "DQN"])
def test_our_own_policies_for_it_are_kept_and_served(people, framework, tmp_path):
    frameworks = importlib.import_module("recsim_env.agents.frameworks.sb3")
    if framework == "PPO":
        env, policy = _single(people, lambda env: env), frameworks.CandidatePolicy
        model = sb3.PPO(policy, env, n_steps=32, seed=1, device="cpu")
    else:
        single = RecommendationVectorEnv(InterestEvolution(n_candidates=6, slate_size=1))
        people = single.twin(num_envs=5)
        env, policy = _single(single, lambda env: env), frameworks.CandidateQPolicy
        model = sb3.DQN(policy, env, buffer_size=10, seed=1, device="cpu")
    model.save(tmp_path / "model.zip")
    agent = make_agent(str(tmp_path / "model.zip"), people)
    observation, _ = people.reset(seed=3)
    own, _ = model.predict(observation, deterministic=True)
    assert np.array_equal(agent.predict(observation, deterministic=True)[0], own)


def test_a_greedy_model_shows_its_slate_for_certain(models, people):
    agent = SB3Model(people, models["DQN"])
    observation, _ = people.reset(seed=3)
    slates = agent.predict(observation)[0]
    assert agent.slate_probability(observation, slates).tolist() == [1.0] * 5


def test_a_file_that_does_not_tell_is_asked_about(models, people, tmp_path):
    path = tmp_path / "model.zip"
    models["PPO"].save(path)
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    about = json.loads(held["data"])
    held["data"] = json.dumps(
        {name: value for name, value in about.items() if name not in ("clip_range", "gae_lambda")}
    ).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in held.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match="does not tell of which algorithm it is; say it before"):
        make_agent(str(path), people)


@pytest.mark.parametrize(
    ("name", "scenario", "message"),
    [
        ("PPO", InterestEvolution(n_candidates=7, slate_size=2), "the model sees 'candidates' of"),
        ("PPO", InterestEvolution(n_candidates=6, slate_size=3), "use the scenario and settings"),
        ("flat", InterestEvolution(n_candidates=7, slate_size=2), "the flat observation here has"),
        ("PPO", MusicStreaming(), "the model sees 'user' of shape (20,), and there is none here"),
    ],
)
def test_another_scenario_is_refused(models, name, scenario, message):
    with pytest.raises(ValueError) as caught:
        SB3Model(RecommendationVectorEnv(scenario), models[name])
    assert message in str(caught.value)


def test_forms_of_actions_that_do_not_fit_are_refused(models, people):
    with pytest.raises(ValueError, match=r"do not fit as points where slates are MultiDiscrete"):
        SB3Model(people, models["DQN"], actions="points")
    wide = RecommendationVectorEnv(InterestEvolution(n_candidates=20, slate_size=2))
    model = sb3.SAC("MultiInputPolicy", _single(wide, score_candidates), buffer_size=10)
    with pytest.raises(ValueError, match="could be scores or weights; say which by actions="):
        SB3Model(wide, model)
    assert SB3Model(wide, model, actions="scores").settings.actions == "scores"


def _single(env, wrap):
    from recsim_env.envs.sb3 import VecEnvAdapter

    return VecEnvAdapter(wrap(env.twin(autoreset_mode="SameStep", num_envs=4)))


def test_a_recurrent_model_is_refused_with_what_to_do(people):
    model = contrib.RecurrentPPO(
        "MultiInputLstmPolicy", _single(people, lambda env: env), n_steps=32, device="cpu"
    )
    with pytest.raises(ValueError, match="a recurrent model remembers"):
        SB3Model(people, model)
    assert as_agent(model, people) is model


def test_a_file_named_as_of_another_algorithm_is_refused(models, people, tmp_path):
    path = tmp_path / "model.zip"
    models["PPO"].save(path)
    with pytest.raises(ValueError, match=r"cannot be loaded as DQN: .*; it seems to be of PPO"):
        make_agent(f"DQN@{path}", people)


def test_names_of_nothing_are_refused(people, tmp_path):
    with pytest.raises(ValueError, match="there is no file"):
        agent_class("PPO@nowhere.zip")
    path = tmp_path / "other.zip"
    path.write_bytes(b"no zip")
    with pytest.raises(ValueError, match="other.zip is no model of Stable-Baselines3"):
        make_agent(str(path), people)
    with pytest.raises(ValueError, match="'Policy' is no algorithm"):
        made("PPO").save(path)
        make_agent(f"Policy@{path}", people)
    with pytest.raises(ValueError, match=r"save the model itself, model.save\('model.zip'\)"):
        make_agent(str(path), people).save(tmp_path / "x.agent")


@pytest.mark.parametrize("wrap", [None, enumerate_slates])
def test_a_maskable_model_never_shows_what_cannot_be_shown(wrap):
    from recsim_env.envs.sb3 import VecEnvAdapter

    world = RatedCatalogue(
        n_items=12, n_candidates=0, slate_size=2, session_mean=400.0, max_slates=12
    )
    env = RecommendationVectorEnv(world, num_envs=4, autoreset_mode="SameStep")
    adapter = VecEnvAdapter(wrap(env) if wrap else env)
    model = contrib.MaskablePPO("MultiInputPolicy", adapter, n_steps=8, seed=0, device="cpu")
    people = env.twin(autoreset_mode="NextStep")
    agent = SB3Model(people, model)
    observation, _ = people.reset(seed=3)
    for _ in range(10):
        can_be_shown = people.can_be_shown()
        slates, _ = agent.predict(observation, deterministic=True)
        assert np.take_along_axis(can_be_shown, slates, axis=1).all()
        if wrap is None:
            assert (agent.slate_probability(observation, slates) > 0).all()
        observation, *_ = people.step(slates)
    assert not can_be_shown.all()
    with pytest.raises(ValueError, match="are not theirs as they are now"):
        agent.predict(env.reset(seed=9)[0])
