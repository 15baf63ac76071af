"""By the log of one policy, what another earns; in either kind of file, and beside the truth."""

import dataclasses
import json

import numpy as np
import pytest

from recsim_env.agents import from_policy, make_agent
from recsim_env.agents.core.slate_distribution import shown_of
from recsim_env.agents.core.step_log import LoggedSteps
from recsim_env.benchmark.log_rows import recording_of
from recsim_env.benchmark.off_policy import (
    PolicyLog,
    chances_of,
    judge,
    replayed,
    target_chances,
    true_values,
    uniform_chances,
    with_estimated_propensities,
)
from recsim_env.benchmark.off_policy.replayed import learning_value
from recsim_env.benchmark.off_policy.slate_weights import pseudo_inverse_weight
from recsim_env.benchmark.recording import record_steps
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.ope import Uncertainty
from recsim_env.scenarios.bernoulli_bandit import BernoulliBandit
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

PEOPLE = RatedCatalogue(n_users=30, n_items=40, n_candidates=5, slate_size=2, max_slates=4)
ENV = RecommendationVectorEnv(PEOPLE, num_envs=8)


@pytest.fixture(scope="module")
def steps():
    return record_steps(make_agent("uniform", ENV), PEOPLE, interactions=2_000, num_envs=20)


@pytest.fixture(scope="module")
def log(steps):
    return PolicyLog.of(steps)


@pytest.fixture(scope="module")
def learned():
    agent = make_agent("popularity", ENV, seed=1).learn(500)
    agent.exploration = 0.4
    return agent


def test_chances_are_those_of_the_policy_that_made_the_log(learned):
    own = PolicyLog.of(record_steps(learned, PEOPLE, interactions=300, num_envs=7, seed=3))
    found = target_chances(learned, own, explores=True)
    assert found.slate == pytest.approx(own["propensity"], rel=1e-12)
    assert found.prefix == pytest.approx(own["prefix_propensity"], rel=1e-12)
    assert found.places == pytest.approx(own["candidate_propensity"], rel=1e-12)


def test_agents_remember_the_logged_session_and_not_what_they_would_have_shown():
    agent = make_agent("content", ENV, seed=0, exploration=0.3).learn(300)
    own = PolicyLog.of(record_steps(agent, PEOPLE, interactions=200, num_envs=5, seed=3))
    assert target_chances(agent, own, explores=True).slate == pytest.approx(own["propensity"])


def test_a_log_judges_its_own_policy_by_the_mean_and_truly(log):
    uniform = make_agent("uniform", ENV)
    truth = true_values(uniform, log)
    found = {e.estimator: e for e in judge("uniform", log, target_chances(uniform, log))}
    means = ("ips", "snips", "iips", "sn-iips", "rips", "sn-rips", "pseudo-inverse")
    for name in means:
        assert found[name].estimate.mean == pytest.approx(log["reward"].mean(), rel=1e-6), name
        assert found[name].mean_weight == pytest.approx(1.0)
        assert not found[name].warnings
    per_session = np.add.reduceat(log["reward"], log.starts)[:-1].mean()
    assert found["tis"].estimate.mean == pytest.approx(per_session, rel=0.02)
    # Uniform slates drawn anew, at the same moments with the same luck: no further than 5 errors.
    error = truth.slate.high - truth.slate.low
    assert truth.slate.mean == pytest.approx(log["reward"].mean(), abs=2.5 * error)


def first_two(observation):
    return np.tile([0, 1], (len(observation["item_id"]), 1))


def test_the_truth_of_slates_is_what_was_paid_where_the_policy_shows_what_was_logged():
    agent = from_policy(first_two, ENV)
    own = PolicyLog.of(record_steps(agent, PEOPLE, interactions=400, num_envs=6, seed=9))
    truth = true_values(agent, own)
    assert truth.slate.mean == pytest.approx(own["reward"].mean(), rel=1e-5)
    whole = np.add.reduceat(own["reward"], own.starts)[own.is_complete[own.starts]]
    assert truth.session.mean == pytest.approx(whole.mean(), rel=0.1)


