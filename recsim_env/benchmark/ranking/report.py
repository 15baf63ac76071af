"""Tables of how well agents rank what a log holds out."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

from recsim_env.benchmark.ranking.protocol import RankingProtocol
from recsim_env.results.layout import Row

# With one right item a person, recall is the hit rate and precision a k-th of it.
_OF_SEVERAL = ("recall", "precision")


def as_table(rows: Iterable[Row], protocol: RankingProtocol, k: int) -> list[list[str]]:
    """Returns the lines of a table, a heading and then an agent each, the best NDCG first.

    Args:
      rows: of a ranking's `rows.csv`.
      protocol: as it was.
      k: which lists.
    """
    cells: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        if row["phase"] == "measure" and row["k"] == k:
            cells.setdefault(row["agent"], {}).setdefault(row["metric"], []).append(row)
    names = dict.fromkeys(name for found in cells.values() for name in found)
    if protocol.protocol == "leave-one-out":
        names = {name: None for name in names if name not in _OF_SEVERAL}
    ranked = sorted(cells, key=lambda agent: -_mean(cells[agent]["NDCG"], "value"))
    heading = ["agent", *(f"{name}@{k}" for name in names)]
    return [heading, *([agent, *(_cell(cells[agent][name]) for name in names)] for agent in ranked)]


def _mean(rows: Sequence[Row], column: str) -> float:
    return math.fsum(row[column] for row in rows) / len(rows)


def _cell(rows: Sequence[Row]) -> str:
    """Returns the mean over seeds, its interval over people, and the deviation between seeds."""
    text = f"{_mean(rows, 'value'):.3f}"
    if math.isfinite(rows[0]["low"]):
        text += f" [{_mean(rows, 'low'):.3f}, {_mean(rows, 'high'):.3f}]"
    if len(rows) > 1:
        text += f" ±{statistics.stdev(row['value'] for row in rows):.3f}"
    return text


def legend(rows: Sequence[Row], protocol: RankingProtocol) -> str:
    """Returns what the numbers in the cells mean."""
    seeds: dict[str, set[int]] = {}
    for row in rows:
        seeds.setdefault(row["agent"], set()).add(row["seed"])
    fewest, most = (pick(map(len, seeds.values()), default=0) for pick in (min, max))
    text = "Means over people [95 % Wilson interval over people"
    n_seeds = f"{most}" if fewest == most else f"{fewest} to {most}"
    text += f", averaged over {n_seeds} seeds]" if most > 1 else "]"
    if fewest < most:
        counts = ", ".join(f"{agent} {len(found)}" for agent, found in seeds.items())
        text += f" (of each: {counts})"
    if most > 1:
        drawn = "" if protocol.negatives is None else "negatives, "
        text += f" ± standard deviation over seeds ({drawn}fits, order of ties)"
    if protocol.negatives is None:
        text += ". Coverage and Gini are of all lists together"
    return text + "."


def described(protocol: RankingProtocol) -> str:
    """Returns what is held out and ranked, in a sentence."""
    if protocol.protocol == "time":
        held_out = f"the latest {100 * protocol.held_out:g} % of all rows are held out"
    else:
        held_out = "everybody's last row is held out"
    if protocol.negatives is None:
        return f"{held_out}; all items are ranked but those that the person had in training"
    return f"{held_out}; its item is ranked with {protocol.negatives} that the person never had"


def as_markdown(
    name: str,
    rows: Sequence[Row],
    protocol: RankingProtocol,
    about: Sequence[str],
    *,
    commands: Sequence[str] = (),
) -> str:
    """Returns the page of a ranking: what was asked, and a table for every k.

    Args:
      name: of the log.
      rows: of a ranking's `rows.csv`.
      protocol: as it was.
      about: sentences on the log's rows and people.
      commands: that made the rows.
    """
    sentence = described(protocol)
    lines = [f"# {name}: who ranks best", "", f"{sentence[0].upper()}{sentence[1:]}.", *about, ""]
    lines += [*(f"    {command}" for command in commands), ""] if commands else []
    for k in protocol.k:
        heading, *rest = as_table(rows, protocol, k)
        lines += [_line(heading), _line(["---"] + ["---:"] * (len(heading) - 1))]
        lines += [*map(_line, rest), ""]
    return "\n".join([*lines, legend(rows, protocol), ""])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
