"""Trackers keep what they are handed, and a run that goes on goes on there."""

import csv
import sys
import types

import pytest

from recsim_env.benchmark.trackers import Tracked
from recsim_env.benchmark.tracking import check_trackers, tracking

ABOUT = {"agent": "linucb", "agent_settings": {"alpha": 0.5}, "versions": {"numpy": "2.0"}}


def rows(file):
    with file.open(newline="") as opened:
        return [(int(n), name, float(value)) for n, name, value in list(csv.reader(opened))[1:]]


def test_a_file_has_every_value_and_goes_on_where_the_agent_does(tmp_path):
    path = tmp_path / "x.agent"
    with tracking(Tracked("x", path, {}, 0), ["file"]) as write:
        for n in (100, 200, 300):
            write("online/return", 0.1 * n, n)
    file = tmp_path / "x.agent.track.csv"
    assert [row[0] for row in rows(file)] == [100, 200, 300]
    with tracking(Tracked("x", path, {}, 200), ["file"]) as write:
        write("online/return", 7.0, 250)
    assert rows(file) == [
        (100, "online/return", pytest.approx(10.0)),
        (200, "online/return", pytest.approx(20.0)),
        (250, "online/return", 7.0),
    ]


def test_a_file_is_written_though_training_fails(tmp_path):
    run = Tracked("x", tmp_path / "x.agent", {}, 0)
    with pytest.raises(RuntimeError), tracking(run, [f"file={tmp_path / 'y.csv'}"]) as write:
        write("losses/value", 1.5, 10)
        raise RuntimeError("stop")
    assert rows(tmp_path / "y.csv") == [(10, "losses/value", 1.5)]


def test_no_file_is_replaced_unasked(tmp_path):
    file, chosen = tmp_path / "y.csv", [f"file={tmp_path / 'y.csv'}"]
    file.write_text("mine\n")
    new = Tracked("x", tmp_path / "x.agent", {}, 0)
    with pytest.raises(ValueError, match="--overwrite replaces it"), tracking(new, chosen):
        pass
    assert file.read_text() == "mine\n"
    run = Tracked("x", tmp_path / "x.agent", {}, 0, may_replace=True)
    with tracking(run, chosen) as write:
        write("online/return", 1.0, 5)
    assert rows(file) == [(5, "online/return", 1.0)]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [(["fil"], "did you mean"), (["file", "file=x.csv"], "names one twice")],
)
def test_wrong_names_are_refused(chosen, said):
    with pytest.raises(ValueError, match=said):
        check_trackers(chosen)


class Calls(types.ModuleType):
    """A library that notes what is called, and fails where it is told to."""

    def __init__(self, fails_at=""):
        super().__init__("fake")
        self.calls, self._fails_at = [], fails_at

    def __getattr__(self, name):
        def call(*arguments, **options):
            self.calls.append((name, arguments, options))
            if name == self._fails_at:
                raise ConnectionError("the store is gone")
            return self

        return call

    def named(self, name):
        return [(arguments, options) for each, arguments, options in self.calls if each == name]


@pytest.fixture
def fake(monkeypatch):
    def installed(name, fails_at=""):
        library = Calls(fails_at)
        monkeypatch.setitem(sys.modules, name, library)
        return library

    return installed


@pytest.fixture
def run(tmp_path):
    return Tracked("x", tmp_path / "x.agent", ABOUT, 0)


@pytest.mark.parametrize(("chosen", "project"), [("wandb", "recsim-env"), ("wandb=mine", "mine")])
def test_wandb_gets_settings_and_versions_values_and_the_end(run, fake, chosen, project):
    wandb = fake("wandb")
    with tracking(run, [chosen]) as write:
        write("online/return", 2.5, 1_000)
    assert wandb.named("init") == [
        ((), {"project": project, "name": "x", "group": "x", "config": ABOUT})
    ]
    assert wandb.named("log") == [(({"online/return": 2.5},), {"step": 1_000})]
    assert wandb.named("finish") == [((), {"exit_code": 0})]


