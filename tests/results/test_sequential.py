"""Adding seeds until it is decided is wrong no more often than it says."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from recsim_env.results.sequential import StoppingRule, decide, noted_decisions
from recsim_env.results.table import ResultTable
from recsim_env.results.verdicts import verdicts

Draw = Callable[[np.random.Generator, tuple[int, ...]], NDArray[np.float64]]

RULE = StoppingRule(tuple(range(12)), 3)
N_TABLES = 400


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return rng.normal(size=shape)


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Of skewness 1, mean 0 and variance 1."""
    return (rng.gamma(4.0, size=shape) - 4.0) / 2.0


def returns_of(
    rng: np.random.Generator, draw: Draw, means: list[float], n_seeds: int = 12
) -> dict[str, dict[int, float]]:
    """Agents that share the noise of a seed, and have noise of their own."""
    common, own = 5.0 * draw(rng, (n_seeds,)), draw(rng, (len(means), n_seeds))
    return {
        f"a{place}": dict(enumerate((mean + common + noise).tolist()))
        for place, (mean, noise) in enumerate(zip(means, own, strict=True))
    }


def test_looks_are_equally_far_apart_and_spend_the_level_together() -> None:
    rule = StoppingRule(tuple(range(20)), 6)
    assert rule.looks == (6, 12, 18, 20)
    spent = [rule.spent(look) for look in range(4)]
    assert spent == pytest.approx([0.015, 0.015, 0.015, 0.005])
    assert sum(spent) == pytest.approx(rule.level)


@pytest.mark.parametrize("draw", [normal, skewed])
def test_of_two_equal_agents_seldom_one_is_called_better(draw: Draw) -> None:
    """At most 5 %, with four looks; 400 tables, four standard errors are 4.4 %."""
    rng = np.random.default_rng(0)
    called = sum(
        decide("S", returns_of(rng, draw, [0.0, 0.0]), RULE).is_decided for _ in range(N_TABLES)
    )
    assert 0 < called / N_TABLES < 0.05 + 0.044


@pytest.mark.parametrize("draw", [normal, skewed])
def test_the_best_of_several_is_seldom_left_out(draw: Draw) -> None:
    """At most 2.5 %, of five of which four are next to as good; four standard errors are 3.1 %."""
    rng, means = np.random.default_rng(1), [0.01, 0.0, 0.0, 0.0, 0.0]
    out = sum(
        "a0" in decide("S", returns_of(rng, draw, means), RULE).left_out for _ in range(N_TABLES)
    )
    assert out / N_TABLES < 0.025 + 0.031


def test_testing_at_every_look_as_if_it_were_the_only_one_would_be_wrong_more_often() -> None:
    """Why a rule is needed: the same looks at 5 % each find one in a table of seven."""
    rng, careless = np.random.default_rng(2), StoppingRule(RULE.seeds, 3, level=0.2)
    called = sum(
        decide("S", returns_of(rng, normal, [0.0, 0.0]), careless).is_decided
        for _ in range(N_TABLES)
    )
    assert careless.spent(0) == pytest.approx(0.05)
    assert called / N_TABLES > 0.05 + 0.02


def test_a_large_difference_is_decided_early_and_a_small_one_late() -> None:
    rng = np.random.default_rng(3)
    n_seeds = [
        np.mean([decide("S", returns_of(rng, normal, [d, 0.0]), RULE).n_seeds for _ in range(60)])
        for d in (50.0, 3.0, 0.0)
    ]
    assert n_seeds[0] == 3 < n_seeds[1] < n_seeds[2]


def test_who_is_left_out_is_no_longer_needed() -> None:
    returns = returns_of(np.random.default_rng(4), normal, [100.0, 100.0, 0.0])
    whole = decide("S", returns, RULE)
    returns["a2"] = {seed: returns["a2"][seed] for seed in range(3)}
    assert decide("S", returns, RULE) == whole
    assert whole.left_out == {"a2": 3}
    assert (whole.possible, whole.n_seeds, whole.is_last) == (("a0", "a1"), 12, True)
    assert "Not decided after 12 seeds, the most allowed" in whole.sentence()


def test_a_look_waits_for_all_its_seeds() -> None:
    returns = returns_of(np.random.default_rng(5), normal, [0.1, 0.0], n_seeds=8)
    assert decide("S", returns, RULE).n_seeds == 6
    del returns["a0"][1]
    nothing = decide("S", returns, RULE)
    assert (nothing.n_seeds, nothing.possible) == (0, ("a0", "a1"))
    assert nothing.sentence().startswith("Not decided yet, after 0 seeds")


def test_later_seeds_do_not_change_what_was_decided() -> None:
    returns = returns_of(np.random.default_rng(6), normal, [90.0, 0.0])
    few = {agent: {s: v for s, v in by_seed.items() if s < 3} for agent, by_seed in returns.items()}
    assert decide("S", returns, RULE) == decide("S", few, RULE)
    assert decide("S", few, RULE).sentence() == (
        "Decided after 3 seeds: a0 is the best of 2 agents (left out: a1 after 3)."
    )


@pytest.mark.parametrize(
    ("seeds", "group", "level", "message"),
    [
        (3, 5, 0.05, "3 seeds at most are fewer than the 5"),
        (3, 0, 0.05, "3 seeds at most"),
        (3, 1, 1.0, "level=1.0"),
    ],
)
def test_rules_that_cannot_be(seeds: int, group: int, level: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StoppingRule(tuple(range(seeds)), group, level)


def test_a_table_says_by_which_rule_its_seeds_were_added(tmp_path: Path) -> None:
    table = ResultTable(tmp_path)
    for agent, by_seed in returns_of(np.random.default_rng(7), normal, [90.0, 0.0], 3).items():
        for seed, value in by_seed.items():
            name = {"scenario": "S", "agent": agent, "seed": seed, "config_hash": "c"}
            table.append_run([{**name, "phase": "final", "return_mean": value}])
    assert noted_decisions(table) is None
    note = {"seeds": list(range(12)), "group": 3, "level": 0.05, "agents": {"S": ["a0", "a1"]}}
    table.write_settings({"until_decided": note}, {})
    first, second, *_ = verdicts(table, "S")
    assert first.startswith("Decided after 3 seeds: a0 is the best of 2 agents")
    assert "fixed number of seeds" in second
