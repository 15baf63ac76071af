"""Encoders of one's own: every agent with networks takes them, and no file imports them."""

import json
import pickle
import sys

import numpy as np
import pytest
from gymnasium import spaces

from recsim_env.agents import agent_class, load_agent, make_agent
from recsim_env.benchmark.experiment.plan import make_plan
from recsim_env.benchmark.experiment.settings import BenchmarkSettings
from recsim_env.cli import main
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution

pytest.importorskip("sb3_contrib", reason='needs pip install "recsim-env[agents]"')

import torch

from recsim_env.agents.networks.encoder import CandidateScores, make_encoder

KINDS = (
    "ppo",
    "sb3_ppo",
    "a2c",
    "recurrent_ppo",
    "dqn",
    "qrdqn",
    "sac",
    "slateq",
    "reinforce",
    "iql",
    "bc",
)
QUICK = {"width": 4}
FILE = """
import torch


class Plain(torch.nn.Module):
    def __init__(self, space, width):
        super().__init__()
        self.person = torch.nn.Linear(space["user"].shape[0], width)
        self.items = torch.nn.Linear(space["candidates"].shape[1], width)

    def forward(self, observation):
        return self.person(observation["user"]), self.items(observation["candidates"])
"""


class Additive(torch.nn.Module):
    """Adds what is known of the person to each candidate; it draws where it drops out."""

    def __init__(self, space, width):
        super().__init__()
        self.person = torch.nn.Linear(space["user"].shape[0], width)
        self.items = torch.nn.Linear(space["candidates"].shape[1], width)
        self.dropped = torch.nn.Dropout(0.1)

    def forward(self, observation):
        person = self.dropped(self.person(observation["user"]))
        return person, self.items(observation["candidates"]) + person[:, None]


class Narrow(Additive):
    def forward(self, observation):
        person, items = super().forward(observation)
        return person, items[:, :, :1]


class Single(Additive):
    def forward(self, observation):
        return super().forward(observation)[1]


class Broken(Additive):
    def forward(self, observation):
        return observation["nothing"]


def people(num_envs=4):
    return RecommendationVectorEnv(InterestEvolution, num_envs=num_envs)


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own_plain", raising=False)
    (tmp_path / "own_plain.py").write_text(FILE, encoding="utf-8")
    yield "own_plain.py:Plain"
    sys.modules.pop("own_plain", None)


@pytest.mark.parametrize("kind", KINDS)
def test_every_agent_learns_with_it_and_a_file_does_not_import_it(kind, tmp_path):
    env = people()
    quick = QUICK | ({"learning_starts": 16} if "learning_starts" in settings_of(kind) else {})
    agent = make_agent(kind, env, network=Additive, **quick).learn(64)
    name = f"{__name__}:Additive"
    assert agent.settings.network == name
    assert any("items.weight" in each for each in flat_names(agent.state_dict()))
    path = tmp_path / "own.agent"
    agent.save(path)
    with pytest.raises(ValueError, match=f"own.agent: its network is .* again: network='{name}'"):
        load_agent(path, env)
    loaded = load_agent(path, env, network=Additive)
    observation, _ = env.reset(seed=0)
    slates = [each.predict(observation, deterministic=True)[0] for each in (agent, loaded)]
    assert np.array_equal(*slates)


@pytest.mark.parametrize("kind", ["ppo", "slateq", "sac"])
def test_nothing_is_dropped_out_where_it_serves(kind):
    env = people(50)
    agent = make_agent(kind, env, network=Additive, width=8).learn(100)
    observation, _ = env.reset(seed=0)
    slates = [agent.predict(observation, deterministic=True)[0] for _ in range(3)]
    assert all(np.array_equal(slates[0], each) for each in slates)


def settings_of(kind):
    return agent_class(kind).Settings.defaults()


def flat_names(state, prefix=""):
    for name, value in state.items():
        yield prefix + name
        if isinstance(value, dict):
            yield from flat_names(value, f"{prefix}{name}.")


def test_a_copy_in_another_process_knows_the_class():
    agent = make_agent("sb3_ppo", people(), network=Additive, **QUICK)
    copied = pickle.loads(pickle.dumps(agent))
    observation, _ = agent.env.reset(seed=0)
    slates = [each.predict(observation, deterministic=True)[0] for each in (agent, copied)]
    assert np.array_equal(*slates)


