"""Settings of a benchmark: from keywords or TOML, refused by name, and hashed by content."""

import dataclasses
import importlib
import itertools
import linecache
import sys

import pytest

from recsim_env.agents import agent_class
from recsim_env.benchmark import BenchmarkSettings
from recsim_env.benchmark.experiment.plan import described_agent, make_plan
from recsim_env.formats.rated_world import RatedWorld


def test_unknown_names_list_the_known_ones():
    with pytest.raises(
        ValueError, match=r"scenario 'Nowhere' is unknown; known are BernoulliBandit-v0, Boredom"
    ):
        BenchmarkSettings.create(scenarios="Nowhere")
    with pytest.raises(
        ValueError,
        match="agent 'nobody' is neither a file nor a known name; known are uniform, oracle",
    ):
        BenchmarkSettings.create(agents=["linucb", "nobody"])
    with pytest.raises(ValueError, match="no setting interaction; known are scenarios, agents"):
        BenchmarkSettings.create(interaction=5)
    with pytest.raises(ValueError, match="InterestEvolution has no setting topics; known are"):
        make_plan(BenchmarkSettings.create(scenarios={"InterestEvolution": {"topics": 3}}))
    with pytest.raises(ValueError, match="agent linucb has no setting alfa; known are .*alpha"):
        make_plan(BenchmarkSettings.create(agents={"linucb": {"alfa": 3}}))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"interactions": 0}, "interactions=0 is not allowed; use at least 1"),
        ({"interactions": 1.5}, "interactions=1.5"),
        ({"checkpoints": 11, "interactions": 10, "bins": 1}, "at most interactions=10"),
        ({"jobs": 0}, "jobs=0 is not allowed; use -1, or 1 or more"),
        ({"seeds": [1, 1]}, "different whole numbers"),
        ({"seeds": 0}, "different whole numbers"),
        ({"seeds": [-1]}, "different whole numbers"),
        ({"seeds": "3"}, "different whole numbers"),
        ({"num_envs": 2**21}, "use 1 to 1048576"),
        ({"agents": {"linucb": 1}}, "agents.linucb=1 is not a table of settings"),
        ({"scenarios": []}, "at least one"),
        ({"scenarios": 3}, "is not names"),
    ],
)
def test_settings_outside_their_range_say_what_is_allowed(wrong, message):
    with pytest.raises(ValueError, match=message):
        BenchmarkSettings.create(**wrong)


def test_checkpoints_may_lie_by_equal_factors_apart():
    settings = BenchmarkSettings(interactions=100_000, checkpoints=5, spacing="logarithmic")
    assert settings.checkpoint_interactions == (1_000, 3_162, 10_000, 31_623, 100_000)
    assert settings.protocol["spacing"] == "logarithmic"
    assert "spacing" not in BenchmarkSettings().protocol, "kept results know of none"
    with pytest.raises(ValueError, match="spacing"):
        BenchmarkSettings(interactions=500, spacing="logarithmic")


def test_checkpoints_and_bins_end_with_learning():
    settings = BenchmarkSettings(interactions=10, checkpoints=3, bins=4)
    assert settings.checkpoint_interactions == (3, 6, 10)
    assert settings.bin_edges == (2, 5, 7, 10)


TOML = """
interactions = 500
seeds = [3, 5]

[scenarios.InterestEvolution]
n_topics = 4

[scenarios.many]
scenario = "InterestEvolution"
n_candidates = 30

[agents.linucb]
[agents.bold]
agent = "linucb"
alpha = 3.0
"""


def test_toml_gives_the_same_settings_as_keywords(tmp_path):
    path = tmp_path / "benchmark.toml"
    path.write_text(TOML)
    expected = BenchmarkSettings(
        interactions=500,
        seeds=(3, 5),
        scenarios={
            "recsim_env/InterestEvolution-v0": {"n_topics": 4},
            "many": {"scenario": "InterestEvolution", "n_candidates": 30},
        },
        agents={"linucb": {}, "bold": {"agent": "linucb", "alpha": 3.0}},
    )
    assert BenchmarkSettings.from_toml(path) == expected
    assert BenchmarkSettings.from_toml(path, seeds=1).seeds == (0,)
    assert BenchmarkSettings.create(**expected.as_dict()) == expected


def test_what_the_file_knows_keeps_its_settings_when_it_is_picked_by_name(tmp_path):
    path = tmp_path / "benchmark.toml"
    path.write_text(TOML)
    whole = BenchmarkSettings.from_toml(path)
    picked = BenchmarkSettings.from_toml(path, scenarios=["many"], agents=["bold", "ucb"])
    assert picked.scenarios == {"many": whole.scenarios["many"]}
    assert picked.agents == {"bold": whole.agents["bold"], "ucb": {}}
    for name in ("InterestEvolution", "recsim_env/InterestEvolution-v0"):
        picked = BenchmarkSettings.from_toml(path, scenarios=name)
        assert picked.scenarios == {"recsim_env/InterestEvolution-v0": {"n_topics": 4}}
    with pytest.raises(ValueError, match=r"benchmark\.toml: .*'few'"):
        BenchmarkSettings.from_toml(path, scenarios="few")


