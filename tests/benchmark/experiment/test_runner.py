"""Benchmarks: paired, resumable, the same on any number of processes, and lost by no kill."""

import math
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace
from pathlib import Path

import joblib
import numpy as np
import pytest
from joblib._parallel_backends import ThreadingBackend

from recsim_env.benchmark import BenchmarkSettings, run_benchmark
from recsim_env.benchmark.experiment.plan import make_plan
from recsim_env.benchmark.experiment.run import OnlineRecord, play
from recsim_env.benchmark.experiment.settings import MAX_ENVS
from recsim_env.benchmark.runs.processes import keep, missing
from recsim_env.cli import main
from recsim_env.results.standings import ALWAYS_RUN
from recsim_env.results.table import ResultTable
from recsim_env.results.visits import read_visits

pytestmark = pytest.mark.processes

EVOLUTION = "recsim_env/InterestEvolution-v0"
TINY = BenchmarkSettings(
    scenarios={EVOLUTION: {"n_topics": 4, "n_candidates": 5, "slate_size": 2, "time_budget": 20.0}},
    agents={"linucb": {}},
    seeds=(0, 1),
    interactions=200,
    checkpoints=2,
    bins=4,
    num_envs=4,
    eval_episodes=8,
    jobs=1,
)

AGENTS = """
from recsim_env.agents.references.uniform import Uniform

class Failing(Uniform):
    def learn(self, total_timesteps, callback=None, progress_bar=False):
        if self.seed:
            raise RuntimeError("lost\\nmy way")
        return super().learn(total_timesteps)

class Lazy(Uniform):
    def learn(self, total_timesteps, callback=None, progress_bar=False):
        return self

class Elsewhere(Uniform):
    def learn(self, total_timesteps, callback=None, progress_bar=False):
        own = type(self)(self.env.twin(num_envs=2), seed=self.seed)
        super(Elsewhere, own).learn(total_timesteps)
        return self
"""


@pytest.fixture
def other_agents(tmp_path, monkeypatch):
    """Puts a module of other people's agents where Python finds it."""
    (tmp_path / "other_agents.py").write_text(AGENTS)
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop("other_agents", None)


def numbers(folder):
    """Returns the table without wall times, in a fixed order."""
    rows = ResultTable(folder).rows()
    for row in rows:
        del row["wall_seconds"]
    found = [tuple("" if value != value else value for value in row.values()) for row in rows]
    return sorted(found, key=repr)


def contents(folder):
    """Returns what is in all files of a folder."""
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_every_run_has_its_rows(tmp_path):
    outcome = run_benchmark(TINY, tmp_path, command="benchmark this")
    assert (outcome.n_runs, outcome.n_kept, outcome.failed) == (8, 0, ())
    table = ResultTable(tmp_path)
    for agent in ("uniform", "oracle", "far_sighted", "linucb"):
        phases = [row["phase"] for row in table.rows(agent=agent) if row["seed"] == 1]
        evaluations = ["evaluation"] * 2 if agent == "linucb" else []
        assert phases == ["online"] * 4 + evaluations + ["final"]
    online = [row["interactions"] for row in table.rows(agent="linucb", phase="online")]
    assert online == [50, 100, 150, 200] * 2
    for row in table.rows(phase="final"):
        assert row["episodes"] == 8
        assert 200 <= row["interactions"] < 204, "a batch may go beyond what was asked for"
        assert 0 < row["click_rate"] <= 1
        assert row["episode_length"] > 1
    last = table.rows(agent="linucb", phase="evaluation")[1]
    assert last["return_mean"] == table.rows(agent="linucb", phase="final")[0]["return_mean"]
    settings = table.read_settings()
    assert settings["command"] == "benchmark this"
    assert BenchmarkSettings.create(
        **{k: v for k, v in settings.items() if k in {each.name for each in fields(TINY)}}
    ) == replace(TINY)
    assert {"python", "numpy", "recsim-env", "platform"} <= set(table.read_versions())


