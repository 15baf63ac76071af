"""`run` writes what a person lived through as a film, a figure and tables."""

import csv

import pytest

from recsim_env.cli import main

SMALL = ["--set", "n_topics=4", "--set", "time_budget=20"]


def run(*arguments):
    return main(["run", "InterestEvolution", "uniform", *SMALL, *arguments])


def test_a_table_has_a_row_for_every_place_of_every_slate(tmp_path, capsys):
    file = tmp_path / "visit.csv"
    assert run("--episodes", "2", "--csv", str(file)) == 0
    n_steps = int(capsys.readouterr().out.splitlines()[-2].split()[0])
    with file.open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    slates = {(row["episode"], row["step"]): float(row["slate_reward"]) for row in rows}
    assert len(slates) == n_steps
    assert len(rows) == 3 * n_steps
    assert {row["episode"] for row in rows} == {"0", "1"}
    assert all(row["true_user_interest_0"] and row["title"] for row in rows)


def test_film_and_figure_are_written(tmp_path, capsys):
    image = pytest.importorskip("PIL.Image", reason='needs pip install "recsim-env[plots]"')
    film, figure = tmp_path / "visit.gif", tmp_path / "visit.svg"
    assert run("--steps", "2", "--video", str(film), "--plot", str(figure)) == 0
    with image.open(film) as opened:
        assert opened.n_frames == 3
    assert figure.read_text().startswith("<?xml")


@pytest.mark.parametrize(
    ("option", "name", "said"),
    [
        ("--csv", "visit.txt", "must end with .csv"),
        ("--parquet", "visit.csv", "must end with .parquet"),
        ("--video", "visit.avi", "must end with .gif or .mp4"),
        ("--plot", "visit.jpg", "must end with .png or .pdf or .svg"),
    ],
)
def test_other_names_are_refused_before_anything_is_played(tmp_path, capsys, option, name, said):
    assert run(option, str(tmp_path / name)) == 2
    found = capsys.readouterr()
    assert said in found.err
    assert found.out == ""


def test_a_pace_without_a_film_is_refused(capsys):
    assert run("--seconds-per-step", "2") == 2
    assert "name one with --video" in capsys.readouterr().err


def test_nothing_is_replaced_unasked(tmp_path, capsys):
    file = tmp_path / "visit.csv"
    file.write_text("mine")
    assert run("--csv", str(file)) == 2
    assert "exists; choose another name, or replace it with --overwrite" in capsys.readouterr().err
    assert file.read_text() == "mine"
    assert run("--steps", "1", "--csv", str(file), "--overwrite") == 0
    assert file.read_text() != "mine"