def test_wrong_toml_names_the_file(tmp_path):
    path = tmp_path / "benchmark.toml"
    path.write_text("seeds = [")
    with pytest.raises(ValueError, match=r"benchmark\.toml"):
        BenchmarkSettings.from_toml(path)
    path.write_text("sedes = 3")
    with pytest.raises(ValueError, match=r"benchmark\.toml: a benchmark has no setting sedes"):
        BenchmarkSettings.from_toml(path)


def hashes(settings):
    return {
        (run.scenario_label, run.agent_label): run.config_hash for run in make_plan(settings).runs
    }


def test_the_hash_changes_with_what_decides_a_run_and_only_there():
    settings = BenchmarkSettings.create(scenarios="InterestEvolution", agents=["linucb"])
    before = hashes(settings)
    key = ("recsim_env/InterestEvolution-v0", "linucb")
    bold = dataclasses.replace(settings, agents={"linucb": {"alpha": 2.0}})
    assert {k for k, v in hashes(bold).items() if v != before[k]} == {key}
    longer = dataclasses.replace(settings, interactions=30_000)
    assert all(value != before[k] for k, value in hashes(longer).items())
    harder = dataclasses.replace(settings, scenarios={key[0]: {"n_candidates": 11}})
    assert all(value != before[k] for k, value in hashes(harder).items())
    spelled_out = dataclasses.replace(
        settings, jobs=1, seeds=(9,), agents={"linucb": {"alpha": 1.0}}
    )
    assert hashes(spelled_out) == before


def test_a_world_counts_by_its_content(tmp_path, monkeypatch):
    monkeypatch.setattr(RatedWorld, "load", load_tiny_world)

    def hash_of(path):
        settings = {"RatedCatalogue": {"world": str(path), "max_slates": 10}}
        return hashes(BenchmarkSettings.create(scenarios=settings, agents=["uniform"]))

    first, moved, other = tmp_path / "a.npz", tmp_path / "b.npz", tmp_path / "c.npz"
    for path, content in ((first, b"1"), (moved, b"1"), (other, b"2")):
        path.write_bytes(content)
    assert hash_of(first) == hash_of(moved)
    assert set(hash_of(first).values()).isdisjoint(hash_of(other).values())


def load_tiny_world(path):
    """Returns a world of 30 items and 4 users."""
    import numpy as np

    def labels(n):
        return np.array([str(index) for index in range(n)])

    return RatedWorld(
        name="tiny",
        item_factors=np.ones((30, 2)),
        item_bias=np.zeros(30),
        item_features=np.ones((30, 2)),
        item_feature_names=labels(2),
        item_exposure=np.full(30, 1 / 30),
        item_labels=labels(30),
        user_factors=np.ones((4, 2)),
        user_bias=np.zeros(4),
        user_features=np.zeros((4, 0)),
        user_feature_names=labels(0),
        user_visit_weight=np.full(4, 0.25),
        user_session_mean=np.full(4, 3.0),
        user_labels=labels(4),
        global_mean=3.0,
        rating_noise=1.0,
        rating_min=1.0,
        rating_max=5.0,
        rating_step=1.0,
        like_threshold=4.0,
        session_log_sd=0.5,
        choice_slope=1.0,
        no_choice_score=1.0,
        choice_rate=0.5,
        choice_slate_size=5,
    )


def test_references_always_run_and_others_may_not_suit():
    settings = BenchmarkSettings.create(scenarios="InterestEvolution", agents=["popularity"])
    plan = make_plan(settings)
    assert {run.agent_label for run in plan.runs} == {"uniform", "oracle", "far_sighted"}
    (left_out,) = plan.left_out
    assert (left_out.agent, "item ids" in left_out.reason) == ("popularity", True)


def paid(config, user, items, slate, response, own_reward):
    return 2.0 * own_reward


def test_with_another_reward_there_is_no_oracle_and_another_hash():
    plans = {
        reward: make_plan(
            BenchmarkSettings.create(
                scenarios={"LongTermSatisfaction": {"reward": reward}}, agents=["uniform"]
            )
        )
        for reward in (None, "clicks", f"{__name__}:paid")
    }
    for reward, plan in plans.items():
        noted = [(each.agent, f"reward={reward}" in each.reason) for each in plan.left_out]
        assert noted == ([] if reward is None else [("oracle", True)])
    hashes = {reward: plan.runs[0].config_hash for reward, plan in plans.items()}
    assert len(set(hashes.values())) == 3
    plain = BenchmarkSettings.create(scenarios="LongTermSatisfaction", agents=["uniform"])
    assert hashes[None] == make_plan(plain).runs[0].config_hash


