"""Metrics stand beside the rows of a benchmark: written first, kept once, and made up for."""

import math

import pytest

from recsim_env.benchmark import run_benchmark
from recsim_env.results.measured import metric_standings
from recsim_env.results.metrics import METRICS, PEAK, metric_table
from recsim_env.results.table import ResultTable
from tests.benchmark.experiment.test_runner import EVOLUTION, TINY


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("measured")
    run_benchmark(TINY, found)
    return found


def known(table):
    return [[(k, repr(v)) for k, v in row.items() if k != PEAK] for row in table.rows()]


def test_every_finished_run_is_measured_at_each_checkpoint_and_along_the_session(folder):
    table = metric_table(folder)
    assert table.config_hashes() == ResultTable(folder).config_hashes()
    rows = table.rows(agent="linucb")
    keys = ("agent", "seed", "phase", "interactions")
    evaluated = [tuple(row[key] for key in keys) for row in rows if row["phase"] != "part"]
    played = [row for row in ResultTable(folder).rows(agent="linucb") if row["phase"] != "online"]
    assert evaluated == [tuple(row[key] for key in keys) for row in played]
    for final in (row for row in rows if row["phase"] == "final"):
        parts = [r for r in rows if r["phase"] == "part" and r["seed"] == final["seed"]]
        assert sum(part["slates"] for part in parts) == final["slates"]
        mean = sum(part["slates"] * part["liking"] for part in parts) / final["slates"]
        assert math.isclose(mean, final["liking"])


def test_what_a_killed_run_measured_is_replaced_and_not_doubled(folder, tmp_path):
    for name in ("rows.csv", "metrics.csv"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    before = known(metric_table(tmp_path))
    table = ResultTable(tmp_path)
    table.remove_runs([(EVOLUTION, "linucb", 1)])
    outcome = run_benchmark(TINY, tmp_path)
    assert outcome.n_runs - outcome.n_kept == 1
    assert sorted(known(metric_table(tmp_path))) == sorted(before)


def test_runs_that_were_finished_without_metrics_are_measured_when_asked(folder, tmp_path):
    rows = (folder / "rows.csv").read_bytes()
    (tmp_path / "rows.csv").write_bytes(rows)
    plain = run_benchmark(TINY, tmp_path)
    assert (plain.n_unmeasured, plain.n_measured) == (plain.n_runs, 0)
    assert not metric_table(tmp_path).rows()
    again = run_benchmark(TINY, tmp_path, measure=True)
    assert (again.n_unmeasured, again.n_measured) == (0, plain.n_runs)
    assert (tmp_path / "rows.csv").read_bytes() == rows
    assert sorted(known(metric_table(tmp_path))) == sorted(known(metric_table(folder)))


def test_what_does_not_come_out_as_before_is_not_measured(folder, tmp_path):
    (tmp_path / "rows.csv").write_bytes((folder / "rows.csv").read_bytes())
    table = ResultTable(tmp_path)
    run = table.rows(agent="linucb")
    run = [row | {"return_mean": row["return_mean"] + 1} for row in run if row["seed"] == 0]
    table.append_run(run)
    with pytest.warns(RuntimeWarning, match="linucb-0 is not measured"):
        outcome = run_benchmark(TINY, tmp_path, measure=True)
    assert outcome.n_unmeasured == 1


def test_a_file_with_fewer_columns_stays_readable_and_grows(folder, tmp_path):
    table = metric_table(folder)
    fewer = table.layout.of_file(b"scenario,agent,seed,phase,liking,config_hash,error,seal")
    assert [*fewer.columns][3:] == ["phase", "liking", "config_hash", "error"]
    old = ResultTable(tmp_path, fewer)
    key = (EVOLUTION, "linucb", 0)
    run = [row for row in table.rows(agent="linucb") if row["seed"] == 0]
    old.append_run([{name: row[name] for name in fewer.columns} for row in run])
    read = metric_table(tmp_path)
    assert [row["liking"] for row in read.rows()] == [row["liking"] for row in run]
    assert all(math.isnan(row["diversity"]) for row in read.rows())
    read.append_run([row for row in table.rows(agent="linucb") if row["seed"] == 1])
    assert set(metric_table(tmp_path).config_hashes()) == {key, (EVOLUTION, "linucb", 1)}


def test_metrics_are_estimated_by_agent_and_compared_by_seed(folder):
    table = metric_table(folder)
    found = {each.agent: each for each in metric_standings(table, EVOLUTION, "liking")}
    uniform = found["uniform"]
    assert uniform.difference is None and uniform.value.n == 2
    oracle = found["oracle"]
    assert oracle.difference.n == 2
    assert math.isclose(oracle.difference.mean, oracle.value.mean - uniform.value.mean)
    with pytest.raises(ValueError, match="there is no metric 'likin'"):
        metric_standings(table, EVOLUTION, "likin")


def test_every_metric_says_what_it_is():
    for name, metric in METRICS.items():
        assert name.isidentifier() and metric.meaning and metric.source
        assert metric.better in ("higher", "lower", "")