def test_the_oracle_has_no_regret_and_is_the_same_for_all(tmp_path):
    run_benchmark(TINY, tmp_path)
    table = ResultTable(tmp_path)
    for row in table.rows(agent="oracle", phase="online"):
        assert row["reward_per_step"] == row["oracle_reward_per_step"]
    ceilings = {
        agent: [row["oracle_reward_per_step"] for row in table.rows(agent=agent, phase="online")]
        for agent in ("uniform", "linucb", "oracle")
    }
    assert ceilings["uniform"] == ceilings["linucb"] == ceilings["oracle"]


def test_the_same_command_resumes_and_a_folder_grows(tmp_path):
    one = replace(TINY, seeds=(0,))
    run_benchmark(one, tmp_path, command="first")
    before = (tmp_path / "rows.csv").read_bytes()
    again = run_benchmark(replace(one, jobs=2), tmp_path, command="first")
    assert again.n_kept == again.n_runs == 4
    assert (tmp_path / "rows.csv").read_bytes() == before
    assert run_benchmark(TINY, tmp_path, command="more seeds").n_kept == 4
    agents = {"cautious": {"agent": "linucb", "alpha": 0.5}, "popularity": {}}
    more = run_benchmark(replace(one, agents=agents), tmp_path, command="more agents")
    assert (more.n_kept, len(more.foreign)) == (3, 5)
    other = {"BernoulliBandit": {}}
    shorter = BenchmarkSettings.create(
        scenarios=other, agents="ucb", seeds=1, interactions=64, eval_episodes=4, jobs=1
    )
    run_benchmark(shorter, tmp_path, command="another scenario, with other lengths")
    settings = ResultTable(tmp_path).read_settings()
    assert settings["earlier_commands"] == ["first", "more seeds", "more agents"]
    assert [each["agent"] for each in settings["left_out"]] == ["popularity"]
    assert list(settings["runs"][EVOLUTION]["agents"]) == [
        *("uniform", "oracle", "far_sighted", "linucb", "cautious")
    ]
    assert settings["runs"]["recsim_env/BernoulliBandit-v0"]["protocol"]["interactions"] == 64
    assert len(ResultTable(tmp_path).rows(phase="final")) == 8 + 1 + 3
    assert run_benchmark(TINY, tmp_path).n_kept == 8


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"interactions": 100}, "interactions=100, there 200"),
        ({"interactions": 100, "seeds": (7,)}, "interactions=100, there 200"),
        ({"eval_episodes": 9, "num_envs": 2}, "num_envs=2, there 4; eval_episodes=9, there 8"),
        ({"agents": {"linucb": {"alpha": 0.5}}}, "linucb.alpha=0.5, there 1.0"),
        ({"agents": {"linucb": {"agent": "uniform"}}}, 'linucb.agent="'),
        ({"scenarios": {EVOLUTION: {"n_topics": 5}}}, "n_topics=5, there 4"),
        ({"scenarios": {EVOLUTION: {"scenario": "BernoulliBandit"}}}, 'scenario="'),
    ],
)
def test_runs_of_other_settings_are_refused_before_anything_is_done(tmp_path, changed, said):
    run_benchmark(TINY, tmp_path)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match=r"holds \d+ finished runs with other settings") as error:
        run_benchmark(replace(TINY, **changed), tmp_path)
    assert said in str(error.value)
    assert "choose another folder, or give overwrite (--overwrite)" in str(error.value)
    assert contents(tmp_path) == before


def test_a_second_benchmark_in_the_folder_is_refused_and_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("recsim_env.formats.locks._PATIENCE_SECONDS", 0.1)
    run_benchmark(TINY, tmp_path, command="first")
    before = contents(tmp_path)
    with ResultTable(tmp_path).writing():
        for changed, overwrite in (({"seeds": (7,)}, False), ({"interactions": 100}, True)):
            with pytest.raises(RuntimeError, match="another process adds runs to .*; wait for"):
                run_benchmark(replace(TINY, **changed), tmp_path, overwrite=overwrite)
    assert contents(tmp_path) == before