@pytest.mark.parametrize(
    ("chosen", "uris"), [("mlflow", []), ("mlflow=sqlite:///a=b.db", ["sqlite:///a=b.db"])]
)
def test_mlflow_gets_settings_and_versions_values_and_the_end(run, fake, chosen, uris):
    mlflow = fake("mlflow")
    with tracking(run, [chosen]) as write:
        write("online/return", 2.5, 1_000)
    assert [arguments for arguments, _ in mlflow.named("set_tracking_uri")] == [
        (uri,) for uri in uris
    ]
    flat = {"agent": "linucb", "agent_settings.alpha": "0.5", "versions.numpy": "2.0"}
    assert mlflow.named("log_params") == [((flat,), {})]
    assert mlflow.named("log_metric") == [(("online/return", 2.5), {"step": 1_000})]
    assert mlflow.named("end_run") == [(("FINISHED",), {})]


def test_a_run_that_breaks_off_is_not_shown_as_finished(run, fake):
    wandb, mlflow = fake("wandb"), fake("mlflow")
    with pytest.raises(KeyboardInterrupt), tracking(run, ["wandb", "mlflow"]):
        raise KeyboardInterrupt
    assert wandb.named("finish") == [((), {"exit_code": 1})]
    assert mlflow.named("end_run") == [(("FAILED",), {})]


@pytest.mark.parametrize(
    ("kind", "fails_at"),
    [("wandb", "log"), ("wandb", "finish"), ("mlflow", "log_metric"), ("mlflow", "end_run")],
)
def test_a_tracker_that_fails_stops_neither_training_nor_others(run, fake, kind, fails_at):
    library = fake(kind, fails_at)
    done = []
    with (
        pytest.raises(RuntimeError, match=rf"x.agent is saved, but --track {kind} failed .* gone"),
        pytest.warns(RuntimeWarning, match="training goes on"),
        tracking(run, [kind, "file"]) as write,
    ):
        for n in (1_000, 2_000):
            write("online/return", 1.0, n)
            done.append(n)
    assert done == [1_000, 2_000]
    assert len(library.named(fails_at)) == 1
    assert [row[0] for row in rows(run.path.with_name("x.agent.track.csv"))] == done


@pytest.mark.parametrize(
    ("kind", "fails_at"), [("wandb", "init"), ("mlflow", "start_run"), ("mlflow", "log_params")]
)
def test_a_tracker_that_cannot_begin_is_told_before_anything_is_trained(run, fake, kind, fails_at):
    library = fake(kind, fails_at)
    told = rf"--track {kind} cannot begin \(ConnectionError: the store is gone\)"
    with pytest.raises(ValueError, match=told), tracking(run, [kind]):
        pytest.fail("it is trained")
    assert len(library.named("end_run")) == (fails_at == "log_params")


@pytest.mark.parametrize("kind", ["wandb", "mlflow"])
def test_a_tracker_that_is_not_installed_says_what_helps(run, monkeypatch, kind):
    def missing(name, package=None):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr("importlib.import_module", missing)
    told = rf'--track {kind} needs {kind}, .*; pip install "recsim-env\[track\]"'
    with pytest.raises(ImportError, match=told), tracking(run, [kind]):
        pytest.fail("it is trained")


@pytest.mark.filterwarnings("default")  # of the libraries
def test_wandb_itself_keeps_a_run_offline(run, tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason='needs pip install "recsim-env[track]"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "offline")
    with tracking(run, ["wandb"]) as write:
        write("online/return", 2.5, 1_000)
    # The values follow when its service ends, which is after the test.
    assert len(list((tmp_path / "wandb").glob("offline-run-*/run-*.wandb"))) == 1


@pytest.mark.filterwarnings("default")
def test_mlflow_itself_keeps_a_run_in_a_file(run, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow", reason='needs pip install "recsim-env[track]"')
    monkeypatch.chdir(tmp_path)
    with tracking(run, ["mlflow=sqlite:///runs.db"]) as write:
        write("online/return", 2.5, 1_000)
    (found,) = mlflow.search_runs(experiment_names=["recsim-env"], output_format="list")
    assert found.info.status == "FINISHED"
    assert found.data.params["agent_settings.alpha"] == "0.5"
    assert found.data.metrics == {"online/return": 2.5}
