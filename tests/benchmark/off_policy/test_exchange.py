"""Logs in the forms of other libraries hold what was logged, and come back."""

from types import SimpleNamespace

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.benchmark.off_policy import (
    PolicyLog,
    from_mdp,
    from_minari,
    from_obp,
    from_scope_rl,
    judge,
    mdp_columns,
    minari_dataset,
    obp_feedback,
    read_log,
    read_open_bandit,
    scope_rl_dataset,
    target_chances,
    uniform_chances,
)
from recsim_env.benchmark.off_policy.exchange import export_steps
from recsim_env.benchmark.recording import record_sessions, record_steps
from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv
from recsim_env.envs.wrappers import enumerate_slates
from recsim_env.scenarios.bernoulli_bandit import BernoulliBandit
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

PEOPLE = RatedCatalogue(n_users=30, n_items=40, n_candidates=5, slate_size=2, max_slates=4)
ONE = BernoulliBandit(n_items=5, horizon=5)


def logged(scenario, **arguments):
    agent = make_agent("uniform", RecommendationVectorEnv(scenario, num_envs=1))
    return record_steps(agent, scenario, **arguments)


@pytest.fixture(scope="module")
def log():
    return PolicyLog.of(logged(PEOPLE, interactions=203, num_envs=8))


def test_sessions_are_kept_whole_and_the_first_of_them_are_a_smaller_log():
    agent = make_agent("uniform", RecommendationVectorEnv(PEOPLE, num_envs=1))
    steps = record_sessions(agent, PEOPLE, n_sessions=12, seed=4)
    log = PolicyLog.of(steps)
    assert len(log.starts) == 12
    assert log.is_complete.all()
    assert np.array_equal(log["slot"], log["session_number"])
    part = log.select(np.flatnonzero(log["session_number"] < 5))
    assert len(part) == log.starts[5]


def test_slates_are_rows_of_places_for_open_bandit_pipeline(log):
    found = obp_feedback(log)
    uniform = 1.0 / 5 / 4
    assert len(found["reward"]) == 2 * len(log)
    assert found["n_unique_action"] == 40
    assert set(found["position"]) == {0, 1}
    assert found["pscore"] == pytest.approx(uniform)
    assert found["pscore_item_position"] == pytest.approx(0.2)
    assert found["pscore_cascade"][:2] == pytest.approx([0.2, uniform])
    assert found["reward"].sum() == pytest.approx(log["reward"].sum(), rel=1e-6)
    shown = log["item_id"][3, log["slate"][3]]
    assert found["action"][6:8].tolist() == shown.tolist()
    at_slate = log["candidates"][-1, log["slate"][-1, 0]]
    assert found["action_context"][found["action"][-2]] == pytest.approx(at_slate)


def test_single_actions_make_the_way_to_open_bandit_pipeline_and_back():
    log = PolicyLog.of(logged(ONE, interactions=150))
    found = obp_feedback(log)
    assert found["n_actions"] == 5
    back = from_obp(found)
    assert np.array_equal(back["slate"][:, 0], found["action"])
    assert np.array_equal(back["propensity"], log["propensity"])
    with pytest.raises(ValueError, match="has no pscore"):
        from_obp({k: v for k, v in found.items() if k != "pscore"})
    with pytest.raises(ValueError, match=r"actions go from 0 to 4; number them 0 to n_actions"):
        from_obp(found | {"n_actions": 4})


def test_actions_of_d3rlpy_are_numbers_of_slates_and_what_is_cut_off_is_timed_out(log):
    found = mdp_columns(log)
    numbered = enumerate_slates(RecommendationVectorEnv(PEOPLE, num_envs=1), ordered=True)
    assert found["actions"].max() < numbered.single_action_space.n
    table = np.array([(i, j) for i in range(5) for j in range(5) if i != j])
    assert np.array_equal(table[found["actions"][:, 0]], log["slate"])
    ends = (found["terminals"] + found["timeouts"]) > 0
    assert np.array_equal(np.flatnonzero(ends), log.starts + log.lengths - 1)
    assert found["observations"].shape == (203, sum(log[k][0].size for k in PEOPLE.schema.boxes))
    back = from_mdp({**found, "action_size": 20})
    assert np.array_equal(back.lengths, log.lengths)
    assert (back.n_candidates, "propensity" in back.columns) == (20, False)
    with pytest.raises(ValueError, match="has no propensity.*--estimate-propensities"):
        back.require_propensities()


