"""Studies: the same whoever interrupts them, refused where they differ, judged on other people."""

import dataclasses
import json
import math
import sqlite3
import sys

import numpy as np
import pytest

from recsim_env.agents import UnsuitableScenario
from recsim_env.benchmark.experiment.settings import MAX_SEED, BenchmarkSettings
from recsim_env.benchmark.tuning import tune as tuning
from recsim_env.benchmark.tuning.optimizer import optuna
from recsim_env.benchmark.tuning.settings import TuningSettings
from recsim_env.benchmark.tuning.study import opened
from recsim_env.benchmark.tuning.trial import Trial, _Comparison, play_trial
from recsim_env.benchmark.tuning.tune import tune
from recsim_env.formats.locks import held_folder
from recsim_env.results.table import ResultTable

TINY = TuningSettings(
    scenario="WheelBandit",
    agent="epsilon_greedy",
    trials=9,
    interactions=40,
    checkpoints=4,
    num_envs=4,
    eval_episodes=10,
    validation_seeds=3,
)


def trials_of(folder, settings=TINY):
    with opened(settings, folder) as study:
        return [
            (each.params, each.state.name, each.value, each.intermediate_values)
            for each in study.trials()
        ]


def worth(values):
    """What settings earn where nobody is simulated: most at epsilon 0.03."""
    return 3.0 - abs(math.log(values["epsilon"] / 0.03))


def played_trial(trial):
    """Plays a trial as `play_trial`, without anybody in it."""
    gives_up, values = _Comparison(trial.finished), []
    for step in range(1, TINY.checkpoints + 1):
        values.append(step * worth(trial.runs[0].agent_settings))
        if gives_up.after(values) and step < TINY.checkpoints:
            return [{"values": values, "is_pruned": True, "wall_seconds": 0.0}], ""
    return [{"values": values, "is_pruned": False, "wall_seconds": 0.0}], ""


def played(run):
    """Plays a run of the verdict, without anybody in it."""
    about = dict(zip(("scenario", "agent", "seed"), run.key, strict=True))
    value = worth(run.agent_settings) + math.sin(run.seed) + 0.1 * math.cos(len(run.agent_label))
    row = {"phase": "final", "interactions": TINY.interactions, "episodes": 10}
    return [about | row | {"return_mean": value, "config_hash": run.config_hash}], ""


def let_nobody_play(patch):
    patch.setattr(tuning, "play_trial", played_trial)
    patch.setattr(tuning, "play", played)
    patch.setattr(tuning, "warm_up", lambda scenarios: None)