def test_what_is_overwritten_leaves_only_comparable_runs(tmp_path):
    run_benchmark(replace(TINY, agents={"linucb": {}, "random": {"agent": "uniform"}}), tmp_path)
    bold = replace(TINY, agents={"linucb": {"alpha": 0.5}}, seeds=(1,))
    outcome = run_benchmark(bold, tmp_path, overwrite=True)
    assert (outcome.n_kept, outcome.n_runs) == (3, 4), "only LinUCB has changed"
    finished = {key[1:] for key in ResultTable(tmp_path).config_hashes()}
    assert {seed for agent, seed in finished if agent == "linucb"} == {1}
    assert ("random", 0) in finished
    shorter = replace(bold, interactions=100)
    assert run_benchmark(shorter, tmp_path, overwrite=True).n_kept == 0
    assert {key[2] for key in ResultTable(tmp_path).config_hashes()} == {1}
    assert len(ResultTable(tmp_path).rows(phase="final")) == 4, "all runs of the scenario changed"
    assert run_benchmark(shorter, tmp_path).n_kept == 4


def test_what_failed_with_other_settings_is_in_nobody_s_way(tmp_path, other_agents):
    settings = replace(TINY, agents={"broken": {"agent": "other_agents:Failing"}}, interactions=50)
    settings = replace(settings, bins=1, checkpoints=1)
    assert len(run_benchmark(settings, tmp_path / "results").failed) == 1
    changed = replace(settings, agents={"broken": {"agent": "linucb"}}, seeds=(1,))
    with pytest.raises(ValueError, match="holds 1 finished runs with other settings"):
        run_benchmark(changed, tmp_path / "results")
    shorter = replace(changed, interactions=40)
    assert run_benchmark(shorter, tmp_path / "results", overwrite=True).foreign == ()
    assert ResultTable(tmp_path / "results").rows(phase="failed") == []


@pytest.mark.parametrize("name", ["settings.json", "versions.json", "report.md"])
def test_files_of_other_people_are_not_replaced(tmp_path, name):
    (tmp_path / name).write_text("{}")
    with pytest.raises(ValueError, match=f"{name} is not of results; choose another folder"):
        run_benchmark(TINY, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_damaged_runs_are_refused_and_played_again_where_overwritten(tmp_path):
    whole = run_benchmark(TINY, tmp_path)
    before = numbers(tmp_path)
    file = tmp_path / "rows.csv"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join([*lines[:7], *lines[8:]]))
    with pytest.raises(ValueError, match=r"rows\.csv, line 10: .* with --overwrite"):
        run_benchmark(TINY, tmp_path)
    again = run_benchmark(TINY, tmp_path, overwrite=True)
    assert (again.n_kept, len(again.damage)) == (whole.n_runs - 1, 1)
    assert numbers(tmp_path) == before


def test_results_do_not_depend_on_the_number_of_processes(tmp_path):
    run_benchmark(TINY, tmp_path / "one")
    run_benchmark(replace(TINY, jobs=2), tmp_path / "two")
    assert numbers(tmp_path / "one") == numbers(tmp_path / "two")


class ToldAtTheEnd(ThreadingBackend):
    """Tells only of all calls that it was given, as Ray's backend does."""

    supports_return_generator = False


@pytest.fixture(scope="module")
def torch_settings():
    """Returns settings with an agent that draws from torch's generator, of which there is one."""
    pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')
    return replace(TINY, agents={"slateq": {}, "reinforce": {}}, interactions=200, eval_episodes=4)


@pytest.fixture(scope="module")
def one_after_the_other(torch_settings, tmp_path_factory):
    """Returns the results of those settings in one process."""
    folder = tmp_path_factory.mktemp("one")
    run_benchmark(torch_settings, folder)
    return numbers(folder)


@pytest.mark.parametrize(
    "backend", ["threading", "multiprocessing", "sequential", "told at the end"]
)
def test_any_backend_of_joblib_gives_the_same_results(
    backend, torch_settings, one_after_the_other, tmp_path
):
    chosen = ToldAtTheEnd(nesting_level=0) if backend == "told at the end" else backend
    with joblib.parallel_config(backend=chosen):
        outcome = run_benchmark(replace(torch_settings, jobs=2), tmp_path)
    assert not outcome.failed
    assert numbers(tmp_path) == one_after_the_other


