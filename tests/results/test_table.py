"""The result table: whole runs or nothing, wherever the file was cut."""

import json
import math
import multiprocessing
import os
import resource
import signal
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsim_env.results.layout import COLUMNS, Row
from recsim_env.results.table import ResultTable

HEADER = ",".join([*COLUMNS, "seal"]) + "\n"


def run_of(agent: str = "ials", seed: int = 0, config_hash: str = "c0", **last: Any) -> list[Row]:
    """Two online rows, one evaluation and the final row of one run."""
    name = {"scenario": "S-v0", "agent": agent, "seed": seed, "config_hash": config_hash}
    return [
        {**name, "phase": "online", "interactions": 50, "reward_per_step": 0.1 + seed},
        {**name, "phase": "online", "interactions": 100, "reward_per_step": 0.2 + seed},
        {**name, "phase": "evaluation", "interactions": 100, "return_mean": 1 / 3 + seed},
        {**name, "phase": "final", "interactions": 100, "return_mean": 2 / 3 + seed, **last},
    ]


def failed_run(agent: str = "dqn", seed: int = 0, error: str = "ValueError: no") -> list[Row]:
    name = {"scenario": "S-v0", "agent": agent, "seed": seed, "config_hash": "c0"}
    return [{**name, "phase": "failed", "error": error}]


def returns(table: ResultTable) -> list[tuple[str, int, float]]:
    return [(row["agent"], row["seed"], row["return_mean"]) for row in table.rows(phase="final")]


@pytest.fixture(scope="module")
def whole_file() -> bytes:
    """Three finished runs around a failed one whose error has commas, quotes and line breaks."""
    with tempfile.TemporaryDirectory() as folder:
        table = ResultTable(folder)
        table.append_run(run_of(seed=0))
        table.append_run(run_of(seed=1))
        table.append_run(failed_run(error='Traceback:\n  File "a,b"\r\nError: \\n é'))
        table.append_run(run_of(seed=2))
        return (Path(folder) / "rows.csv").read_bytes()


