"""What the seeds of a benchmark say about one scenario, in sentences for reports and terminals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from recsim_env.agent_registry import is_reference
from recsim_env.results.intervals import normalized_score, paired_values
from recsim_env.results.pairs import BySeed, best_set
from recsim_env.results.power import detectable_difference
from recsim_env.results.sequential import noted_decisions
from recsim_env.results.standings import BASELINE, best_reference, final_by_seed
from recsim_env.results.table import ResultTable

POWER = 0.8
"""With which probability a detectable difference would have been shown."""


TWO_SEEDS = (
    "Two seeds are few: their one degree of freedom shows only differences far larger than what "
    "seeds do, and takes it on trust that returns are normal; take five or more."
)
"""What is said beside whatever two seeds show."""


@dataclass(frozen=True)
class Detectable:
    """How small a difference of two agents the seeds of a scenario could have shown.

    Attributes:
      n: the seeds that the agents share, most often.
      alone: in return, as a single comparison; the median over pairs of agents that learn.
      among_all: likewise, as one of the comparisons with all the others.
      scale: return from uniform to the best reference, by which a return becomes a score; None
        where the reference does not beat uniform.
    """

    n: int
    alone: float
    among_all: float
    scale: float | None


def learners(table: ResultTable, scenario: str) -> dict[str, BySeed]:
    """Returns agent to seed to final return, of the agents that are no references.

    Raises:
      ValueError: the table has no finished run of the scenario.
    """
    returns = final_by_seed(table, scenario)
    return {agent: r for agent, r in returns.items() if not is_reference(agent)}


def detectable(table: ResultTable, scenario: str, level: float = 0.05) -> Detectable | None:
    """Returns how small a difference could have been shown; None where no two agents share seeds.

    Raises:
      ValueError: as in `learners`, or of `detectable_difference`.
    """
    returns = learners(table, scenario)
    names = list(returns)
    couples = [(a, b) for place, a in enumerate(names) for b in names[place + 1 :]]
    shared = [(a, b) for a, b in couples if len(set(returns[a]) & set(returns[b])) > 1]
    if not shared:
        return None
    differences = [paired_values(returns[a], returns[b]) for a, b in shared]
    alone, among_all = (
        median(detectable_difference(each, level / m, POWER) for each in differences)
        for m in (1, len(names) - 1)
    )
    n = round(median(len(each) for each in differences))
    return Detectable(n, alone, among_all, scale_of(table, scenario))


def scale_of(table: ResultTable, scenario: str) -> float | None:
    """Returns the mean return from uniform to the best reference, or None where that is no scale.

    Raises:
      ValueError: the table has no finished run of the scenario.
    """
    returns = final_by_seed(table, scenario)
    try:
        reference = returns[best_reference(table, scenario)]
        normalized_score(reference, returns[BASELINE], reference)
    except (KeyError, ValueError):
        return None
    return float(paired_values(reference, returns[BASELINE]).mean())


def verdicts(table: ResultTable, scenario: str) -> Iterator[str]:
    """Yields what the seeds say about who is the best that learns, and what they cannot say.

    Raises:
      ValueError: the table has no finished run of the scenario.
    """
    returns = learners(table, scenario)
    if len(returns) < 2:
        return
    if max(map(len, returns.values())) == 1:
        yield "One seed gives no interval and shows no difference; three or more do."
        return
    yield from _best(table, scenario, returns)
    found = detectable(table, scenario)
    if found is not None and found.alone > 0.0:
        alone, among_all = (_in_score(d, found.scale) for d in (found.alone, found.among_all))
        among = f"; as one of all comparisons, of {among_all}" if len(returns) > 2 else ""
        yield (
            f"Of two agents, {found.n} seeds show a difference of {alone} with {POWER:.0%} "
            f"probability{among}.".replace("%", " %")
        )


def _best(table: ResultTable, scenario: str, returns: dict[str, BySeed]) -> Iterator[str]:
    """Yields who may be the best, by the rule of seeds that were added until it was decided."""
    rule, found = noted_decisions(table) or (None, [])
    for decision in found:
        if rule and decision.scenario == scenario:
            yield decision.sentence()
            yield (
                f"Seeds were added {rule.group} at a time until then; intervals are those of a "
                "fixed number of seeds, and promise too much of such a sequence."
            )
            return
    chosen = set(best_set(returns))
    means = {agent: sum(by_seed.values()) / len(by_seed) for agent, by_seed in returns.items()}
    names = sorted(chosen, key=lambda agent: (-means[agent], agent))
    who = f"is {names[0]}" if len(names) == 1 else f"is one of {', '.join(names)}"
    n = len(returns) - 1
    family = f"Bonferroni over an agent's {n} comparisons with the others" if n > 1 else ""
    yield (
        f"With 95 % confidence the best of the {len(returns)} agents that learn {who} (best set: "
        f"one-sided t-tests paired by seed{f', {family}' if family else ''})."
    )
    if min(map(len, returns.values())) == 2:
        yield TWO_SEEDS


def _in_score(difference: float, scale: float | None) -> str:
    text = f"{difference:,.0f}" if difference >= 1000 else f"{difference:.3g}"
    return text if scale is None else f"{text} ({difference / scale:.2g} of the score)"
