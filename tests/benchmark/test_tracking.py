"""Trackers keep what they are handed, and a run that goes on goes on there."""

import csv

import pytest

from recsim_env.benchmark.tracking import Tracked, check_trackers, tracking


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
