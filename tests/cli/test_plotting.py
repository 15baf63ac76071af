"""`plot` draws what agents were trained to, and writes tables of a benchmark."""

import csv
import shutil
from pathlib import Path

import pytest

from recsim_env.cli import main
from recsim_env.results.learning_curve import curve_file, read_curve, write_curve

DEFAULT = Path(__file__).parents[2] / "docs" / "results" / "default"
TRAIN = ["train", "InterestEvolution", "linucb", "--set", "n_topics=4", "--evaluate", "4"]
TRAIN += ["--num-envs", "4", "--checkpoint-every", "100"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(capsys, *arguments):
    assert main(arguments) == 2
    return capsys.readouterr().err


def test_training_says_what_it_brought_and_keeps_its_curve(folder, capsys):
    assert main([*TRAIN, "--interactions", "200"]) == 0
    said = capsys.readouterr().out
    assert "after 0 interactions, then" in said
    rows = read_curve(curve_file("linucb.agent"))
    assert [row["interactions"] for row in rows if row["phase"] == "evaluation"] == [
        0,
        rows[-1]["interactions"],
    ]
    online = [row for row in rows if row["phase"] == "online"]
    assert [row["interactions"] for row in online] == sorted({r["interactions"] for r in online})


def test_a_resumed_run_goes_on_with_its_curve(folder, capsys):
    assert main([*TRAIN, "--interactions", "300"]) == 0
    assert main([*TRAIN, "--interactions", "100", "--out", "b.agent"]) == 0
    assert main([*TRAIN, "--interactions", "300", "--out", "b.agent", "--resume"]) == 0
    whole, parts = (
        [
            (row["interactions"], row["reward_per_step"])
            for row in read_curve(curve_file(name))
            if row["phase"] == "online"
        ]
        for name in ("linucb.agent", "b.agent")
    )
    assert whole == parts


def test_what_a_curve_knows_beyond_the_agent_is_dropped(folder):
    assert main([*TRAIN, "--interactions", "100"]) == 0
    file = curve_file("linucb.agent")
    rows = read_curve(file)
    write_curve(file, [*rows, rows[-1] | {"interactions": 99_999, "reward_per_step": 7.0}])
    assert main([*TRAIN, "--interactions", "200", "--resume"]) == 0
    assert all(row["interactions"] < 1_000 for row in read_curve(file))


def test_the_curve_of_another_run_is_not_replaced(folder, capsys):
    assert main([*TRAIN, "--interactions", "100"]) == 0
    file = curve_file("linucb.agent")
    before = file.read_bytes()
    Path("linucb.agent").rename("kept.agent")
    assert "exists; --overwrite replaces it" in refused(capsys, *TRAIN)
    assert file.read_bytes() == before
    Path("kept.agent").rename("linucb.agent")
    write_curve(file, [row | {"seed": 5} for row in read_curve(file)])
    said = refused(capsys, *TRAIN, "--resume", "--interactions", "200")
    assert "is of another run (seed: 5 there, 0 here)" in said


def test_evaluating_changes_nothing_of_what_is_learned(folder):
    for name, people in (("a.agent", "0"), ("b.agent", "8")):
        asked = ["--interactions", "200", "--out", name, "--evaluate", people]
        assert main([*TRAIN, *asked]) == 0
    online = [
        [row for row in read_curve(curve_file(name)) if row["phase"] == "online"]
        for name in ("a.agent", "b.agent")
    ]
    assert repr(online[0]) == repr(online[1])


def test_curves_of_agents_are_drawn(folder, capsys):
    assert main([*TRAIN, "--interactions", "100"]) == 0
    assert main(["plot", "linucb.agent"]) == 0
    assert Path("linucb.agent.png").is_file()
    assert main(["plot", "linucb.agent", "--out", "curves.pdf"]) == 0
    assert Path("curves.pdf").read_bytes().startswith(b"%PDF")
    said = refused(capsys, "plot", "linucb.agent", "--out", "curves.pdf")
    assert "exists; choose another name, or replace it with --overwrite" in said
    curve_file("linucb.agent").unlink()
    said = refused(capsys, "plot", "linucb.agent", "--out", "x.png")
    assert "linucb.agent.csv does not exist; `recsim-env train` writes" in said


@pytest.mark.parametrize(
    "option", ["--figures", "--format=pdf", "--summary=a.csv", "--latex=a.tex"]
)
def test_options_of_folders_are_refused_beside_agents(folder, capsys, option):
    Path("x.agent").touch()
    assert "leave it out beside agents" in refused(capsys, "plot", "x.agent", option)


def test_tables_of_a_benchmark_are_written_without_redrawing_it(folder, capsys):
    shutil.copytree(DEFAULT, folder / "bench")
    before = (folder / "bench" / "report.md").read_bytes()
    asked = ["plot", "bench", "--summary", "summary.csv", "--latex", "table.tex"]
    assert main(asked) == 0
    with (folder / "summary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len({(row["scenario"], row["agent"]) for row in rows}) > 4
    assert all(row["return"] and row["return_low"] for row in rows)
    assert r"\bottomrule" in (folder / "table.tex").read_text()
    assert (folder / "bench" / "report.md").read_bytes() == before
    assert "exists" in refused(capsys, *asked)


def test_figures_are_written_in_other_formats_too(folder):
    shutil.copytree(DEFAULT, folder / "bench")
    assert main(["plot", "bench", "--figures", "leaderboard", "--format", "svg", "pdf"]) == 0
    drawn = {file.name for file in (folder / "bench").iterdir()}
    for name in [name for name in drawn if name.startswith("leaderboard") and ".png" in name]:
        assert {name.replace(".png", ".svg"), name.replace(".png", ".pdf")} <= drawn


def test_help_names_every_figure(capsys):
    from recsim_env.plots.report import FIGURES

    with pytest.raises(SystemExit, match="0"):
        main(["plot", "--help"])
    said = capsys.readouterr().out.split("only these, or none:")[1].split("(all)")[0]
    assert [name.strip() for name in said.split(",")] == [*FIGURES, "page"]


@pytest.mark.parametrize("figures", [[], ["page"]])
def test_a_format_without_figures_of_the_report_is_refused(folder, capsys, figures):
    said = refused(capsys, "plot", str(DEFAULT), "--format", "pdf", "--figures", *figures)
    assert "--format is of the report's figures" in said


def test_a_figure_with_nothing_to_show_is_named(folder, capsys):
    shutil.copy(DEFAULT / "rows.csv", folder)
    assert main(["plot", ".", "--figures", "sweep"]) == 0
    said = capsys.readouterr().out
    assert "not drawn, since . has nothing to show there: sweep" in said
    assert not list(folder.glob("*.png"))
