"""Damaged files of agents, logs and worlds: they are refused in a sentence, or what they hold runs.

Nothing is read beyond an array, in compiled code neither, and nothing fails later on.
"""

import importlib.util

import numpy as np
import pytest

from recsim_env.agents import agent_class, load_agent, make_agent
from recsim_env.agents.core.step_log import LoggedSteps
from recsim_env.benchmark.interrupting import Stopped
from recsim_env.benchmark.recording import record_steps
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.formats.array_file import read_arrays, write_arrays
from recsim_env.formats.rated_world import RatedWorld
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.rated_catalogue import RatedCatalogue
from tests.agents.damage import count
from tests.agents.test_contract import each
from tests.formats.test_rated_world import small_world

CATALOGUE = RatedCatalogue(n_users=40, n_items=60, max_slates=20)
STRANGERS = InterestEvolution(horizon=10)

#: Settings that let little learning do.
SMALL = {
    "batch_size": 32,
    "epochs": 1,
    "warm_epochs": 1,
    "n_epochs": 1,
    "buffer_size": 64,
    "gradient_steps": 2,
    "width": 8,
    "hidden": 8,
    "learning_starts": 60,
    "refit_every": 64,
    "rollout": 64,
}


def learned(name, scenario, n=150, **settings):
    """Returns an agent that learned for a while from four people."""
    kind = agent_class(name)
    few = {k: v for k, v in SMALL.items() if k in kind.Settings.defaults()}
    env = RecommendationVectorEnv(scenario, num_envs=4)
    return make_agent(name, env, seed=1, **(few | settings)).learn(n)


def play(agent):
    """Lets an agent learn on, and serve a few people."""
    agent.learn(60)
    env = agent.env.twin()
    agent.set_env(env)
    observation, _ = env.reset(seed=3)
    state, begins = None, np.ones(4, bool)
    for deterministic in (True, False, True):
        slates, state = agent.predict(observation, state, begins, deterministic=deterministic)
        observation, _, terminated, truncated, _ = env.step(slates)
        begins = terminated | truncated


def stop():
    raise Stopped


def fuzzed(path, agent, n, seed=0):
    """Damages the file of an agent n times, prints what became of it, and returns the faults."""
    agent.save(path)
    found = count(
        path, "agent", lambda file: play(load_agent(file, agent.env.twin())), n, seed=seed
    )
    print(f"{type(agent).__name__}: {found}")
    return found["faults"]


@pytest.mark.parametrize("name", each(["linucb", "user_knn"]))
def test_a_damaged_agent_is_refused_or_runs(name, tmp_path):
    assert not fuzzed(tmp_path / "damaged.agent", learned(name, CATALOGUE), 10)


@pytest.mark.parametrize("name", each(["ucb", "linucb", "content", "user_knn", "slateq"]))
def test_absurd_numbers_are_refused_with_the_name_of_the_file(name, tmp_path):
    path, agent = tmp_path / "absurd.agent", learned(name, CATALOGUE)
    agent.save(path)
    arrays, about = read_arrays(path, kind="agent", version=1)
    wide = [k for k, v in arrays.items() if v.dtype == np.float64 and v.size]
    assert wide or name == "slateq"
    for changed in wide:
        absurd = arrays[changed].copy()
        absurd.reshape(-1)[0] = 1e300
        write_arrays(path, arrays | {changed: absurd}, about, kind="agent", version=1)
        with pytest.raises(ValueError, match=r"absurd\.agent"):
            load_agent(path, agent.env.twin())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "scenario"),
    [
        pytest.param(*one.values, scenario, marks=one.marks, id=f"{one.values[0]}-{label}")
        for one in each()
        for label, scenario in (("catalogue", CATALOGUE), ("strangers", STRANGERS))
        if agent_class(one.values[0]).unsuitable(scenario) is None
    ],
)
def test_every_damaged_agent_is_refused_or_runs(name, scenario, tmp_path):
    assert not fuzzed(tmp_path / "damaged.agent", learned(name, scenario), 100, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", each(["dqn", "sb3_ppo", "recurrent_ppo", "sac", "full_slate_q"]))
def test_a_damaged_agent_that_was_stopped_is_refused_or_runs(name, tmp_path):
    agent = learned(name, STRANGERS if name == "full_slate_q" else CATALOGUE)
    agent.on_rest = stop
    with pytest.raises(Stopped):
        agent.learn(100)
    agent.on_rest = None
    assert "torch" in agent.state_dict()["learning"]["drawing"]
    assert not fuzzed(tmp_path / "damaged.agent", agent, 100)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("ucb", {"per": "session"}),
        ("linucb", {"model": "disjoint"}),
        ("lin_thompson", {"model": "hybrid"}),
        ("linucb", {"discount": 0.99}),
    ],
)
def test_damaged_models_of_other_kinds_are_refused_or_run(name, settings, tmp_path):
    assert not fuzzed(tmp_path / "damaged.agent", learned(name, CATALOGUE, **settings), 100)


# Logs and worlds ----------------------------------------------------------------------------------


def count_logs(path, n, is_quick=False):
    env = RecommendationVectorEnv(CATALOGUE, num_envs=4)
    record_steps(make_agent("uniform", env), CATALOGUE, interactions=80, num_envs=4).write(path)

    def learn(file):
        log = LoggedSteps.read(file)
        if is_quick:
            return
        agent = make_agent("bc", RecommendationVectorEnv(CATALOGUE), batch_size=8, width=4)
        try:
            agent.learn_from(log)
        except ValueError as error:
            raise ValueError(f"{file}: {error}") from error

    return count(path, "log of steps", learn, n)


def count_worlds(path, n, is_quick=False):
    small_world().save(path)

    def simulate(file):
        world = RatedWorld.load(file)
        assert np.isfinite(world.liking([[0], [1]], [0, 1, 2])).all()
        if is_quick:
            return
        env = RecommendationVectorEnv(
            RatedCatalogue(world=str(file), n_candidates=2, slate_size=1), num_envs=4
        )
        env.reset(seed=0)
        for _ in range(5):
            observation, rewards, _, _, _ = env.step(np.zeros(4, int))
            assert np.isfinite(rewards).all()
            assert env.observation_space.contains(observation)

    return count(path, "rated world", simulate, n)


COUNTS = {"logs of steps": count_logs, "rated worlds": count_worlds}


def skip_without_torch(kind):
    if kind == "logs of steps" and importlib.util.find_spec("torch") is None:
        pytest.skip('needs pip install "recsim-env[agents]"')


@pytest.mark.parametrize("kind", COUNTS)
def test_damaged_files_are_refused_or_run(kind, tmp_path):
    skip_without_torch(kind)
    found = COUNTS[kind](tmp_path / "damaged.npz", 60, is_quick=True)
    assert not found["faults"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", COUNTS)
def test_damaged_files_are_refused_or_run_hundreds_of_times(kind, tmp_path):
    skip_without_torch(kind)
    found = COUNTS[kind](tmp_path / "damaged.npz", 500)
    print(f"{kind}: {found}")
    assert not found["faults"]