def test_estimates_from_a_uniform_log_reach_the_truth_of_another_policy(log, learned):
    truth = true_values(learned, log)
    found = judge("popularity", log, target_chances(learned, log), truth=truth)
    uniform = log["reward"].mean()
    assert truth.slate.mean > 1.1 * uniform
    for each in found:
        if each.estimator in ("snips", "dr", "iips"):
            assert each.estimate.mean > uniform
            room = 1.5 * (each.estimate.high - each.estimate.low)
            assert each.estimate.mean == pytest.approx(truth.slate.mean, abs=room)


def test_parquet_files_say_the_same(tmp_path, steps, log, learned):
    pytest.importorskip("pyarrow", reason='needs pip install "recsim-env[data]"')
    recording_of(steps, PEOPLE).write(tmp_path / "log.parquet")
    read = PolicyLog.read(tmp_path / "log.parquet")
    assert read.scenario == PEOPLE
    chances = [target_chances(learned, each).slate for each in (read, log)]
    assert np.array_equal(*chances)
    for name in ("slate", "item_id", "clicked", "next_response", "candidate_propensity", "slot"):
        assert np.array_equal(read[name], log[name]), name
    assert read["reward"] == pytest.approx(log["reward"], rel=1e-6)
    assert np.array_equal(read.people, log.people)


def test_where_items_show_no_features_models_tell_them_apart_by_id():
    scenario = BernoulliBandit(n_items=5)
    env = RecommendationVectorEnv(scenario, num_envs=1)
    log = PolicyLog.of(record_steps(make_agent("uniform", env), scenario, interactions=3_000))
    agent = from_policy(lambda o: np.zeros(len(o["item_id"]), int), env)
    (found,) = judge("first", log, target_chances(agent, log), estimators=["dm"])
    is_first = log["slate"][:, 0] == 0
    assert found.estimate.mean == pytest.approx(log["reward"][is_first].mean(), abs=0.02)


def test_slates_that_explore_around_their_best_have_pseudo_inverse_weights(learned):
    own = PolicyLog.of(record_steps(learned, PEOPLE, interactions=600, num_envs=7, seed=3))
    target = target_chances(learned, own, explores=True)
    assert pseudo_inverse_weight(own, target) == pytest.approx(1.0)
    uniform = pseudo_inverse_weight(own, uniform_chances(own))
    assert uniform.mean() == pytest.approx(1.0, abs=5 * uniform.std() / np.sqrt(len(own)))
    assert uniform.var() < (uniform_chances(own).slate / own["propensity"]).var()
    tied = own["candidate_propensity"].copy()
    tied[3] = tied[3][:, ::-1] / 2 + tied[3] / 2  # no longer one slate among uniform ones
    columns = {"candidate_propensity": tied, "place_propensity": shown_of(tied, own["slate"])}
    odd = dataclasses.replace(own, columns=dict(own.columns) | columns)
    assert pseudo_inverse_weight(odd, target) is None


def test_true_states_are_used_where_the_log_has_them():
    uniform = make_agent("uniform", ENV)
    hidden = record_steps(uniform, PEOPLE, interactions=300, num_envs=20, hidden=True)
    found = judge("uniform", own := PolicyLog.of(hidden), uniform_chances(own))
    names = [each.estimator for each in found]
    assert names[-2:] == ["sn-mis", "sn-mis-hidden"]
    with pytest.raises(ValueError, match="estimator 'snip' is unknown.*did you mean 'snips'"):
        judge("uniform", own, uniform_chances(own), estimators=["snip"])
    bounded = judge("u", own, uniform_chances(own), uncertainty=Uncertainty(method="bernstein"))
    assert {each.estimate.method.split()[2] for each in bounded} == {"bootstrap", "empirical"}


