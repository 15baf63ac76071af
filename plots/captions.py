"""What a figure or a table must say about its numbers: seeds, interactions, kind of interval."""

from __future__ import annotations

from collections.abc import Iterable

from recsim_env.agent_registry import is_reference
from recsim_env.results.intervals import Estimate
from recsim_env.results.shared_runs import SharedRuns
from recsim_env.results.table import ResultTable
from recsim_env.results.wording import number, with_interval

__all__ = [
    "interactions",
    "learned_from",
    "number",
    "over_scenarios",
    "seeds",
    "seeds_and_intervals",
    "with_interval",
]


def interactions(counts: Iterable[int]) -> str:
    """Returns how many interactions the runs had, as one number or a range.

    Beside others, those of agents that were made elsewhere, which have none, do not count.

    >>> interactions([0, 20_000, 20_000]), interactions([5_000, 20_000])
    ('20,000 interactions', '5,000 to 20,000 interactions')
    """
    found = sorted(set(counts))
    found = [count for count in found if count] or found
    return f"{_range(found, ',')} interactions"


def learned_from(table: ResultTable) -> str:
    """Returns how many interactions the agents that learn had in a benchmark."""
    finals = table.rows(phase="final")
    return interactions(row["interactions"] for row in finals if not is_reference(row["agent"]))


def over_scenarios(
    table: ResultTable, runs: SharedRuns, estimates: Iterable[Estimate], drawn: str
) -> str:
    """Returns what is behind numbers over scenarios: agents, scenarios, seeds, kind of interval.

    Args:
      table: of the benchmark.
      runs: those that the numbers are of.
      estimates: all that were drawn.
      drawn: what shows the intervals.
    """
    counts = sorted(set(runs.seed_counts))
    methods = sorted({each.method for each in estimates if each.has_interval})
    shown = f"{drawn}: {', '.join(methods)}" if methods else "one seed gives no interval"
    return (
        f"{len(runs.agents)} agents in {len(runs.scenarios)} scenarios, {_range(counts)} "
        f"{'seed' if counts == [1] else 'seeds'} each after {learned_from(table)}, {shown}"
    )


def seeds_and_intervals(estimates: Iterable[Estimate], drawn: str = "intervals") -> str:
    """Returns how many seeds are behind the estimates and which intervals go with them.

    Args:
      estimates: all that were drawn or printed.
      drawn: what shows the intervals, such as bands.

    >>> seeds_and_intervals([Estimate(1.0, 0.5, 1.5, 3, "95 % Student t")], "bands")
    'mean of 3 seeds, bands: 95 % Student t'
    """
    found = list(estimates)
    methods = sorted({each.method for each in found if each.has_interval})
    shown = f"{drawn}: {', '.join(methods)}" if methods else "which gives no interval"
    unbounded = "; unbounded where none is shown" if any(e.is_unbounded for e in found) else ""
    return f"mean of {seeds(found)}, {shown}{unbounded}"


def seeds(estimates: Iterable[Estimate]) -> str:
    """Returns how many seeds are behind the estimates.

    >>> seeds([Estimate(1.0, 0.5, 1.5, 3, "95 % Student t")])
    '3 seeds'
    """
    counts = sorted({each.n for each in estimates})
    return f"{_range(counts)} {'seed' if counts == [1] else 'seeds'}"


def _range(counts: list[int], grouping: str = "") -> str:
    ends = dict.fromkeys((counts[0], counts[-1]))
    return " to ".join(format(count, grouping) for count in ends)