@pytest.fixture(autouse=True)
def nobody(monkeypatch):
    let_nobody_play(monkeypatch)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Returns the outcome of a study, and its trials; no test adds to its folder."""
    folder = tmp_path_factory.mktemp("done") / "a study? #1"
    with pytest.MonkeyPatch.context() as patch:
        let_nobody_play(patch)
        return tune(TINY, folder), trials_of(folder)


def test_the_first_trial_has_the_default_settings_and_is_complete(done):
    outcome, trials = done
    assert trials[0][:2] == (TINY.default, "COMPLETE")
    assert outcome.default_value == trials[0][2]
    assert len(trials) == TINY.trials


def test_the_best_is_the_highest_of_those_that_are_complete(done):
    outcome, trials = done
    complete = [each for each in trials if each[1] == "COMPLETE"]
    assert outcome.best_value == max(each[2] for each in complete)
    assert any(outcome.settings == each[0] and outcome.best_value == each[2] for each in complete)
    assert outcome.n_complete == len(complete)
    assert outcome.n_complete + outcome.n_pruned == TINY.trials


def test_trials_that_are_given_up_have_fewer_evaluations(done):
    _, trials = done
    assert {each[1] for each in trials} == {"COMPLETE", "PRUNED"}
    for _, state, value, evaluations in trials:
        assert list(evaluations) == list(range(1, len(evaluations) + 1))
        assert value == list(evaluations.values())[-1]
        assert (len(evaluations) == TINY.checkpoints) == (state == "COMPLETE")


@pytest.mark.parametrize(("value", "gives_up"), [(0.5, True), (2.5, False), (9.0, False)])
def test_a_trial_is_given_up_below_the_median_of_those_before(value, gives_up):
    finished = tuple(
        optuna().trial.create_trial(value=last, intermediate_values={1: last, 2: last})
        for last in (1.0, 2.0, 3.0, 4.0)
    )
    assert _Comparison(finished).after([value]) is gives_up
    assert not _Comparison(finished[:3]).after([value])  # too few to compare with


@pytest.mark.parametrize("at", [0, 6])
def test_who_is_interrupted_goes_on_with_the_same_trials(done, tmp_path, monkeypatch, at):
    def interrupting(trial):
        if trial.number == at:
            raise KeyboardInterrupt
        return played_trial(trial)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(tuning, "play_trial", interrupting)
        tune(TINY, tmp_path)
    assert len(trials_of(tmp_path)) == at + 1
    outcome = tune(TINY, tmp_path)
    assert outcome.n_kept == at
    assert trials_of(tmp_path) == done[1]
    assert outcome.validation == done[0].validation


def test_more_trials_go_on_where_fewer_ended(done, tmp_path):
    tune(dataclasses.replace(TINY, trials=4), tmp_path)
    assert tune(TINY, tmp_path).n_kept == 4
    assert trials_of(tmp_path) == done[1]


@pytest.mark.slow
def test_trials_side_by_side_do_not_depend_on_who_ends_first(tmp_path, monkeypatch):
    def backwards(trials, play, *, jobs, ended, note):
        for trial in reversed(trials):
            ended(trial, *play(trial))

    def forwards(trials, play, *, jobs, ended, note):
        for trial in trials:
            ended(trial, *play(trial))

    monkeypatch.setattr(tuning, "effective_n_jobs", lambda jobs: jobs)
    for name, order in (("a", forwards), ("b", backwards)):
        monkeypatch.setattr(tuning, "play_all", order)
        tune(TINY, tmp_path / name, jobs=3)
    found = trials_of(tmp_path / "a")
    assert found == trials_of(tmp_path / "b")
    assert len({json.dumps(each[0]) for each in found}) == len(found)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("interactions", 100, "interactions"),
        ("seeds", 1, "seeds: 2 there, 1 here"),
        ("search_seed", 1, "search_seed: 0 there, 1 here"),
        ("agent_settings", {"epsilon": 0.2}, "epsilon"),
        ("scenario_settings", {"delta": 0.9}, "scenario_settings"),
    ],
)
def test_a_study_of_other_settings_is_refused_with_a_remedy(done, name, value, said):
    other = dataclasses.replace(TINY, **{name: value})
    with pytest.raises(ValueError, match="holds a study with other settings") as refused:
        tune(other, done[0].folder)
    assert said in str(refused.value)
    assert "choose another folder, or give overwrite (--overwrite)" in str(refused.value)
    assert trials_of(done[0].folder) == done[1]


def test_what_is_overwritten_begins_anew(tmp_path):
    few = dataclasses.replace(TINY, trials=2, validation_seeds=2)
    tune(few, tmp_path)
    other = dataclasses.replace(few, interactions=60)
    assert tune(few, tmp_path, overwrite=True).n_kept == 2  # the same study stays
    assert tune(other, tmp_path, overwrite=True).n_kept == 0
    (tmp_path / "study.db").write_bytes(b"no database")
    with pytest.raises(ValueError, match="no study that this version of Optuna reads"):
        tune(other, tmp_path)
    assert tune(other, tmp_path, overwrite=True).n_kept == 0


def test_two_processes_do_not_add_to_one_study(tmp_path):
    with (
        held_folder(tmp_path),
        pytest.raises(RuntimeError, match="another process adds trials"),
    ):
        tune(TINY, tmp_path)


def test_a_full_disk_is_told_as_that_of_other_files_is(tmp_path):
    with pytest.raises(OSError, match="No space left on device") as full, opened(TINY, tmp_path):
        full_disk = sqlite3.OperationalError("database or disk is full")
        raise RuntimeError("Optuna could not keep a trial") from full_disk
    assert full.value.filename == str(tmp_path / "study.db")


def test_a_choice_that_a_kill_cut_off_is_made_again(done, tmp_path):
    tune(dataclasses.replace(TINY, trials=3), tmp_path)
    with opened(TINY, tmp_path) as study:
        study._study.ask({"epsilon": study._space["epsilon"]})  # of three settings
    tune(TINY, tmp_path)
    assert trials_of(tmp_path) == done[1]


# On whom ---------------------------------------------------------------------------------------


def test_nobody_is_met_twice_and_no_benchmark_meets_them():
    with pytest.raises(ValueError, match="seeds"):
        BenchmarkSettings.create(seeds=[MAX_SEED])
    settings = dataclasses.replace(TINY, seeds=MAX_SEED // 2, validation_seeds=MAX_SEED // 2)
    runs = settings.tuning_runs(TINY.default) + settings.validation_runs("x", TINY.default)
    seeds = [seed for run in runs for seed in (run.learning_seed, run.evaluation_seed)]
    assert len(set(seeds)) == len(seeds)
    assert min(run.seed for run in runs) == MAX_SEED
    assert max(seeds) + 2**20 <= 2**32  # some generators take no more


@pytest.mark.parametrize("world", [0, 1, 7, 2**63 - 1])
def test_trials_are_played_in_worlds_that_are_not_the_judged_one(world):
    settings = dataclasses.replace(TINY, seeds=3, scenario_settings={"world_seed": world})
    worlds = [run.scenario.settings["world_seed"] for run in settings.tuning_runs({})]
    assert len({*worlds, world}) == 4
    assert {r.scenario.settings["world_seed"] for r in settings.validation_runs("x", {})} == {world}


def test_the_verdict_is_paired_over_fresh_seeds(done):
    outcome, _ = done
    assert outcome.settings != outcome.default
    rows = ResultTable(outcome.folder / "validation").rows(phase="final")
    returns = {
        agent: [row["return_mean"] for row in rows if row["agent"] == agent]
        for agent in ("epsilon_greedy", "epsilon_greedy (tuned)")
    }
    tuned, default = (np.array(returns[name]) for name in reversed(returns))
    assert len(tuned) == len(default) == TINY.validation_seeds
    assert outcome.validation.difference.mean == pytest.approx((tuned - default).mean())
    assert outcome.validation.is_better == (outcome.validation.difference.low > 0)


def test_what_was_found_is_written_with_all_that_judges_it(done):
    outcome, _ = done
    found = json.loads((outcome.folder / "tuned.json").read_text())
    assert found["settings"] == outcome.settings
    assert found["default"] == TINY.default
    assert found["is_better"] == outcome.validation.is_better
    assert found["validation"]["difference"]["mean"] == outcome.validation.difference.mean
    assert found["budget"]["interactions"] == 40
    assert found["command"].startswith("recsim-env tune WheelBandit epsilon_greedy --trials 9 ")
    assert found["versions"]["optuna"] == optuna().__version__


def test_where_nothing_beats_the_default_it_is_kept(tmp_path, monkeypatch):
    def no_better(trial):
        return [{"values": [1.0] * 4, "is_pruned": False, "wall_seconds": 0.0}], ""

    monkeypatch.setattr(tuning, "play_trial", no_better)
    outcome = tune(TINY, tmp_path)
    assert outcome.settings == outcome.default
    assert outcome.validation is None
    assert not json.loads((tmp_path / "tuned.json").read_text())["is_better"]


def test_a_trial_is_worth_what_its_agents_earn_in_their_worlds():
    trial = Trial(0, TINY.tuning_runs(TINY.default), ())
    (row,), trace = play_trial(trial)
    assert not trace
    assert len(row["values"]) == TINY.checkpoints
    (again,), _ = play_trial(trial)
    assert row["values"] == again["values"]
    alone = [play_trial(dataclasses.replace(trial, runs=(run,)))[0][0] for run in trial.runs]
    means = np.mean([each["values"] for each in alone], axis=0)
    assert row["values"] == pytest.approx(means)
    assert alone[0]["values"] != alone[1]["values"]


# What goes wrong -------------------------------------------------------------------------------


def failing(number):
    def play(trial):
        if trial.number == number:
            return [{"phase": "failed", "error": "ValueError: no", "wall_seconds": 0.0}], "trace"
        return played_trial(trial)

    return play


def test_settings_that_fail_are_told_and_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "play_trial", failing(2))
    outcome = tune(TINY, tmp_path)
    assert outcome.n_failed == 1
    assert [state for _, state, _, _ in trials_of(tmp_path)].index("FAIL") == 2
    assert (tmp_path / "errors").is_dir()


def test_default_settings_that_fail_end_the_study(tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "play_trial", failing(0))
    with pytest.raises(RuntimeError, match="the default settings failed"):
        tune(TINY, tmp_path)
    with pytest.raises(RuntimeError, match="the default settings failed"):
        tune(TINY, tmp_path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"agent": "uniform"}, "uniform has nothing to tune"),
        ({"agent": "nobody"}, "nobody"),
        ({"trials": 1}, "trials=1 is not allowed"),
        ({"eval_episodes": 150}, "a multiple of it"),
        ({"checkpoints": 41}, "at most interactions=40"),
        ({"seeds": MAX_SEED}, "seeds"),
        ({"agent_settings": {"epsilom": 0.1}}, "did you mean 'epsilon'"),
        ({"agent_settings": {"epsilon": 7.0}}, "epsilon=7.0 is not allowed"),
        ({"agent": "ppo", "scenario": "Nowhere"}, "unknown"),
    ],
)
def test_what_cannot_be_tuned_is_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        dataclasses.replace(TINY, **changes)


def test_an_agent_that_does_not_suit_is_refused():
    with pytest.raises(UnsuitableScenario):
        dataclasses.replace(TINY, agent="ials", scenario="BernoulliBandit")


def test_settings_that_are_given_are_held():
    held = dataclasses.replace(TINY, agent_settings={"epsilon": 0.2})
    assert "epsilon" not in held.space
    assert held.tuning_runs({"prior_showings": 2.0})[0].agent_settings == {
        "epsilon": 0.2,
        "prior_showings": 2.0,
    }
    all_of_them = {"epsilon": 0.2, "discount": 1.0, "prior_showings": 1.0}
    with pytest.raises(ValueError, match="held as given"):
        dataclasses.replace(TINY, agent_settings=all_of_them)


def test_a_missing_library_is_named_with_a_remedy(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match=r'tuning needs optuna.*pip install "recsim-env\[tune\]"'):
        tune(TINY, tmp_path)


def test_a_return_that_is_no_number_fails_its_trial(monkeypatch):
    class Nothing:
        return_mean = float("nan")

    monkeypatch.setattr("recsim_env.benchmark.tuning.trial.evaluate", lambda *_, **__: Nothing)
    rows, trace = play_trial(Trial(0, TINY.tuning_runs(TINY.default), ()))
    assert "nan" in rows[0]["error"]
    assert "ValueError" in trace