def test_what_ended_before_an_interrupt_is_kept_by_a_backend_that_tells_at_the_end(tmp_path):
    played = []

    def interrupted(run):
        if len(played) == 4:
            deadline = time.monotonic() + 60.0  # the last one has ended, and may not be told yet
            while len(runs) - len(missing(table, runs)) < 4 and time.monotonic() < deadline:
                time.sleep(0.01)
            raise KeyboardInterrupt
        played.append(run.key)
        return play(run)

    table, runs = ResultTable(tmp_path), make_plan(TINY).runs
    with (
        joblib.parallel_config(backend=ToldAtTheEnd(nesting_level=0)),
        pytest.raises(KeyboardInterrupt),
    ):
        keep(table, runs, interrupted, jobs=2, progress_bar=False)
    assert len(runs) > 6
    assert set(played) == {run.key for run in runs} - {run.key for run in missing(table, runs)}


def test_one_person_s_session_is_kept_for_the_first_seed_of_each_agent(tmp_path):
    run_benchmark(TINY, tmp_path)
    visits = read_visits(tmp_path)
    assert {agent for _, agent in visits} == {"linucb", *ALWAYS_RUN}
    assert {(visit["run_seed"], visit["seed"]) for visit in visits.values()} == {(0, MAX_ENVS)}
    assert len({visit["arrival"] for visit in visits.values()}) == 1
    before = contents(tmp_path / "visits")
    run_benchmark(replace(TINY, seeds=(3, 0)), tmp_path)
    assert contents(tmp_path / "visits") == before
    run_benchmark(replace(TINY, agents={"linucb": {"alpha": 9.0}}), tmp_path, overwrite=True)
    after = contents(tmp_path / "visits")
    assert {file.stem for file in before if after[file] != before[file]} <= {"linucb"}


def test_a_visit_is_on_the_disk_before_its_run_counts_as_finished(tmp_path, monkeypatch):
    def full_disk(table, rows):
        assert read_visits(tmp_path)
        raise OSError("no space left")

    monkeypatch.setattr(ResultTable, "append_run", full_disk)
    with pytest.raises(OSError, match="no space"):
        run_benchmark(TINY, tmp_path)


def test_a_failing_agent_is_a_row_and_the_others_go_on(tmp_path, other_agents):
    agents = {"linucb": {}, "broken": {"agent": "other_agents:Failing"}}
    settings = replace(TINY, agents=agents)
    outcome = run_benchmark(settings, tmp_path / "results")
    assert outcome.failed == ((EVOLUTION, "broken", 1),)
    table = ResultTable(tmp_path / "results")
    (row,) = table.rows(phase="failed")
    assert (row["agent"], row["seed"], row["error"]) == (
        "broken",
        1,
        "RuntimeError: lost\nmy way",
    )
    assert len(table.rows(phase="final")) == 9
    (log,) = (tmp_path / "results" / "errors").iterdir()
    assert 'raise RuntimeError("lost' in log.read_text()
    again = run_benchmark(settings, tmp_path / "results")
    assert (again.n_kept, again.failed) == (9, outcome.failed), "it is tried again"


def test_an_agent_that_spends_less_than_the_others_fails(tmp_path, other_agents):
    settings = replace(TINY, agents={"lazy": {"agent": "other_agents:Lazy"}}, seeds=(0,))
    run_benchmark(settings, tmp_path / "results")
    (row,) = ResultTable(tmp_path / "results").rows(phase="failed")
    assert "learning took 0 interactions, not 200" in row["error"]


def test_learning_in_an_environment_of_one_s_own_is_recorded(tmp_path, other_agents):
    settings = replace(TINY, agents={"own": {"agent": "other_agents:Elsewhere"}}, seeds=(0,))
    run_benchmark(settings, tmp_path / "results")
    online = ResultTable(tmp_path / "results").rows(agent="own", phase="online")
    assert [row["interactions"] for row in online] == [50, 100, 150, 200]
    assert any(row["reward_per_step"] > 0 for row in online)


