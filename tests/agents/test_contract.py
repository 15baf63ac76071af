"""Every registered agent in several scenarios: it suits or says why not, and keeps the contract."""

import copy
import importlib.util
import os

import numpy as np
import pytest

from recsim_env.agent_registry import REGISTRY
from recsim_env.agents import AGENTS, Agent, agent_class, load_agent, make_agent
from recsim_env.agents.references.uniform import Uniform
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.rated_catalogue import RatedCatalogue
from recsim_env.testing import check_agent

SCENARIOS = {
    "strangers": InterestEvolution(horizon=10),
    "catalogue": RatedCatalogue(n_users=40, n_items=60, max_slates=20),
    "featureless": RatedCatalogue(
        n_users=40,
        n_items=60,
        slate_size=1,
        max_slates=20,
        n_user_features=0,
        n_item_features=0,
    ),
}

#: Settings that let learning begin within the check, which is as short as they allow, and fits end
#: early: agents are to be the same, not good.
SOON = {
    "learning_starts": 50,
    "refit_every": 32,
    "rollout": 64,
    "gradient_steps": 10,
    "epochs": 2,
    "warm_epochs": 1,
}
N_STEPS = 150

#: Which of the scenarios suit each agent.
SUITABLE = {
    "uniform": {"strangers", "catalogue", "featureless"},
    "popularity": {"catalogue", "featureless"},
    "topic_quality": {"strangers", "catalogue", "featureless"},
    "content": {"strangers", "catalogue"},
    "user_knn": {"catalogue", "featureless"},
    "item_knn": {"catalogue", "featureless"},
    "svd": {"catalogue", "featureless"},
    "ials": {"catalogue", "featureless"},
    "ease": {"catalogue", "featureless"},
    "bpr": {"catalogue", "featureless"},
    "slim": {"catalogue", "featureless"},
    "lightgcn": {"catalogue", "featureless"},
    "two_tower": {"strangers", "catalogue", "featureless"},
    "sequential": {"catalogue", "featureless"},
    "sasrec": {"catalogue", "featureless"},
    "epsilon_greedy": {"strangers", "catalogue", "featureless"},
    "ucb": {"strangers", "catalogue", "featureless"},
    "thompson": {"strangers", "catalogue", "featureless"},
    "linucb": {"strangers", "catalogue"},
    "lin_thompson": {"strangers", "catalogue"},
    "logistic_thompson": {"strangers", "catalogue"},
    "neural_linear": {"strangers", "catalogue"},
    "topic_ucb": {"strangers"},
    "slateq": {"strangers", "catalogue"},
    "oracle": {"strangers", "catalogue", "featureless"},
}


def each(names=tuple(AGENTS)):
    """Returns agents as parameters, skipped where their extra is not installed."""
    missing = {
        name: entry.extra
        for name, entry in REGISTRY.items()
        if entry.extra and importlib.util.find_spec(entry.extra) is None
    }
    return [
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                name in missing, reason=f"{missing.get(name)} is not installed"
            ),
        )
        for name in names
    ]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("name", each())
def test_keeps_the_contract(name, scenario):
    known = agent_class(name).Settings.defaults()
    soon = {k: v for k, v in SOON.items() if k in known}
    check_agent(name, SCENARIOS[scenario], total_timesteps=N_STEPS, **soon)


@pytest.mark.parametrize("name", AGENTS)
def test_descends_from_agent_in_one_line_of_at_most_four_classes(name):
    """So that whoever reads an agent opens few files, and no method comes from two sides."""
    kinds = [kind for kind in agent_class(name).__mro__ if issubclass(kind, Agent)]
    assert len(kinds) <= 4
    assert all(sum(issubclass(each, Agent) for each in kind.__bases__) <= 1 for kind in kinds)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("name", each(SUITABLE))
def test_suits_what_it_can_work_with(name, scenario):
    reason = agent_class(name).unsuitable(SCENARIOS[scenario])
    assert (reason is None) == (scenario in SUITABLE[name])


def home(name):
    """Returns a scenario that suits the agent."""
    return SCENARIOS["catalogue" if "catalogue" in SUITABLE[name] else "strangers"]


NUMBERS = [
    (name, setting, type(value).__name__)
    for name in AGENTS
    for setting, value in agent_class(name).Settings.defaults().items()
    if isinstance(value, int | float)
]


