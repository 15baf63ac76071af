"""What feedback loops did: agents that learn from what they caused, beside the same from chance.

A folder of `recsim-env feedback` holds, of each agent, runs that learned from slates of their own
choice and runs that learned from as many uniform ones. Utility and homogeneity are told relative to
the oracle, who serves the same people: 0 is what they would get, and share, by their true tastes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recsim_env.results.intervals import Estimate, estimate, paired_difference
from recsim_env.results.measured import metric_by_seed
from recsim_env.results.standings import REFERENCE, final_by_seed
from recsim_env.results.table import ResultTable

OWN, RANDOM = "own", "random"

#: Whose slates fill the logs that are compared.
LOGS = (OWN, RANDOM)

#: Interactions to seed to value.
Series = Mapping[int, Mapping[int, float]]


def label_of(agent: str, log: str) -> str:
    """Returns what the runs of an agent with a log are called in tables.

    >>> label_of("ials", "own")
    'ials, own log'
    """
    return f"{agent}, {log} log"


def agents_in(table: ResultTable) -> list[str]:
    """Returns the agents that have runs with both logs, in the order of the table."""
    found = dict.fromkeys(row["agent"] for row in table.rows(phase="final"))
    agents = [label.removesuffix(f", {OWN} log") for label in found if label.endswith(", own log")]
    return [agent for agent in agents if label_of(agent, RANDOM) in found]


@dataclass(frozen=True)
class Contrast:
    """One quantity, relative to the oracle's, with either log.

    Attributes:
      own: along the rounds of training, on slates of its own choice.
      random: likewise, on uniform slates.
      excess: how much more it is at the end with its own log, paired by seed.
      change: how much more it is at the end than after the first training, with its own log.
    """

    own: list[Estimate]
    random: list[Estimate]
    excess: Estimate
    change: Estimate


@dataclass(frozen=True)
class Loop:
    """One agent, retrained round after round.

    Attributes:
      agent: its name.
      interactions: at the ends of the rounds.
      utility: return of an episode less the oracle's, in reward.
      homogeneity: overlap of what people of similar taste consume less the oracle's, in -1 to 1.
    """

    agent: str
    interactions: list[int]
    utility: Contrast
    homogeneity: Contrast


def loops_in(table: ResultTable, metrics: ResultTable, scenario: str) -> list[Loop]:
    """Returns what became of each agent, in the order of the table.

    Args:
      table: of the runs.
      metrics: what was measured of them, of `recsim_env.results.metrics.metric_table`.
      scenario: one of `table.scenarios()`.

    Raises:
      ValueError: the oracle has not finished, or no agent has with both logs and a seed in common.
    """
    oracle = final_by_seed(table, scenario).get(REFERENCE)
    if oracle is None:
        raise ValueError(f"{REFERENCE} has not finished in {scenario}; run what is missing")
    found = []
    for agent in agents_in(table):
        labels = [label_of(agent, log) for log in LOGS]
        returns = [_relative(_returns(table, scenario, label), oracle) for label in labels]
        overlaps = [_overlaps(metrics, scenario, label, list(returns[0])) for label in labels]
        rounds = _shared(*returns, *overlaps)
        if rounds:
            found.append(
                Loop(agent, rounds, _contrast(returns, rounds), _contrast(overlaps, rounds))
            )
    if not found:
        raise ValueError(f"no agent has finished with both logs in {scenario}; run what is missing")
    return found


def _returns(table: ResultTable, scenario: str, label: str) -> Series:
    found: dict[int, dict[int, float]] = {}
    for row in table.rows(phase="evaluation", scenario=scenario, agent=label):
        found.setdefault(row["interactions"], {})[row["seed"]] = row["return_mean"]
    return found


def _relative(series: Series, oracle: Mapping[int, float]) -> Series:
    """Returns how much more than the oracle's with the same seed."""
    return {
        round_: {seed: value - oracle[seed] for seed, value in by_seed.items() if seed in oracle}
        for round_, by_seed in series.items()
    }


def _overlaps(metrics: ResultTable, scenario: str, label: str, rounds: list[int]) -> Series:
    return {
        round_: metric_by_seed(
            metrics, scenario, "homogenization", phase="evaluation", interactions=round_
        ).get(label, {})
        for round_ in rounds
    }


def _shared(*series: Series) -> list[int]:
    """Returns the rounds of which every series has the seeds that all have at all."""
    rounds = sorted(set.intersection(*(set(each) for each in series)))
    return [each for each in rounds if all(each_series[each] for each_series in series)]


def _contrast(series: list[Series], rounds: list[int]) -> Contrast:
    own, random = series
    return Contrast(
        own=[estimate(list(own[each].values())) for each in rounds],
        random=[estimate(list(random[each].values())) for each in rounds],
        excess=paired_difference(own[rounds[-1]], random[rounds[-1]]),
        change=paired_difference(own[rounds[-1]], own[rounds[0]]),
    )