def test_estimated_propensities_of_a_uniform_log_are_nearly_uniform(log):
    bare = {k: v for k, v in log.columns.items() if not k.endswith("propensity")}
    lacking = LoggedSteps(bare, log.about)
    with pytest.raises(ValueError, match="has no propensity.*--estimate-propensities"):
        PolicyLog.of(lacking)
    few = PolicyLog.of(lacking, needs_propensities=False)
    found = with_estimated_propensities(few.select(np.arange(few.starts[200])))
    log = log.select(np.arange(len(found.log)))
    assert found.calibration.error < 0.05
    assert found.log["propensity"] == pytest.approx(log["propensity"], rel=0.6)
    ratio = log["propensity"] / found.log["propensity"]
    assert ratio.mean() == pytest.approx(1.0, abs=0.05)
    assert found.log["candidate_propensity"].sum(axis=2) == pytest.approx(1.0)


def test_replay_lets_an_agent_learn_from_the_rows_that_it_agrees_with():
    scenario = BernoulliBandit(n_items=5, best=0.9, others=0.2)
    env = RecommendationVectorEnv(scenario, num_envs=1)
    log = PolicyLog.of(record_steps(make_agent("uniform", env), scenario, interactions=900))
    found = replayed(make_agent("ucb", env), log)
    n = found.estimate.n
    assert 130 < n < 230
    truth = learning_value(lambda seed: make_agent("ucb", env, seed=seed), n, n_seeds=4)
    assert found.value == pytest.approx(truth.mean, abs=0.12)
    assert found.value > log["reward"].mean() + 0.1
    with pytest.raises(ValueError, match="UCB has learned; replay lets an agent learn from"):
        replayed(make_agent("ucb", env).learn(10), log)
    with pytest.raises(ValueError, match="Uniform does not learn as it serves"):
        replayed(make_agent("uniform", env), log)


def changed(log, **columns):
    return LoggedSteps(dict(log.columns) | columns, log.about)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        (
            "candidate_propensity",
            lambda x: x[:, :, :4],
            r"shape \(2000, 2, 4\); use \(2000, 2, 5\)",
        ),
        (
            "candidate_propensity",
            lambda x: x * 7.0,
            "row 0, place 0, goes down .* adds up to 7, with",
        ),
        (
            "candidate_propensity",
            lambda x: x[:, :, ::-1] + [0.1, 0, 0, 0, -0.1],
            "adds up to 1, with",
        ),
        (
            "place_propensity",
            lambda x: x[:, :1],
            r"place_propensity .* use \(2000, 2\), one a place",
        ),
        ("place_propensity", lambda x: x / 2, "what was shown has its place_propensity"),
        ("prefix_propensity", lambda x: x[:, ::-1], r"of row 0 is \[.*\], and propensity 0\.05"),
        ("propensity", lambda x: x + 0.5, "ends with that of the slate"),
        ("clicked", lambda x: x[:, :1], r"clicked .* use \(2000, 2\), one a place"),
        ("policy", lambda x: x + 5, "go from 5 to 5, and it names 1"),
        (
            "item_id",
            lambda x: x[:, :4],
            r"item_id .* shape \(4,\), and RatedCatalogue shows \(5,\)",
        ),
        ("item_id", lambda x: x + 4_000, "item_id .* has 0 to 39; the log is of another world"),
        ("next_response", lambda x: x[:, :1], "next_response .* shows"),
    ],
)
def test_what_a_log_says_of_places_fits_its_slates(log, name, change, said):
    with pytest.raises(ValueError, match=said):
        PolicyLog.of(changed(log, **{name: change(log[name])}))


def test_bad_files_get_one_clear_error_each(tmp_path, steps):
    pytest.importorskip("pyarrow", reason='needs pip install "recsim-env[data]"')
    for suffix in (".npz", ".parquet", ".csv"):
        with pytest.raises(
            FileNotFoundError, match=rf"none\{suffix}: no such file; recsim-env log"
        ):
            PolicyLog.read(tmp_path / f"none{suffix}")
    path, beside = tmp_path / "log.parquet", tmp_path / "log.parquet.json"
    recording_of(steps, PEOPLE).write(path)
    about = json.loads(beside.read_text(encoding="utf-8"))
    for text, said in (
        ("{", r"log\.parquet\.json is no JSON"),
        ("[]", "the settings are those of another log"),
        (json.dumps(about | {"policies": ["other"]}), r"tells of policies \['other'\].*of another"),
        (json.dumps({k: v for k, v in about.items() if k != "scenario"}), "neither a scenario nor"),
    ):
        beside.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match=said):
            PolicyLog.read(path)
    beside.unlink()
    with pytest.raises(FileNotFoundError, match=r"log\.parquet\.json: no such file; it says what"):
        PolicyLog.read(path)


