"""Visits in a folder: a file each, found again whatever scenario and agent are called."""

import pytest

from recsim_env.results.visits import (
    read_visit,
    read_visits,
    remove_visits,
    visit_file,
    write_visit,
)


def visit(scenario="recsim_env/NewsFeed-v0", agent="linucb", seed=0):
    return {"scenario": scenario, "agent": agent, "seed": seed, "items": [], "steps": []}


def test_what_is_written_is_read_by_its_labels(tmp_path):
    given = [visit(), visit("a month", "x.py:Own"), visit("été", "../../up"), visit("a-month")]
    for each in given:
        write_visit(tmp_path, each)
    found = read_visits(tmp_path)
    assert list(found) == sorted((each["scenario"], each["agent"]) for each in given)
    assert all(read_visit(tmp_path, pair) == each for pair, each in found.items())
    assert {file.parent.parent for file in tmp_path.rglob("*.json")} == {tmp_path / "visits"}


def test_labels_that_differ_have_files_that_differ():
    labels = ("a b", "a-b", "a/b", "a:b", ".a", "a")
    files = {visit_file("", ("World", label)) for label in labels}
    assert len(files) == len(labels)


def test_visits_of_runs_that_were_removed_go_with_them(tmp_path):
    write_visit(tmp_path, visit())
    write_visit(tmp_path, visit(agent="uniform"))
    remove_visits(tmp_path, but=[("recsim_env/NewsFeed-v0", "uniform")])
    assert list(read_visits(tmp_path)) == [("recsim_env/NewsFeed-v0", "uniform")]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"scenario": "x"}', '"steps"'])
def test_a_damaged_file_is_named(tmp_path, text):
    write_visit(tmp_path, visit())
    file = visit_file(tmp_path, ("recsim_env/NewsFeed-v0", "linucb"))
    file.write_text(text)
    with pytest.raises(ValueError, match="linucb.json holds no visit"):
        read_visits(tmp_path)


def test_a_folder_without_visits_has_none(tmp_path):
    assert read_visits(tmp_path) == {}
    assert read_visit(tmp_path, ("World", "uniform")) is None
