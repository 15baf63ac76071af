"""A recording is what people really did, each slate with its chance, and is read as a log."""

import dataclasses
import json
import math

import numpy as np
import pytest

from recsim_env.agents import from_policy, make_agent
from recsim_env.benchmark.log_rows import COLUMNS, OF_CANDIDATES, recording_of
from recsim_env.benchmark.recording import record, record_steps
from recsim_env.data import read_log
from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

CATALOGUE = RatedCatalogue(n_users=30, n_items=40, n_candidates=5, slate_size=2, max_slates=20)
STRANGERS = InterestEvolution(n_items=30, horizon=8)


def recorded(name="uniform", scenario=CATALOGUE, *, learn=0, interactions=300, **arguments):
    agent = make_agent(name, RecommendationVectorEnv(scenario, num_envs=8), seed=1)
    agent.learn(learn) if learn else None
    return record(agent, scenario, interactions=interactions, **arguments)


def slates_of(recording, n_places):
    """Returns each slate's values of every plain column, (n_slates, n_places)."""
    columns = recording.columns
    return {name: columns[name].reshape(-1, n_places) for name in COLUMNS}


def test_single_people_replayed_do_what_was_recorded():
    found = slates_of(recorded("linucb", learn=200, interactions=120, num_envs=1, seed=5), 2)
    env = RecommendationEnv(CATALOGUE)
    for session in range(found["session"].max() + 1):
        observation, _ = env.reset(seed=5) if session == 0 else env.reset()
        for row in np.flatnonzero(found["session"][:, 0] == session):
            assert (found["user"][row] == observation["user_id"]).all()
            item_id = observation["item_id"].tolist()
            slate = [item_id.index(item) for item in found["item"][row]]
            observation, reward, *_ = env.step(slate)
            clicked = observation["response"][:, 0] > 0
            assert (found["clicked"][row] == clicked).all()
            assert found["reward"][row].sum() == pytest.approx(reward, rel=1e-6)
            assert (found["reward"][row][~clicked] == 0.0).all()


def test_rows_stand_by_session_slate_and_place_and_there_are_as_many_as_asked():
    found = slates_of(recorded(interactions=301), 2)
    assert found["slate"].tolist() == [[n, n] for n in range(301)]
    assert found["place"].tolist() == [[0, 1]] * 301
    assert (found["session"][:, 0] == found["session"][:, 1]).all()
    steps = np.diff(found["session"][:, 0])
    assert set(steps) == {0, 1}
    seconds = np.diff(found["time"][:, 0])
    assert (seconds[steps == 0] == 1).all()
    assert (seconds[steps == 1] > 3_600).all()
    assert all(len(set(users)) == 1 for users in by_session(found))


def by_session(found):
    session = found["session"][:, 0]
    return [found["user"][session == each].ravel().tolist() for each in range(session.max() + 1)]


def penalty(config, user, items, slate, response, own_reward):
    for place in range(len(slate)):
        if slate[place] >= 0 and response[place].clicked:
            return -own_reward
    return -1.0


def test_what_is_paid_without_a_click_is_shared_by_all_that_was_shown(tmp_path):
    paid = dataclasses.replace(CATALOGUE, reward=penalty)
    own, found = (slates_of(recorded(scenario=each), 2) for each in (CATALOGUE, paid))
    is_clicked = found["clicked"].any(axis=1)
    assert 0 < is_clicked.sum() < len(is_clicked)
    assert (found["reward"][~is_clicked] == -0.5).all()
    assert (found["reward"][is_clicked] == -own["reward"][is_clicked]).all()
    assert not np.signbit(found["reward"][found["reward"] == 0]).any()
    recording = recorded(scenario=paid)
    recording.write(tmp_path / "log.csv")
    read = read_log(tmp_path / "log.csv", repeats="keep")
    assert len(read.user) == recording.columns["clicked"].sum()


def test_uniform_slates_have_equal_chances():
    assert set(recorded().columns["propensity"]) == {1 / 5 / 4}


def test_inverse_propensities_turn_the_log_into_one_of_uniform_slates():
    """Weights uniform / propensity, in [0, 1 / exploration], have mean 1; Hoeffding at 1e-6."""
    n = 20_000
    agent = make_agent("popularity", RecommendationVectorEnv(CATALOGUE, num_envs=8), seed=1)
    agent.learn(500)
    agent.exploration = 0.5
    found = slates_of(record(agent, CATALOGUE, interactions=n, num_envs=100), 2)
    weight = 1 / 5 / 4 / found["propensity"][:, 0]
    assert weight.max() <= 2.0 + 1e-9
    assert weight.std() > 0.3
    allowed = 2.0 * math.sqrt(math.log(2 / 1e-6) / (2 * n))
    assert weight.mean() == pytest.approx(1.0, abs=allowed)