@pytest.mark.parametrize(("name", "setting", "kind"), NUMBERS)
def test_settings_of_a_wrong_type_are_named_with_the_right_one(name, setting, kind):
    env = RecommendationVectorEnv(SCENARIOS["catalogue"])
    with pytest.raises(ValueError, match=rf"^{setting}='abc' is of type str; use {kind}$"):
        make_agent(name, env, **{setting: "abc"})


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [("linucb", "ridge", float("inf")), ("linucb", "context", "no"), ("svd", "factors", 2.5)],
)
def test_settings_that_only_look_right_are_refused(name, setting, value):
    with pytest.raises(ValueError, match=f"^{setting}={value!r} is "):
        make_agent(name, RecommendationVectorEnv(SCENARIOS["catalogue"]), **{setting: value})


def test_numbers_of_numpy_are_kept_as_plain_ones(tmp_path):
    env = RecommendationVectorEnv(SCENARIOS["catalogue"])
    agent = make_agent(
        "ials", env, seed=np.int64(3), factors=np.int32(2), exploration=np.float32(0)
    )
    agent.save(tmp_path / "agent.npz")
    again = load_agent(tmp_path / "agent.npz", env)
    assert again.seed == 3
    assert [type(again.settings.as_dict()[name]) for name in ("factors", "exploration")] == [
        int,
        float,
    ]


def learned(name, seed=0):
    env = RecommendationVectorEnv(home(name), num_envs=4)
    return make_agent(name, env, seed=seed).learn(200)


@pytest.fixture(scope="module", params=each(SUITABLE))
def trained(request):
    """Returns a name, and an agent that learned for a while; tests take a copy of it."""
    return request.param, learned(request.param, seed=3)


def test_loading_finds_the_agent_by_its_file_and_it_goes_on_as_saved(trained, tmp_path):
    agent = copy.deepcopy(trained[1])
    agent.save(tmp_path / "agent.npz")
    env = agent.env.twin()
    loaded = load_agent(tmp_path / "agent.npz", env)
    assert type(loaded) is type(agent)
    assert (loaded.num_timesteps, loaded.settings) == (agent.num_timesteps, agent.settings)
    agent.set_env(env)
    observation, _ = env.reset(seed=8)
    for deterministic in (True, False):
        one, _ = agent.predict(observation, deterministic=deterministic)
        other, _ = loaded.predict(observation, deterministic=deterministic)
        assert np.array_equal(one, other)


def test_same_seed_learns_and_shows_the_same(trained):
    name, agent = trained
    twins = [copy.deepcopy(agent), learned(name, seed=3), learned(name, seed=4)]
    slates = []
    for agent in twins:
        observation, _ = agent.env.reset(seed=8)
        seen = []
        state, start = None, np.ones(4, bool)
        for _ in range(10):
            slate, state = agent.predict(observation, state, start)
            observation, _, terminated, truncated, _ = agent.env.step(slate)
            start = terminated | truncated
            seen.append(slate)
        slates.append(np.array(seen))
    assert np.array_equal(slates[0], slates[1])
    if name != "oracle":
        assert not np.array_equal(slates[0], slates[2])


class Trap:
    """Unpickling it makes a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_a_file_with_a_pickle_inside_is_refused_without_running_it(tmp_path):
    agent = learned("linucb")
    path, sprung = tmp_path / "agent.npz", tmp_path / "sprung"
    agent.save(path)
    with np.load(path) as file:
        arrays = dict(file)
    name = next(name for name in arrays if name.endswith("moment"))
    arrays[name] = np.array([Trap(str(sprung))], dtype=object)
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=r"agent\.npz"):
        load_agent(path, agent.env)
    assert not sprung.exists()
    with np.load(path, allow_pickle=True) as file:
        file[name]
    assert sprung.exists()  # the trap does work


class Unregistered(Uniform):
    """An agent of somebody else's."""


def test_a_file_of_an_unregistered_agent_is_refused(tmp_path):
    agent = Unregistered(RecommendationVectorEnv(SCENARIOS["catalogue"]))
    agent.save(tmp_path / "agent.npz")
    with pytest.raises(ValueError, match="not a registered agent, .* Unregistered.load"):
        load_agent(tmp_path / "agent.npz", agent.env)


class Forgetful(Uniform):
    """An agent that writes what it does not take back."""

    def state_dict(self):
        return super().state_dict() | {"weights": np.zeros(3)}


def test_arrays_that_would_be_lost_are_refused(tmp_path):
    agent = Forgetful(RecommendationVectorEnv(SCENARIOS["catalogue"]))
    agent.save(tmp_path / "agent.npz")
    with pytest.raises(ValueError, match=r"Forgetful has no load_state_dict\(\) that .* weights;"):
        Forgetful.load(tmp_path / "agent.npz", agent.env)
