r"""Tables of a benchmark for LaTeX documents that use the package booktabs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from recsim_env.results.intervals import Estimate
from recsim_env.results.pairs import BySeed, best_set
from recsim_env.results.standings import Standing, standings
from recsim_env.results.table import ResultTable
from recsim_env.results.verdicts import learners
from recsim_env.results.wording import number, with_interval

_ESCAPED = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "∞": r"$\infty$",
    "–": "--",
} | {character: f"\\{character}" for character in "&%$#_{}"}


def escaped(text: str) -> str:
    r"""Returns text as LaTeX prints it.

    >>> escaped("a_b & 50 % of {x}")
    'a\\_b \\& 50 \\% of \\{x\\}'
    """
    return "".join(_ESCAPED.get(character, character) for character in text)


def latex_tables(table: ResultTable) -> str:
    """Returns a table for each scenario, the agents from the highest return to the lowest.

    Bold is the agent that learns with the highest mean, italic those that are not significantly
    different from it, as of `best_set`.

    Args:
      table: results of the benchmark.

    Raises:
      ValueError: no run finished.
    """
    found = [
        _table(table, scenario)
        for scenario in table.scenarios()
        if table.rows(phase="final", scenario=scenario)
    ]
    if not found:
        raise ValueError(f"{str(table.folder)!r} has no finished run for a table")
    return "% needs \\usepackage{booktabs}\n" + "\n".join(found)


def _table(table: ResultTable, scenario: str) -> str:
    ranked = standings(table, scenario)
    returns = learners(table, scenario)
    best = [each.agent for each in ranked if each.agent in returns][:1]
    tied = best_set(returns) if _can_tell(returns.values()) else []
    name = scenario.removeprefix("recsim_env/")
    rows = [
        (
            _agent(each.agent, best, tied),
            escaped(with_interval(each.episode_return)),
            escaped(with_interval(each.score)) if each.score else "--",
            escaped(number(each.click_rate)),
        )
        for each in ranked
    ]
    return "\n".join(
        [
            r"\begin{table}",
            r"  \centering",
            f"  \\caption{{{escaped(_caption(name, ranked, tied))}}}",
            f"  \\label{{tab:{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')}}}",
            r"  \begin{tabular}{lrrr}",
            r"    \toprule",
            _line(("Agent", "Return", "Score", "Click rate")),
            r"    \midrule",
            *map(_line, rows),
            r"    \bottomrule",
            r"  \end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _can_tell(returns: Iterable[BySeed]) -> bool:
    """Returns whether there are two agents or more, each with two seeds or more."""
    counts = [len(by_seed) for by_seed in returns]
    return len(counts) > 1 and min(counts) > 1


def _agent(agent: str, best: Sequence[str], tied: Sequence[str]) -> str:
    name = escaped(agent)
    if agent in best:
        return f"\\textbf{{{name}}}"
    return f"\\textit{{{name}}}" if agent in tied else name


def _caption(name: str, ranked: list[Standing], tied: Sequence[str]) -> str:
    seeds = sorted({each.episode_return.n for each in ranked})
    spent = max(each.n_interactions for each in ranked)
    text = f"{name}: final evaluation after {spent:,} interactions, mean of "
    text += f"{' to '.join(map(str, dict.fromkeys((seeds[0], seeds[-1]))))} seeds"
    methods = sorted({e.method for e in _intervals(ranked)})
    text += f" with intervals ({', '.join(methods)})" if methods else ""
    text += ". Score: uniform 0, oracle 1." if any(each.score for each in ranked) else "."
    text += " Bold: the best that learns"
    return text + ("; italic: not significantly different from it." if tied else ".")


def _intervals(ranked: list[Standing]) -> list[Estimate]:
    found = [each.episode_return for each in ranked] + [each.score for each in ranked if each.score]
    return [each for each in found if each.has_interval]


def _line(cells: Sequence[str]) -> str:
    return f"    {' & '.join(cells)} \\\\"