def test_an_agent_that_does_not_suit_is_named_and_not_failed(tmp_path):
    settings = replace(TINY, agents={"popularity": {}}, seeds=(0,))
    outcome = run_benchmark(settings, tmp_path)
    assert (outcome.failed, outcome.left_out[0].agent) == ((), "popularity")
    (left_out,) = ResultTable(tmp_path).read_settings()["left_out"]
    assert left_out["scenario"] == EVOLUTION
    assert "item ids" in left_out["reason"]


def test_online_reward_is_shared_where_a_batch_crosses_an_edge():
    record = OnlineRecord()
    everybody = np.ones(4, bool)
    record(np.full(4, 1.0), ~everybody, everybody, 0.25)
    record(np.full(4, 3.0), ~everybody, everybody, 0.5)
    record(np.full(4, 9.0), ~everybody, ~everybody, 0.0)  # only begins episodes
    assert (record.n_interactions, record.step_seconds) == (8, 0.75)
    np.testing.assert_allclose(record.reward_per_step((2, 6, 8)), [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="took 8 interactions, not 9"):
        record.reward_per_step((9,))


def killable(folder):
    """Returns a benchmark of many short runs as a command."""
    options = "InterestEvolution --agents linucb --seeds 4 --interactions 2000 --bins 5"
    options += " --checkpoints 2 --episodes 40 --jobs 2"
    return [sys.executable, "-m", "recsim_env", "benchmark", *options.split(), "--out", folder]


def children_of(pid):
    """Returns the processes that a process started, where the system tells."""
    found = Path(f"/proc/{pid}/task/{pid}/children")
    return found.read_text().split() if found.exists() else []


@pytest.mark.slow
def test_a_benchmark_killed_at_any_moment_ends_like_one_that_was_not(tmp_path):
    killed, whole, rng = tmp_path / "killed", tmp_path / "whole", random.Random(0)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    subprocess.run(killable(whole), check=True, **quiet)
    n_kills, n_finished = 0, 0
    while True:
        process = subprocess.Popen(killable(killed), **quiet)
        is_early = rng.random() < 0.3
        deadline = time.monotonic() + (5.0 * rng.random() if is_early else 600.0)
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
            if len(ResultTable(killed).config_hashes()) > n_finished:
                time.sleep(rng.random())
                break
        if process.poll() is not None:
            break
        process.kill()
        process.communicate()
        n_kills += 1
        n_finished = len(ResultTable(killed).config_hashes())
    said = process.communicate()[1]
    print(f"{n_kills} kills, 0 runs lost, then ended with {process.returncode}")
    assert process.returncode == 0, said
    assert numbers(killed) == numbers(whole)
    assert {file.name for file in killed.iterdir()} == {file.name for file in whole.iterdir()}


def test_a_killed_benchmark_goes_on_and_ends_like_one_that_was_not(tmp_path, monkeypatch, capsys):
    """The command is killed in a process of its own, and goes on here, without drawing a report."""
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    process = subprocess.Popen(
        killable(killed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    table = killed / "rows.csv"
    deadline = time.monotonic() + 120
    while not (table.exists() and b"final" in table.read_bytes()):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    workers = children_of(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline, "processes of a killed benchmark go on"
        time.sleep(0.1)
    n_before = len(ResultTable(killed).rows(phase="final"))
    assert 1 <= n_before < 16
    monkeypatch.setattr("recsim_env.cli.comparing._write_report", lambda folder: None)
    assert main([str(word) for word in killable(killed)[3:]]) == 0
    assert f"{n_before} of 16 runs were finished before and are kept" in capsys.readouterr().out
    assert len(ResultTable(killed).rows(phase="final")) == 16
    same = BenchmarkSettings.create(
        scenarios=["InterestEvolution"],
        agents="linucb",
        seeds=4,
        interactions=2000,
        bins=5,
        checkpoints=2,
        eval_episodes=40,
        jobs=1,
    )
    run_benchmark(same, whole)
    assert numbers(killed) == numbers(whole)
    assert all(math.isfinite(row["return_mean"]) for row in ResultTable(whole).rows(phase="final"))
