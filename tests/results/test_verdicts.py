"""What reports and terminals say about a scenario as a whole."""

import re
from pathlib import Path

import numpy as np
import pytest

from recsim_env.results.table import ResultTable
from recsim_env.results.verdicts import TWO_SEEDS, detectable, verdicts


def filled(folder: Path, n_seeds: int, means: dict[str, float], spread: float = 1.0) -> ResultTable:
    rng = np.random.default_rng(0)
    table = ResultTable(folder)
    for agent, mean in means.items():
        for seed in range(n_seeds):
            value = mean + 10.0 * seed + spread * float(rng.normal())
            name = {"scenario": "S", "agent": agent, "seed": seed, "config_hash": "c"}
            table.append_run([{**name, "phase": "final", "return_mean": value}])
    return table


MEANS = {"uniform": 0.0, "oracle": 100.0, "a": 80.0, "b": 20.0, "c": 79.9}


def test_they_name_who_may_be_the_best_in_order_of_returns(tmp_path: Path) -> None:
    first, second = verdicts(filled(tmp_path, 10, MEANS), "S")
    found = re.search("is one of (.*) \\(best set", first)
    assert found and set(found[1].split(", ")) == {"a", "c"}
    assert first.startswith("With 95 % confidence the best of the 3 agents that learn")
    assert second.startswith("Of two agents, 10 seeds show a difference of ")


def test_a_detectable_difference_is_given_on_the_scale_of_the_score(tmp_path: Path) -> None:
    found = detectable(filled(tmp_path, 10, MEANS), "S")
    assert found is not None and found.scale is not None
    assert found.n == 10
    assert 0.5 < found.alone < found.among_all < 3.0
    assert found.scale == pytest.approx(100.0, abs=1.5)


def test_without_a_reference_there_is_no_scale(tmp_path: Path) -> None:
    table = filled(tmp_path, 3, {"a": 1.0, "b": 0.0})
    found = detectable(table, "S")
    assert found is not None and found.scale is None
    assert not any("score" in sentence for sentence in verdicts(table, "S"))


def test_one_seed_says_so(tmp_path: Path) -> None:
    (sentence,) = verdicts(filled(tmp_path, 1, MEANS), "S")
    assert sentence.startswith("One seed")
    assert detectable(ResultTable(tmp_path), "S") is None


def test_a_single_agent_is_not_called_the_best(tmp_path: Path) -> None:
    assert list(verdicts(filled(tmp_path, 3, {"uniform": 0.0, "a": 1.0}), "S")) == []


def test_agents_that_never_differ_have_no_detectable_difference(tmp_path: Path) -> None:
    found = list(verdicts(filled(tmp_path, 3, {"a": 1.0, "b": 1.0}, spread=0.0), "S"))
    assert len(found) == 1 and "is one of a, b" in found[0]


def test_two_seeds_come_with_a_caution_and_three_do_not(tmp_path: Path) -> None:
    assert verdicts_of(tmp_path / "two", 2)[1] == TWO_SEEDS
    assert TWO_SEEDS not in verdicts_of(tmp_path / "three", 3)


def test_the_test_and_its_family_are_named(tmp_path: Path) -> None:
    said = "(best set: one-sided t-tests paired by seed{}).".format
    family = ", Bonferroni over an agent's 2 comparisons with the others"
    assert verdicts_of(tmp_path / "three", 3)[0].endswith(said(family))
    two = filled(tmp_path / "two", 3, {"a": 1.0, "b": 0.0})
    assert next(verdicts(two, "S")).endswith(said(""))


def verdicts_of(folder: Path, n_seeds: int) -> list[str]:
    return list(verdicts(filled(folder, n_seeds, MEANS), "S"))