def test_files_of_d3rlpy_hold_the_sessions_of_two_steps_or_more(tmp_path, log):
    pytest.importorskip("d3rlpy", reason="needs pip install d3rlpy")
    export_steps(log, "d3rlpy", str(tmp_path / "log.h5"))
    back = read_log(tmp_path / "log.h5", "d3rlpy", needs_propensities=False)
    found = mdp_columns(log.select(np.flatnonzero(np.repeat(log.lengths > 1, log.lengths))))
    assert np.array_equal(back["slate"], found["actions"])
    assert np.array_equal(back["seen"], found["observations"])
    assert np.array_equal(back["is_terminal"], found["terminals"])


def test_sessions_of_one_length_are_those_of_scope_rl():
    whole = PolicyLog.of(logged(ONE, interactions=42, num_envs=4))
    found = scope_rl_dataset(whole)
    assert found["size"] == found["n_trajectories"] * 5 == 40
    assert found["done"].reshape(-1, 5)[:, -1].all()
    assert found["pscore"] == pytest.approx(0.2)
    back = from_scope_rl(found)
    assert np.array_equal(back["slate"][:, 0], found["action"])
    assert np.array_equal(back["seen"], found["state"])
    assert (back.lengths == 5).all() and back.is_complete.all()
    assert back.n_candidates == found["n_actions"] == 5
    judged = {e.estimator: e for e in judge("uniform", back, uniform_chances(back))}
    assert judged["tis"].estimate.mean == pytest.approx(5 * found["reward"].mean())
    columns = {name: np.delete(values, 4, axis=0) for name, values in whole.columns.items()}
    columns["is_over"][3] = True
    with pytest.raises(ValueError, match="sessions of 4 to 5 steps: SCOPE-RL takes sessions that"):
        scope_rl_dataset(PolicyLog(columns, whole.about, whole.scenario))


# Minari recommends to name an author, where code is kept, and more.
@pytest.mark.filterwarnings("ignore:.* is set to None:UserWarning")
def test_data_sets_of_minari_hold_dicts_slates_and_propensities(tmp_path, monkeypatch, log):
    minari = pytest.importorskip("minari", reason="needs pip install minari h5py pillow")
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))
    minari_dataset(log, "recsim-env/test-v0")
    found = minari.load_dataset("recsim-env/test-v0")
    first = next(iter(found.iterate_episodes()))
    rows = slice(0, int(log.lengths[0]))
    assert np.array_equal(first.actions, log["slate"][rows])
    assert np.array_equal(first.infos["propensity"][1:], log["propensity"][rows])
    assert np.array_equal(first.observations["item_id"][:-1], log["item_id"][rows])
    assert found.recover_environment().unwrapped.scenario == PEOPLE
    back = read_log("recsim-env/test-v0", "minari")
    assert back.scenario == PEOPLE
    for name in ("slate", "propensity", "candidate_propensity", "item_id", "clicked", "is_over"):
        assert np.array_equal(back[name], log[name]), name
    for name in PEOPLE.schema.boxes:
        assert np.array_equal(back[name], log[name]), name


class FakeMinari:
    """A data set of Minari as `from_minari` reads it, without Minari."""

    def __init__(self, env, log):
        self._env, self._log = env, log
        self.storage = SimpleNamespace(metadata={"algorithm_name": "Uniform"})

    def recover_environment(self):
        return self._env

    def iterate_episodes(self):
        for start, length in zip(self._log.starts, self._log.lengths, strict=True):
            rows = slice(start, start + length)
            seen = self._log.observation(rows)
            yield SimpleNamespace(
                observations={k: np.concatenate([v, v[-1:]]) for k, v in seen.items()},
                actions=self._log["slate"][rows],
                rewards=self._log["reward"][rows],
                terminations=self._log["is_terminal"][rows] > 0,
                truncations=np.zeros(length, bool),
                infos={"propensity": np.append(1.0, self._log["propensity"][rows])},
            )