def test_a_name_stands_for_the_class(file):
    space = people().single_observation_space
    assert type(make_encoder(file, space, 4)).__name__ == "Plain"
    assert type(make_encoder(file.replace(".py", ""), space, 4)).__name__ == "Plain"
    assert type(make_encoder("candidates", space, 4)).__name__ == "CandidateEncoder"


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ("candidate", "network='candidate' is not allowed; use candidates, .* did you mean"),
        (int, "use a subclass of torch.nn.Module"),
        ("json:loads", "loads is no subclass of torch.nn.modules.module.Module"),
        ("no_such_module_here:Net", "there is no module no_such_module_here"),
        (
            Narrow,
            r"Narrow returns \[\(2, 4\), \(2, 10, 1\)\] for 2 observations, not .*\(2, 10, 4\)",
        ),
        (Single, "Single returns a Tensor for 2 observations"),
        (Broken, "Broken failed on an observation of zeros with width=4: KeyError: 'nothing'"),
    ],
)
@pytest.mark.parametrize("kind", ["ppo", "bc"])
def test_what_is_no_encoder_is_told_when_the_agent_is_made(kind, network, message):
    with pytest.raises(ValueError, match=message):
        make_agent(kind, people(), network=network, **QUICK)


def test_a_trial_draws_nothing():
    space = people().single_observation_space
    drawn = []
    for network in (Additive, Additive.__mro__[0]):
        torch.manual_seed(0)
        CandidateScores(space, 4, network)
        drawn.append(torch.rand(1))
    torch.manual_seed(0)
    for _ in range(2):
        Additive(space, 4)
    torch.nn.Linear(4, 1), torch.nn.Linear(8, 4), torch.nn.Linear(4, 1)
    torch.nn.init.orthogonal_(torch.empty(1, 4), 0.01)
    assert drawn == [torch.rand(1)] * 2


def test_where_there_is_no_network_another_is_refused():
    settings = {"values": "table", "choice": "proportional"}
    with pytest.raises(ValueError, match="network=.* is not allowed; use candidates, as neither"):
        make_agent("slateq", people(), network=Additive, **settings)
    with pytest.raises(ValueError, match="network=.* is not allowed; use one of flat"):
        make_agent("full_slate_q", people(), network="candidates")
    for kind in ("neural_linear", "two_tower", "sequential", "linucb"):
        with pytest.raises(ValueError, match="network"):
            make_agent(kind, people(), network=Additive)


@pytest.mark.parametrize("network", [None, lambda space, width: None, Additive.__init__])
def test_what_is_no_class_is_refused_with_what_is_one(network):
    with pytest.raises(ValueError, match="is no encoder; use candidates, a class, module:Class or"):
        make_agent("ppo", people(), network=network)


def test_a_file_is_not_loaded_with_another_kind_of_network(tmp_path):
    env = people()
    for kept, other in ((Additive, "candidates"), ("candidates", Additive)):
        make_agent("ppo", env, network=kept, width=4).save(tmp_path / "an.agent")
        with pytest.raises(ValueError, match="it was saved with network=.*leave out network="):
            load_agent(tmp_path / "an.agent", env, network=other)
        same = load_agent(tmp_path / "an.agent", env, network=kept)
        assert same.settings.width == 4


def test_ids_are_left_out():
    space = people().single_observation_space
    fields = dict(space.spaces) | {"user_id": spaces.Discrete(9)}
    sizes = [
        sum(weight.numel() for weight in CandidateScores(each, 4).parameters())
        for each in (space, spaces.Dict(fields))
    ]
    assert sizes[0] == sizes[1]


# From the command line ----------------------------------------------------------------------------


def test_commands_take_it_by_name(file, capsys):
    given = ["--agent-set", f"network={file}", "--agent-set", "width=4"]
    world = ["InterestEvolution", "ppo", *given]
    train = ["train", *world, "--out", "own.agent", "--interactions"]
    assert main([*train, "64"]) == 0
    assert main([*train, "1100", "--resume"]) == 0
    capsys.readouterr()
    run = ["run", "InterestEvolution", "own.agent"]
    assert main(run) == 2
    assert f"name it again: network='{file}'" in capsys.readouterr().err
    assert main([*run, "--agent-set", f"network={file}"]) == 0


def hashes(**ppo):
    settings = BenchmarkSettings.create(
        scenarios="InterestEvolution", agents={"ppo": ppo, "a2c": dict(ppo)}, seeds=1
    )
    return {run.agent_label: run.config_hash for run in make_plan(settings).runs}


def test_results_with_another_network_are_others(file, tmp_path):
    usual, own = hashes(), hashes(network=file)
    assert usual["a2c"] == hashes(network="candidates")["a2c"]
    assert usual["a2c"] != own["a2c"]
    assert usual["uniform"] == own["uniform"]
    (tmp_path / "own_plain.py").write_text(FILE + "\n", encoding="utf-8")
    assert hashes(network=file)["a2c"] != own["a2c"]
    assert json.dumps(usual) == json.dumps(hashes())
