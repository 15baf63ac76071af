"""What returns cost: how diverse people's consumption and how even exposure is at each score."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from recsim_env.results.intervals import Estimate, estimate
from recsim_env.results.measured import metric_by_seed
from recsim_env.results.standings import BASELINE, final_by_seed, ladder
from recsim_env.results.table import ResultTable

DIVERSITY, UNEVENNESS = "consumed_diversity", "exposure_gini"

BySeed = Mapping[int, float]


@dataclass(frozen=True)
class Tradeoff:
    """What an agent earns, and at what diversity and evenness, over several scenarios.

    Attributes:
      agent: its name.
      scenarios: of which all three are known.
      score: mean over them, from uniform (0) to the best reference (1).
      diversity: mean over them of `consumed_diversity` in units of what uniform slates give.
      evenness: likewise of 1 less `exposure_gini`.
    """

    agent: str
    scenarios: tuple[str, ...]
    score: Estimate
    diversity: Estimate
    evenness: Estimate


def tradeoffs(table: ResultTable, metrics: ResultTable) -> list[Tradeoff]:
    """Returns what each agent earns at what cost, in the order of the table.

    An agent that does not suit at least half of the scenarios is left out, for its mean would be of
    other worlds than everybody else's. Values are formed seed by seed, relative to uniform slates
    with the same people; the ends of a scenario's scale, means over seeds, are taken as known.

    Args:
      table: of the runs.
      metrics: what was measured of them.
    """
    found: dict[str, dict[str, tuple[BySeed, BySeed, BySeed]]] = {}
    for rungs in ladder(table):
        for agent, values in _in_scenario(table, metrics, rungs.scenario, rungs.reference).items():
            found.setdefault(agent, {})[rungs.scenario] = values
    most = max((len(by_scenario) for by_scenario in found.values()), default=0)
    kept = {agent: values for agent, values in found.items() if 2 * len(values) >= most}
    return [
        Tradeoff(
            agent, tuple(values), *(_mean(part) for part in zip(*values.values(), strict=True))
        )
        for agent, values in kept.items()
        if _shared(part for each in values.values() for part in each)
    ]


def _in_scenario(
    table: ResultTable, metrics: ResultTable, scenario: str, reference: str
) -> dict[str, tuple[BySeed, BySeed, BySeed]]:
    """Returns agent to score, diversity and evenness by seed; none where one is not measured."""
    returns = final_by_seed(table, scenario)
    diversity = metric_by_seed(metrics, scenario, DIVERSITY)
    gini = metric_by_seed(metrics, scenario, UNEVENNESS)
    even = {agent: {s: 1 - each for s, each in by.items()} for agent, by in gini.items()}
    kinds = (returns, diversity, even)
    if not all(BASELINE in kind for kind in kinds):
        return {}
    base = [kind[BASELINE] for kind in kinds]
    floor = [_average(each) for each in base]
    span = _average(returns[reference]) - floor[0]
    units = (span, floor[1], floor[2])
    if min(units) <= 0:
        return {}
    found = {}
    for agent in returns:
        if agent in diversity and agent in even:
            own = [kind[agent] for kind in kinds]
            gains = [_relative(*each) for each in zip(own, base, units, strict=True)]
            score, more_diverse, more_even = gains
            found[agent] = (score, _beyond(more_diverse), _beyond(more_even))
    return found


def _relative(own: BySeed, base: BySeed, unit: float) -> BySeed:
    """Returns how many units more than the baseline with the same seed."""
    return {seed: (own[seed] - base[seed]) / unit for seed in own if seed in base}


def _beyond(gain: BySeed) -> BySeed:
    return {seed: 1 + value for seed, value in gain.items()}


def _average(values: BySeed) -> float:
    return sum(values.values()) / len(values)


def _shared(parts: Iterable[BySeed]) -> list[int]:
    return sorted(set.intersection(*(set(part) for part in parts)))


def _mean(by_scenario: tuple[BySeed, ...]) -> Estimate:
    """Returns the estimate of the mean over scenarios, by the seeds that all have."""
    seeds = _shared(by_scenario)
    return estimate([sum(each[s] for each in by_scenario) / len(by_scenario) for s in seeds])