def test_sessions_of_minari_are_a_log_that_agents_can_act_in(log):
    back = from_minari(FakeMinari(RecommendationEnv(PEOPLE), log))
    assert np.array_equal(back["propensity"], log["propensity"])
    assert np.array_equal(back.lengths, log.lengths)
    popular = make_agent("popularity", RecommendationVectorEnv(PEOPLE, num_envs=1)).learn(50)
    assert np.array_equal(target_chances(popular, back).slate, target_chances(popular, log).slate)
    with pytest.raises(ValueError, match="is of no environment of recsim-env"):
        from_minari(FakeMinari(SimpleNamespace(unwrapped=None), log))


def test_dicts_are_files_without_pickles_and_names_have_their_suffix(tmp_path, log):
    path = tmp_path / "new" / "feedback.npz"
    export_steps(log, "obp", str(path))
    read = {k: v[()] for k, v in np.load(path, allow_pickle=False).items()}
    assert read["n_rounds"] == 203
    assert np.array_equal(read["pscore"], obp_feedback(log)["pscore"])
    with pytest.raises(ValueError, match="the feedback has no n_actions"):
        read_log(path, "obp")  # of slates, whose estimators need more than it says
    with pytest.raises(ValueError, match=r"must end with \.npz"):
        export_steps(log, "scope-rl", str(tmp_path / "x.csv"))


@pytest.mark.parametrize(
    ("library", "wanted"),
    [
        ("obp", "action position reward pscore context n_rounds n_actions action_context"),
        (
            "scope-rl",
            "n_trajectories action_type n_actions action_dim state_dim step_per_trajectory state "
            "action reward pscore done terminal",
        ),
    ],
)
def test_files_hold_all_that_the_other_library_asks_for(library, wanted, tmp_path):
    path = tmp_path / "log.npz"
    log = PolicyLog.of(logged(ONE, interactions=23, num_envs=4))
    said = export_steps(log, library, str(path))
    with np.load(path, allow_pickle=False) as file:
        assert set(wanted.split()) <= set(file)
    n_lost = 3 if library == "scope-rl" else 0
    assert len(read_log(path, library)) == 23 - n_lost
    assert ("without 3 steps of sessions whose end" in said) == bool(n_lost)
    with pytest.raises(ValueError, match="no session of the log ends, and SCOPE-RL takes whole"):
        scope_rl_dataset(log.select(np.arange(3)))


OPEN_BANDIT = """\
,timestamp,item_id,position,click,propensity_score,user_feature_0,user_feature_1
0,2019-11-24,2,3,1,0.25,a,x
1,2019-11-24,0,1,0,0.5,a,y
2,2019-11-24,3,2,0,0.25,b,y
3,2019-11-24,3,2,1,0.25,b,y
"""


def test_a_table_of_the_open_bandit_dataset_is_a_log_that_uniform_is_judged_by(tmp_path):
    path = tmp_path / "all.csv"
    path.write_text(OPEN_BANDIT, encoding="utf-8")
    log = read_open_bandit(path)
    assert log.n_candidates == 4
    assert log["seen"].shape == (4, 3 + 2 + 2)
    found = {e.estimator: e for e in judge("uniform", log, uniform_chances(log))}
    assert found["ips"].estimate.mean == pytest.approx((1 + 1) / 4)
    with pytest.raises(ValueError, match="is of no scenario, in which agents could act"):
        target_chances(make_agent("uniform", RecommendationVectorEnv(ONE, num_envs=1)), log)
    path.write_text(OPEN_BANDIT.replace("0.5", "1.5"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"all\.csv: propensity=1\.5 of row 1 is not in \(0, 1\]"):
        read_log(path)
    path.write_text(OPEN_BANDIT.replace("propensity_score", "score"), encoding="utf-8")
    with pytest.raises(ValueError, match="lacks propensity_score of the Open Bandit"):
        read_open_bandit(path)
    assert "propensity" not in read_log(path, needs_propensities=False).columns
