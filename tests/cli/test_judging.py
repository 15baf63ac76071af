"""`recsim-env ope`: a log is written by commands, and judges policies beside the truth."""

import csv
import json

import numpy as np
import pytest

from recsim_env.cli import main

pytestmark = pytest.mark.learns

PEOPLE = ["--set", "n_users=30", "--set", "n_items=40", "--set", "n_candidates=5"]
PEOPLE += ["--set", "slate_size=2", "--set", "max_slates=4"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Returns a folder with a log of two policies, as .npz and as .csv."""
    found = tmp_path_factory.mktemp("judging")
    for name in ("log.npz", "log.csv"):
        asked = ["log", "RatedCatalogue", "uniform", "popularity", *PEOPLE, "--learn", "200"]
        assert main([*asked, "--interactions", "400", "--out", str(found / name)]) == 0
    return found


def refused(capsys, *arguments):
    assert main(["ope", *map(str, arguments)]) != 0
    return capsys.readouterr().err


def test_a_log_of_two_policies_tells_whose_each_slate_is_and_judges_a_third(folder, capsys):
    capsys.readouterr()
    out = folder / "judged"
    asked = [str(folder / "log.npz"), "--policy", "uniform", "--policy", "content"]
    assert main(["ope", *asked, "--learn", "200", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "by Uniform, Popularity" in said
    assert "reward of a session; truly" in said
    with (out / "estimates.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["policy"] for row in rows} == {"uniform", "content"}
    assert {row["per"] for row in rows} == {"slate", "session"}
    assert {"ips", "iips", "rips", "dr", "fqe"} <= {row["estimator"] for row in rows}
    assert (out / "content-slate.png").is_file()
    assert "replace it with --overwrite" in refused(capsys, *asked, "--out", out)


def test_a_file_of_probabilities_is_judged_as_well_as_the_agent_that_has_them(folder, capsys):
    np.save(folder / "equal.npy", np.full((800, 5), 0.2))
    assert main(["ope", str(folder / "log.npz"), "--policy", str(folder / "equal.npy")]) == 0
    assert "equal\n reward of a slate\n" in capsys.readouterr().out


def test_what_is_no_log_or_names_nothing_is_one_clear_error(folder, capsys):
    assert "name either a LOG" in refused(capsys, "--policy", "uniform")
    assert "name what to judge by --policy" in refused(capsys, folder / "log.npz")
    assert "holds no candidates" in refused(capsys, folder / "log.csv", "--policy", "uniform")
    looks = refused(capsys, folder / "log.npz", "--policy", "oracle")
    assert "looks into people, whom a log does not hold" in looks


def test_a_study_is_a_page_a_table_and_figures(tmp_path, capsys):
    out = tmp_path / "study"
    asked = ["--study", "RatedCatalogue", *PEOPLE, "--sizes", "10", "20", "--repeats", "3"]
    asked += ["--truths", "1", "--learn", "200", "--policy", "uniform", "--policy", "popularity"]
    assert main(["ope", *asked, "--slate-sizes", "1", "2", "--out", str(out)]) == 0
    page = (out / "study.md").read_text(encoding="utf-8")
    assert page == capsys.readouterr().out.partition("written: ")[0]
    assert page.count("## Reward of a slate: ") == page.count("## Reward of a session: ") == 4
    about = json.loads((out / "study.json").read_text(encoding="utf-8"))
    assert about["repeats"] == 3
    with (out / "trials.csv").open(encoding="utf-8", newline="") as file:
        kinds = {(row["n_sessions"], row["slate_size"]) for row in csv.DictReader(file)}
    assert kinds == {("10", "1"), ("20", "1"), ("10", "2"), ("20", "2")}
    assert (out / "error-session.png").is_file()
