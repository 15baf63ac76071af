"""Copies of agents, and agents that were stopped, saved and loaded: all go on to the last bit."""

import copy
import pickle
import signal

import numpy as np
import pytest

from recsim_env.agents import agent_class, make_agent
from recsim_env.agents.core.restoring import flattened
from recsim_env.benchmark.training import TrainingRun
from recsim_env.engine.threads import splitting_always
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.formats.array_file import read_arrays
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.rated_catalogue import RatedCatalogue
from tests.agents.test_contract import each

CATALOGUE = RatedCatalogue(n_users=40, n_items=60, max_slates=20)
STRANGERS = InterestEvolution(horizon=10)
READERS = InterestEvolution(horizon=10, choice="cascade", n_items=40)

#: Settings that let learning begin early.
SOON = {"learning_starts": 60, "refit_every": 64, "rollout": 64}


def home(name):
    """Returns a scenario that suits the agent, and settings with which it learns early."""
    kind = agent_class(name)
    suited = [each for each in (CATALOGUE, STRANGERS, READERS) if kind.unsuitable(each) is None]
    return suited[0], {k: v for k, v in SOON.items() if k in kind.Settings.defaults()}


def content(agent):
    """Returns all that is kept of an agent, as values that compare."""
    kept = flattened(agent.state_dict())
    return {name: plain(array) for name, array in kept.items()} | {
        "generator": agent.rng.bit_generator.state,
        "num_timesteps": agent.num_timesteps,
        "world": agent.world,
    }


def plain(array):
    """Returns an array as lists; of records without what lies between their fields."""
    fields = array.dtype.names
    return {name: plain(array[name]) for name in fields} if fields else array.tolist()


def check_copies(name):
    scenario, settings = home(name)
    env = RecommendationVectorEnv(scenario, num_envs=8)
    agent = make_agent(name, env, seed=3, **settings).learn(150)
    copies = [pickle.loads(pickle.dumps(agent)), copy.deepcopy(agent)]
    assert all(content(each) == content(agent) for each in copies)
    agent.learn(80)
    assert all(content(each.learn(80)) == content(agent) for each in copies)


def check_interrupts(name, tmp_path):
    """Raises unless a run that is interrupted again and again ends as one that is not."""
    scenario, settings = home(name)

    def run(file):
        env = RecommendationVectorEnv(scenario, num_envs=8)
        return TrainingRun(
            env=env,
            agent=name,
            agent_settings=settings,
            seed=3,
            checkpoint_every=150,
            path=tmp_path / file,
        )

    whole, parts = run("whole"), run("parts")
    list(whole.learn(whole.begin(), 300))
    agent, rng, n_interrupts = parts.begin(), np.random.default_rng(len(name)), 0
    while agent.num_timesteps < 300:
        n_steps, last = [0], rng.integers(1, 12)

        def callback(_, n_steps=n_steps, last=last):
            n_steps[0] += 1
            if n_steps[0] == last:
                signal.raise_signal(signal.SIGINT)

        try:
            list(parts.learn(agent, 300, callback))
        except KeyboardInterrupt:
            n_interrupts += 1
            parts = run("parts")
            agent = parts.go_on()
    assert n_interrupts >= 1
    found = [read_arrays(each.path, kind="agent", version=1) for each in (whole, parts)]
    one, other = ({k: plain(v) for k, v in arrays.items()} for arrays, _ in found)
    assert one == other
    assert found[0][1] == found[1][1]


@pytest.fixture(autouse=True)
def interruptible():
    """Lets Ctrl-C come, though the tests may run in the background, where it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("name", each(["content", "dqn"]))
def test_copies_go_on_as_the_agent_does(name):
    check_copies(name)


def test_copies_of_what_learned_in_threads_go_on_as_it_does():
    """Rollouts of two parts, each learned from by its own thread."""
    pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')
    env = RecommendationVectorEnv(STRANGERS, num_envs=8, threads=2)
    agent = make_agent("ppo", env, seed=3, width=4, rollout=128, n_minibatches=1)
    with splitting_always():
        agent.learn(150)
        copies = [pickle.loads(pickle.dumps(agent)), copy.deepcopy(agent)]
        agent.learn(150)
        assert all(content(one.learn(150)) == content(agent) for one in copies)


@pytest.mark.slow
@pytest.mark.parametrize("name", each())
def test_copies_of_every_agent_go_on_as_it_does(name):
    check_copies(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", each())
def test_every_agent_that_is_interrupted_ends_as_one_that_is_not(name, tmp_path):
    check_interrupts(name, tmp_path)
