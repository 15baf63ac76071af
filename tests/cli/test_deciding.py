"""`--until decided` and `variance`, as people type them."""

import re
from pathlib import Path

import pytest

from recsim_env.cli import main

TINY = ["--interactions=64", "--checkpoints=1", "--bins=1", "--episodes=10", "--jobs=1"]


def test_until_decided_tells_of_every_look_and_of_what_came_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["benchmark", "BernoulliBandit", "--agents", "thompson", "ucb", "--seeds", "2"]
    words += ["--until", "decided", "--max-seeds", "4", "--out", str(tmp_path / "r"), *TINY]
    assert main(words) == 0
    printed = capsys.readouterr().out
    found = re.search("(Not decided|Decided) after ([24]) seeds", printed)
    assert found is not None
    assert ("after 2 seeds, 0 of 1 scenarios are decided" in printed) == (found[2] == "4")
    report = (tmp_path / "r" / "report.md").read_text(encoding="utf-8")
    assert "## Until decided" in report and "Seeds were added 2 at a time, to 4 at most" in report
    assert not re.search(r"\binf\b|nan|∞", report)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--max-seeds", "9"], "--max-seeds is of --until decided"),
        (["--until", "decided", "--seeds", "5", "--max-seeds", "4"], "4 seeds at most"),
        (["--until", "bored"], "'bored' is unknown; known are decided"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = ["benchmark", "BernoulliBandit", "--agents", "thompson", "ucb"]
    status: object = None
    try:
        status = main([*base, "--out", str(tmp_path / "r"), *words])
    except SystemExit as left:
        status = left.code
    assert status == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "r").exists()


def test_variance_prints_the_table_that_it_keeps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["variance", "BernoulliBandit", "thompson", "ucb", "--seeds", "2", "--people", "4"]
    words += ["--interactions", "64", "--meetings", "2", "--jobs", "1", "--out", str(tmp_path)]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert printed.startswith((tmp_path / "variance.md").read_text(encoding="utf-8"))
    assert "| ucb - thompson |" in printed