def test_every_number_comes_back_exactly(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    row: Row = {
        "scenario": "recsim_env/A-v0",
        "agent": "ials",
        "seed": np.int64(7),
        "phase": "final",
        "interactions": 20_000,
        "episodes": 123,
        "config_hash": "0ff",
        "error": "",
        **{name: float(rng.normal() * 1e-7) for name, kind in COLUMNS.items() if kind is float},
    }
    ResultTable(tmp_path).append_run([row])
    assert ResultTable(tmp_path).rows() == [row]
    assert list(ResultTable(tmp_path).rows()[0]) == list(COLUMNS)


@given(st.text(min_size=1, max_size=40) | st.text("\\nr\n\r,\"'", min_size=1, max_size=12))
def test_any_error_text_comes_back_and_stays_on_one_line(error: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ResultTable(folder).append_run(failed_run(error=error))
        assert ResultTable(folder).rows()[0]["error"] == error
        assert (Path(folder) / "rows.csv").read_bytes().count(b"\n") == 2


def test_a_very_long_error_keeps_its_end_and_the_table_readable(tmp_path: Path) -> None:
    ResultTable(tmp_path).append_run(failed_run(error="\\" * 300_000 + "KeyError: 'x'"))
    assert ResultTable(tmp_path).rows()[0]["error"].endswith("\\KeyError: 'x'")


def test_rows_are_chosen_by_phase_scenario_and_agent(tmp_path: Path) -> None:
    table = ResultTable(tmp_path)
    table.append_run(run_of("ials", seed=4))
    table.append_run([{**row, "scenario": "T-v0"} for row in run_of("ppo", seed=5)])
    assert [row["seed"] for row in table.rows(phase="evaluation")] == [4, 5]
    assert {row["agent"] for row in table.rows(scenario="T-v0")} == {"ppo"}
    assert len(table.rows(phase="online", agent="ials")) == 2
    assert table.rows(scenario="S-v0", agent="ppo") == []
    assert table.scenarios() == ["S-v0", "T-v0"]
    array = table.array(phase="online")
    assert array["interactions"].tolist() == [50, 100, 50, 100]
    assert array["reward_per_step"].tolist() == [4.1, 4.2, 5.1, 5.2]
    assert array.dtype.names == tuple(COLUMNS)
    with pytest.raises(ValueError, match="phase='finale' is not one of online, evaluation"):
        table.rows(phase="finale")


def test_changing_returned_rows_leaves_the_table_alone(tmp_path: Path) -> None:
    table = ResultTable(tmp_path)
    table.append_run(run_of())
    table.rows(phase="final")[0]["return_mean"] = -1.0
    assert table.rows(phase="final")[0]["return_mean"] == 2 / 3


def test_finished_runs_are_those_with_a_final_row_and_these_settings(tmp_path: Path) -> None:
    table = ResultTable(tmp_path)
    table.append_run(run_of("ials", seed=0, config_hash="old"))
    table.append_run(run_of("ials", seed=1, config_hash="new"))
    table.append_run(failed_run("dqn"))
    for each in (table, ResultTable(tmp_path)):
        assert each.finished_runs("new") == {("S-v0", "ials", 1)}
        assert each.finished_runs("c0") == set()


def test_a_repeated_run_replaces_the_failed_one(tmp_path: Path) -> None:
    table = ResultTable(tmp_path)
    table.append_run(failed_run("dqn", seed=0))
    table.append_run(run_of("ials", seed=1))
    table.append_run(run_of("dqn", seed=0))
    for each in (table, ResultTable(tmp_path)):
        assert each.rows(phase="failed") == []
        assert returns(each) == [("ials", 1, 1 + 2 / 3), ("dqn", 0, 2 / 3)]


@given(data=st.data())
def test_a_file_cut_anywhere_gives_whole_runs_and_can_be_continued(
    whole_file: bytes, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(whole_file)))
    ends = [
        end
        for end, line in _line_ends(whole_file)
        if ",final," in line or ",failed," in line or line == HEADER
    ]
    expected = whole_file[: max((end for end in ends if end <= cut), default=0)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.csv"
        file.write_bytes(whole_file[:cut])
        table = ResultTable(folder)
        assert file.read_bytes() == whole_file[:cut]
        n_before = len(table.rows())
        assert n_before == max(0, expected.count(b"\n") - 1)
        table.append_run(run_of("ppo", seed=9))
        table.append_run(run_of("ppo", seed=10))
        assert file.read_bytes().startswith(expected)
        reopened = ResultTable(folder)
        assert len(reopened.rows()) == n_before + 8
        assert str(reopened.rows()) == str(table.rows())
        assert list(Path(folder).iterdir()) == [file]


def _line_ends(content: bytes) -> list[tuple[int, str]]:
    lines = content.splitlines(keepends=True)
    ends = np.cumsum([len(line) for line in lines])
    return [(int(end), line.decode()) for end, line in zip(ends, lines, strict=True)]


def test_a_run_without_its_last_row_is_noticed_between_whole_ones(tmp_path: Path) -> None:
    table = ResultTable(tmp_path)
    for seed in range(3):
        table.append_run(run_of(seed=seed))
    file = tmp_path / "rows.csv"
    lines = file.read_bytes().splitlines(keepends=True)
    del lines[8]
    file.write_bytes(b"".join(lines))
    message = r"rows\.csv, line 12: lines of another run come before .*; restore .* --overwrite"
    with pytest.raises(ValueError, match=message):
        ResultTable(tmp_path)
    table = ResultTable(tmp_path, overwrite=True)
    assert [seed for _, seed, _ in returns(table)] == [0, 2]
    assert len(table.damage) == 1
    table.append_run(run_of(seed=1))
    assert [seed for _, seed, _ in returns(ResultTable(tmp_path))] == [0, 2, 1]


def test_removed_runs_are_gone_and_the_others_whole(tmp_path: Path) -> None:
    table = ResultTable(tmp_path)
    for seed in range(4):
        table.append_run(run_of(seed=seed))
    table.remove_runs([("S-v0", "ials", 0), ("S-v0", "ials", 2)])
    table.append_run(run_of(seed=0))
    for each in (table, ResultTable(tmp_path)):
        assert [seed for _, seed, _ in returns(each)] == [1, 3, 0]


def test_a_file_for_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(NotADirectoryError, match="is a file; name a folder for results: .*a'"):
        ResultTable(tmp_path / "a")


def test_a_write_that_fails_halfway_leaves_the_table_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = ResultTable(tmp_path)
    table.append_run(run_of(seed=0))
    before = (tmp_path / "rows.csv").read_bytes()

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full_disk)
        with pytest.raises(OSError, match="No space left"):
            table.append_run(run_of(seed=1))
    assert (tmp_path / "rows.csv").read_bytes() == before
    table.append_run(run_of(seed=2))
    assert [seed for _, seed, _ in returns(ResultTable(tmp_path))] == [0, 2]


def test_a_disk_that_is_full_halfway_leaves_the_table_as_it_was(tmp_path: Path) -> None:
    table = ResultTable(tmp_path)
    table.append_run(run_of(seed=0))
    file = tmp_path / "rows.csv"
    before = file.read_bytes()

    def append() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20,) * 2)
        try:
            table.append_run(run_of(seed=1))
        except OSError as error:
            os._exit(0 if str(file) in str(error) else 2)
        os._exit(1)

    process = multiprocessing.get_context("fork").Process(target=append)
    process.start()
    process.join()
    assert process.exitcode == 0
    assert file.read_bytes() == before