def test_bad_logs_get_one_clear_error_each(tmp_path, log, learned, monkeypatch):
    propensity = log["propensity"].copy()
    propensity[7] = 0.0
    with pytest.raises(ValueError, match=r"propensity=0 of row 7 is not in \(0, 1\].*--draws"):
        PolicyLog.of(changed(log, propensity=propensity))
    prefix = log["prefix_propensity"] * 30
    with pytest.raises(ValueError, match=r"prefix_propensity=6 of row 0 is not in \(0, 1\]"):
        PolicyLog.of(changed(log, prefix_propensity=prefix))
    lacking = LoggedSteps({k: v for k, v in log.columns.items() if k != "history"}, log.about)
    with pytest.raises(ValueError, match="lacks the context 'history'"):
        PolicyLog.of(lacking)
    fewer = changed(log, candidates=log["candidates"][:, :4])
    with pytest.raises(ValueError, match=r"shape \(4, 8\).*or of fewer candidates"):
        PolicyLog.of(fewer)
    with pytest.raises(ValueError, match="has step 2 where 1 should be"):
        PolicyLog.of(changed(log, step=log["step"] * 2))
    propensity[7] = np.nan
    with pytest.raises(ValueError, match=r"propensity=nan of row 7 is not in \(0, 1\]"):
        PolicyLog.of(changed(log, propensity=propensity))
    twice = {name: np.repeat(column, 2, axis=0) for name, column in log.columns.items()}
    with pytest.raises(ValueError, match="session 0 has step 0 twice; leave out rows that are"):
        PolicyLog.of(LoggedSteps(twice, log.about))
    none = {name: column[:0] for name, column in log.columns.items()}
    with pytest.raises(ValueError, match="the log is empty"):
        PolicyLog.of(LoggedSteps(none, log.about))
    shuffled = np.random.default_rng(0).permutation(len(log))
    again = PolicyLog.of(LoggedSteps({n: c[shuffled] for n, c in log.columns.items()}, log.about))
    assert np.array_equal(again["reward"], log["reward"])  # rows find their order
    for owner, name in ((type(learned), "is_privileged"), (type(learned.settings), "sees_state")):
        with monkeypatch.context() as patched:
            patched.setattr(owner, name, True)
            with pytest.raises(ValueError, match="Popularity looks into people, whom a log does"):
                target_chances(learned, log)
    elsewhere = dataclasses.replace(PEOPLE, world_seed=41)
    stranger = make_agent("popularity", RecommendationVectorEnv(elsewhere, num_envs=2)).learn(50)
    with pytest.raises(ValueError, match="learned in another world"):
        target_chances(stranger, log)
    recording = recording_of(LoggedSteps(log.columns, log.about), PEOPLE)
    recording.write(tmp_path / "log.csv")
    with pytest.raises(ValueError, match=r"holds no candidates .* --out FILE\.npz"):
        PolicyLog.read(tmp_path / "log.csv")
    with pytest.raises(ValueError, match=r"have shape \(3, 5\); the log needs \(2000, 2, 5\)"):
        chances_of(np.full((3, 5), 0.2), log)
    with pytest.raises(ValueError, match=r"add up to 0\.5"):
        chances_of(np.full((2_000, 5), 0.1), log)
    reward = log["reward"] + 1.0
    with pytest.raises(ValueError, match="people of the log pay otherwise"):
        true_values(learned, PolicyLog.of(changed(log, reward=reward)))