def test_clicks_are_the_log_that_the_file_is_read_as(tmp_path):
    found = recorded()
    found.write(tmp_path / "log.csv")
    everything = read_log(tmp_path / "log.csv", click="clicked")
    shown = everything.impressions
    assert len(shown) == len(found) and shown.is_clicked.sum() == len(everything)
    assert shown.place.tolist() == found.columns["place"].tolist()
    read, own = everything.core(), found.clicks()
    assert len(own) == int(found.columns["clicked"].sum()) > len(own.once())
    for name in ("user", "item", "rating", "time", "user_labels", "item_labels"):
        assert np.array_equal(getattr(own, name), getattr(read, name)), name


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_files_are_read_as_logs_of_clicks(tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow", reason='needs pip install "recsim-env[data]"')
    found = recorded()
    beside = found.write(tmp_path / "new" / f"log{suffix}")
    is_clicked = found.columns["clicked"] == 1
    log = read_log(tmp_path / "new" / f"log{suffix}", click="clicked", repeats="last")
    clicked = np.stack([found.columns[name][is_clicked] for name in ("user", "item")], axis=1)
    read = np.stack([log.user_labels[log.user], log.item_labels[log.item]], axis=1).astype(int)
    assert np.array_equal(np.unique(read, axis=0), np.unique(clicked, axis=0))
    assert len(log) == len(np.unique(clicked, axis=0))
    assert not log.is_explicit
    guessed = read_log(tmp_path / "new" / f"log{suffix}", repeats="last")
    assert np.array_equal(guessed.time, log.time)
    sessions = found.columns["session"][np.isin(found.columns["time"], log.time)]
    assert len(set(log.sessions())) == len(set(sessions))
    about = json.loads(beside.read_text(encoding="utf-8"))
    assert about["rows"] == len(found) == 600
    assert about["clicks"] == is_clicked.sum()
    assert about["scenario_settings"] == CATALOGUE.settings
    assert about["has_candidates"] == (suffix == ".parquet")
    left_out = set() if about["has_candidates"] else set(OF_CANDIDATES)
    assert set(about["columns"]) == set(found.columns) - left_out > set(COLUMNS)


def test_numbers_survive_the_text(tmp_path):
    found = recorded("linucb", learn=100)
    found.write(tmp_path / "log.csv")
    table = np.genfromtxt(tmp_path / "log.csv", delimiter=",", names=True)
    for name, values in found.columns.items():
        if name in OF_CANDIDATES or name == "policy":
            continue
        places = np.ndindex(values.shape[1:])
        names = ["_".join([name, *map(str, place)]) for place in places]
        read = np.stack([table[each] for each in names], axis=1).reshape(values.shape)
        assert np.array_equal(read.astype(values.dtype), values), name


def test_where_people_have_no_ids_each_session_is_somebody():
    found = recorded(scenario=STRANGERS).columns
    assert np.array_equal(found["user"], found["session"])
    assert found["user"].max() > 10


def test_the_same_seed_records_the_same_and_the_agent_stays_as_it_was():
    agent = make_agent("popularity", RecommendationVectorEnv(CATALOGUE, num_envs=8), seed=1)
    agent.learn(200)
    before = agent.env, agent.rng.bit_generator.state, agent.num_timesteps, len(agent.log)
    recordings = [record(agent, CATALOGUE, interactions=50, seed=s).columns for s in (4, 4, 5)]
    for name in COLUMNS:
        assert np.array_equal(recordings[0][name], recordings[1][name])
    assert not np.array_equal(recordings[0]["item"], recordings[2]["item"])
    assert before == (
        agent.env,
        agent.rng.bit_generator.state,
        agent.num_timesteps,
        len(agent.log),
    )


def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    found, path = recorded(), tmp_path / "log.csv"
    found.write(path)
    old = path.read_bytes()
    monkeypatch.setitem(found.columns, "reward", np.array(0))
    with pytest.raises(IndexError):
        found.write(path)
    assert path.read_bytes() == old
    assert sorted(p.name for p in tmp_path.iterdir()) == ["log.csv", "log.csv.json"]


def first_two(observation):
    return np.tile([0, 1], (len(observation["item_id"]), 1))


def test_a_function_is_recorded_and_a_scenario_may_be_named():
    agent = from_policy(first_two, RecommendationVectorEnv(CATALOGUE))
    kind = type(CATALOGUE)
    same = record(agent, CATALOGUE, interactions=40, num_envs=4).columns
    found = record(first_two, CATALOGUE, interactions=40, num_envs=4).columns
    assert all(np.array_equal(found[name], same[name]) for name in COLUMNS)
    assert (found["propensity"] == 1).all()
    uniform = make_agent("uniform", RecommendationVectorEnv(kind))
    first, *others = (
        record(uniform, scenario, interactions=20).columns["item"].tolist()
        for scenario in (kind(), kind, "RatedCatalogue")
    )
    assert others == [first] * 2


def test_true_states_stand_apart_and_are_those_before_the_slate():
    agent = make_agent("uniform", RecommendationVectorEnv(CATALOGUE, num_envs=4))
    asked = {"interactions": 24, "num_envs": 4, "seed": 7}
    steps = record_steps(agent, CATALOGUE, hidden=True, **asked)
    plain = record_steps(agent, CATALOGUE, **asked)
    apart = {name for name in steps.columns if name.startswith("hidden_")}
    assert apart == steps.columns.keys() - plain.columns.keys() != set()
    env = RecommendationVectorEnv(CATALOGUE, num_envs=4)
    env.reset(seed=7)
    users = env.users
    for name in apart:
        assert np.array_equal(steps[name][:4], users[name.removeprefix("hidden_")])
    rows = recording_of(steps, CATALOGUE)
    assert apart <= rows.columns.keys() == rows.about["columns"].keys()


class OfAnotherLibrary:
    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return np.zeros((len(observation["item_id"]), 2), int), state


def test_what_tells_no_propensities_is_refused():
    with pytest.raises(TypeError, match="does not tell how likely its slates are; give a function"):
        record(OfAnotherLibrary(), CATALOGUE, interactions=20)
    with pytest.raises(TypeError, match=r"agent='uniform' has no predict\(\)"):
        record("uniform", CATALOGUE, interactions=20)


def test_what_cannot_be_recorded_is_refused_with_the_remedy(tmp_path):
    with pytest.raises(ValueError, match="InterestEvolution with these settings has none; set n_i"):
        recorded(scenario=InterestEvolution())
    with pytest.raises(ValueError, match=r"must end with \.csv or \.parquet"):
        recorded().write(tmp_path / "log.txt")