MODULES = {
    "prices": "PRICE = 1.0\n",
    "paying": """
from prices import PRICE
SCALE = 1.0
def scaled(value): return SCALE * value
def paid(config, user, items, slate, response, own_reward): return PRICE * scaled(own_reward)
""",
    "coffee": """
from dataclasses import dataclass
from recsim_env.scenarios.interest_evolution import InterestEvolution
@dataclass(frozen=True, kw_only=True)
class CoffeeShop(InterestEvolution):
    @staticmethod
    def respond(config, user, items, slate, response, rng): return 1.0
""",
    "acting": """
from recsim_env.agents.bandits.linear_bandit import LinUCB
class Bold(LinUCB):
    n_tries = 1
def first(observation): return 0
""",
}


@pytest.mark.parametrize(
    ("scenario", "agent", "edited", "text"),
    [
        ({"reward": "paying.py:paid"}, "uniform", "paying", ("SCALE = 1", "SCALE = 2")),
        ({"reward": "paying:paid"}, "uniform", "paying", ("PRICE * ", "PRICE + ")),
        ({"reward": "paying:paid"}, "uniform", "prices", ("1.0", "2.0")),
        ({"scenario": "coffee.py:CoffeeShop"}, "uniform", "coffee", ("return 1", "return 2")),
        ({"scenario": "coffee:CoffeeShop"}, "uniform", "coffee", ("return 1", "return 2")),
        ({}, "acting.py:Bold", "acting", ("n_tries = 1", "n_tries = 2")),
        ({}, "acting:Bold", "acting", ("n_tries = 1", "n_tries = 2")),
        ({}, "acting:first", "acting", ("return 0", "return 1")),
    ],
)
def test_code_counts_by_its_content(tmp_path, monkeypatch, scenario, agent, edited, text):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    label = scenario.get("scenario", "InterestEvolution")

    def hash_of(modules):
        for name, content in modules.items():
            (tmp_path / f"{name}.py").write_text(content)
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        linecache.checkcache()
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        settings = BenchmarkSettings.create(scenarios={label: scenario}, agents=[agent])
        (found,) = {v for (_, a), v in hashes(settings).items() if a == agent}
        return found

    before = hash_of(MODULES)
    assert hash_of(MODULES) == before
    assert hash_of(MODULES | {edited: MODULES[edited].replace(*text)}) != before
    for name in MODULES:
        sys.modules.pop(name, None)


def test_new_settings_tell_apart_only_where_they_are_set(tmp_path, monkeypatch):
    pytest.importorskip("stable_baselines3", reason="needs pip install recsim-env[agents]")
    defaults = agent_class("dqn").Settings.defaults()
    assert "network" in defaults
    assert "network" not in described_agent("dqn", defaults)["agent_settings"]
    monkeypatch.chdir(tmp_path)
    found = []
    for width in (1, 2):
        (tmp_path / "encoding.py").write_text(f"class Encoder:\n    width = {width}\n")
        monkeypatch.delitem(sys.modules, "encoding", raising=False)
        own = described_agent("dqn", defaults | {"network": "encoding:Encoder"})
        found.append(own["agent_settings"]["network"])
    assert found[0] != found[1]


def test_runs_never_share_people():
    settings = BenchmarkSettings.create(agents=["uniform"], seeds=[0, 1, 1023], num_envs=2**20)
    runs = [run for run in make_plan(settings).runs if run.agent_label == "uniform"]
    starts = sorted(seed for run in runs for seed in (run.learning_seed, run.evaluation_seed))
    gaps = [after - before for before, after in itertools.pairwise(starts)]
    assert min(gaps) >= settings.num_envs
    assert starts[-1] < 2**32, "what other libraries take as a seed"


def test_all_stands_for_every_agent_that_learns_and_keeps_what_is_set():
    agents = BenchmarkSettings.create(agents={"all": {}, "linucb": {"alpha": 0.5}}).agents
    assert {"uniform", "popularity", "ials", "ppo"} < set(agents)
    assert not {"all", "oracle", "diverse_oracle", "far_sighted"} & set(agents)
    assert agents["linucb"] == {"alpha": 0.5} and agents["ials"] == {}
    assert BenchmarkSettings.create(agents="all").agents.keys() == agents.keys()


@pytest.mark.parametrize(
    ("scenarios", "name"),
    [
        ("NewsFeed", "NewsFeed-v0"),
        (["NewsFeed", "Boredom"], "Boredom-v0+NewsFeed-v0"),
        ({"Music (lives)": {"scenario": "MusicStreaming"}}, "Music-lives"),
        ({"../a/b": {"scenario": "Boredom"}}, "a-b"),
        ("recsim_env.scenarios.boredom:Boredom", "recsim_env.scenarios.boredom-Boredom"),
        (
            ["NewsFeed", "Boredom", "ShortVideo", "BernoulliBandit", "WheelBandit"],
            "BernoulliBandit-v0+Boredom-v0+NewsFeed-v0+2-more",
        ),
    ],
)
def test_the_folder_is_named_after_the_scenarios(scenarios, name):
    assert BenchmarkSettings.create(scenarios=scenarios).folder_name == name
