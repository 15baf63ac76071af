"""`recsim-env plot` draws report and page from the files of a folder, as far as extras allow."""

import sys

import pytest

from recsim_env.cli import main
from recsim_env.results.table import ResultTable
from tests.plots.conftest import FINAL_RETURNS, toy_run


@pytest.fixture
def folder(tmp_path):
    table = ResultTable(tmp_path)
    for agent, value in FINAL_RETURNS.items():
        for seed in range(2):
            table.append_run(toy_run(agent, seed, value))
    return tmp_path


@pytest.fixture
def without_altair(monkeypatch):
    for name in ("document", "figures"):
        monkeypatch.delitem(sys.modules, f"recsim_env.plots.page.{name}", raising=False)
    monkeypatch.setitem(sys.modules, "altair", None)


def test_report_and_page_are_drawn_together(folder, capsys):
    assert main(["plot", str(folder)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == [f"report: {folder / 'report.md'}", f"page: {folder / 'report.html'}"]
    assert (folder / "report.html").stat().st_size > 500_000


def test_page_alone_leaves_the_report_as_it_is(folder, capsys):
    (folder / "report.md").write_text("as it was")
    assert main(["plot", str(folder), "--figures", "page"]) == 0
    assert capsys.readouterr().out == f"page: {folder / 'report.html'}\n"
    assert (folder / "report.md").read_text() == "as it was"


def test_figures_by_name_leave_the_page_out(folder, capsys):
    assert main(["plot", str(folder), "--figures", "regret"]) == 0
    assert capsys.readouterr().out == f"report: {folder / 'report.md'}\n"
    assert not (folder / "report.html").exists()


def test_a_report_with_more_figures_is_not_replaced_unasked(folder, capsys):
    assert main(["plot", str(folder)]) == 0
    before = (folder / "report.md").read_text()
    (folder / "regret-Toy-v0.png").unlink()
    assert main(["plot", str(folder), "--figures", "regret"]) == 0
    said = capsys.readouterr().out
    assert "report.md stays, since it shows leaderboard, learning, pairs, online too" in said
    assert (folder / "report.md").read_text() == before
    assert (folder / "regret-Toy-v0.png").exists()
    assert main(["plot", str(folder), "--figures", "regret", "--overwrite"]) == 0
    assert "leaderboard-" not in (folder / "report.md").read_text()


def test_without_its_extra_the_page_is_said_to_be_missing(folder, without_altair, capsys):
    assert main(["plot", str(folder)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"report: {folder / 'report.md'}"
    assert told[1:] == [
        'no page: the page needs Altair and vl-convert: pip install "recsim-env[page]"'
    ]
    assert (folder / "report.md").exists() and not (folder / "report.html").exists()


def test_a_page_asked_for_by_name_needs_its_extra(folder, without_altair, capsys):
    assert main(["plot", str(folder), "--figures", "page"]) == 2
    assert 'pip install "recsim-env[page]"' in capsys.readouterr().err