def test_two_writers_are_noticed(tmp_path: Path) -> None:
    first, second = ResultTable(tmp_path), ResultTable(tmp_path)
    first.append_run(run_of(seed=0))
    with pytest.raises(RuntimeError, match="another process writes to it"):
        second.append_run(run_of(seed=1))
    assert len(ResultTable(tmp_path).rows(phase="final")) == 1
    third = ResultTable(tmp_path)
    file = tmp_path / "rows.csv"
    file.write_bytes(file.read_bytes().replace(b"0.1", b"0.2"))
    with pytest.raises(RuntimeError, match="is not as it was read"):
        third.append_run(run_of(seed=2))


def test_who_means_to_write_for_long_is_told_of_others_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recsim_env.formats.locks._PATIENCE_SECONDS", 0.1)
    table, late = ResultTable(tmp_path / "new"), ResultTable(tmp_path / "new")
    with table.writing():
        table.append_run(run_of(seed=0))
        message = "another process adds runs to .*new; wait for its end"
        with pytest.raises(RuntimeError, match=message), late.writing():
            pass
        assert len(ResultTable(tmp_path / "new").rows()) == 4, "everybody may read"
    with pytest.raises(RuntimeError, match="is not as it was read"), late.writing():
        pass
    with ResultTable(tmp_path / "new").writing():
        pass
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["rows.csv"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "are no run"),
        (run_of()[:3], "are no run"),
        (run_of() + run_of(), "are no run"),
        (run_of()[:3] + failed_run("ials"), "are no run"),
        (failed_run(error=""), "has no error"),
        (run_of(seed=0)[:3] + run_of(seed=1)[3:], "are mixed"),
        (run_of(config_hash="a")[:3] + run_of(config_hash="b")[3:], "are mixed"),
        (run_of(agent=""), "agent='' is not a name"),
        (run_of(agent="a\nb"), r"agent='a\\nb' is not a name"),
        (run_of(return_mean=math.nan), "return_mean=nan of a final row is not finite"),
        (run_of(return_mean="high"), "return_mean='high' is not a number"),
        (run_of(interactions=1.5), "interactions=1.5 is not an integer"),
        ([{**failed_run()[0], "seed": None}], "seed is missing"),
        (run_of(phase="end"), "phase='end' is not one of"),
        (run_of(rewards=3.0), "unknown column 'rewards'; known are scenario, agent"),
    ],
)
def test_what_is_no_run_is_refused_and_not_written(
    tmp_path: Path, rows: list[Row], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ResultTable(tmp_path).append_run(rows)
    assert not (tmp_path / "rows.csv").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("user,item\n1,2\n", r"rows\.csv, line 1: header 'user,item' is not 'scenario,agent"),
        ("nonsense", r"rows\.csv, line 1: not the header"),
        (HEADER + "a,b\n", r"rows\.csv, line 2: 2 cells where 15 belong"),
        (HEADER + "\n", r"rows\.csv, line 2: 1 cells where 15 belong"),
        (HEADER.replace("\n", "\r\n"), r"rows\.csv, line 1: saved anew by a program"),
        ("\ufeff" + HEADER, r"rows\.csv, line 1: saved anew by a program"),
        (
            HEADER + "S,u,0,online,0,0,,1.5,,,,,c,,\nS,u,zero,final,1,1,2.0,,,,,,c,,1-0-0\n",
            r"rows\.csv, line 3: seed='zero' is not an integer",
        ),
        (
            HEADER + "S,u,0,failed,0,0,,,,,,,c,no,1-000000000000-000000000000\n",
            r"rows\.csv, line 2: the run that ends here is not as it was written",
        ),
        (
            HEADER + "S,u,0,failed,0,0,,,,,,,c,no,\n",
            r"rows\.csv, line 2: a failed row lacks its seal",
        ),
    ],
)
def test_damage_is_reported_with_file_and_line(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "rows.csv").write_text(content)
    with pytest.raises(ValueError, match=message):
        ResultTable(tmp_path)


def test_an_empty_folder_or_none_is_an_empty_table(tmp_path: Path) -> None:
    table = ResultTable(tmp_path / "new")
    assert table.rows() == []
    assert len(table.array()) == 0
    assert table.read_settings() == {}
    assert not (tmp_path / "new").exists()


def test_settings_and_versions_come_back(tmp_path: Path) -> None:
    table = ResultTable(tmp_path / "new")
    table.write_settings({"seeds": [0, 1]}, {"numpy": "2.4"})
    assert ResultTable(tmp_path / "new").read_settings() == {"seeds": [0, 1]}
    assert json.loads((tmp_path / "new" / "versions.json").read_text()) == {"numpy": "2.4"}
    (tmp_path / "new" / "settings.json").write_text("[1]")
    with pytest.raises(ValueError, match=r"settings\.json: holds list"):
        table.read_settings()
