"""Tables of the page: what stands in a cell and what it sorts by; the leaderboard of a scenario."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recsim_env.plots import style
from recsim_env.plots.captions import number, with_interval
from recsim_env.plots.page.wording import short
from recsim_env.results.intervals import Estimate
from recsim_env.results.standings import BASELINE, REFERENCE, Standing


@dataclass(frozen=True)
class Whisker:
    """Where a mean and its interval stand on a scale from 0 to 100.

    Attributes:
      mean, low, high: places; the ends of the interval are those of the mean where it has none.
      zero, one: where the scale's marks stand, and None where it has no such.
    """

    mean: float
    low: float
    high: float
    zero: float | None
    one: float | None


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
      text: what is read.
      value: what it sorts by; None, which comes last, of a cell that says nothing.
      agent: number of the agent that it names, whose marker stands before it.
      whisker: an interval to draw in it.
      heat: share of the scale, from 0 to 1, that shades it.
      mark: "best" or "tied" of what a column has as its best.
      hint: what is told when a pointer rests on it.
    """

    text: str
    value: float | str | None = None
    agent: int | None = None
    whisker: Whisker | None = None
    heat: float | None = None
    mark: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Column:
    """The head of a column: its title, what it means, and whether it holds numbers."""

    title: str
    meaning: str = ""
    is_number: bool = True


@dataclass(frozen=True)
class Table:
    """A table that can be sorted by any column; the first that is no number heads each row."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


def leaderboard(ranked: Sequence[Standing], numbers: Mapping[str, int], caption: str) -> Table:
    """Returns who ranks where in a scenario, with intervals as text and drawn.

    Args:
      ranked: agents, the best first.
      numbers: agent to its number on the page.
      caption: what to say about the numbers.
    """
    is_scored = all(each.score for each in ranked)
    drawn = [(each.score if is_scored else None) or each.episode_return for each in ranked]
    whiskers = whiskers_of(drawn, is_scored=is_scored)
    columns = [
        Column("rank"),
        Column("agent", is_number=False),
        Column("return", "reward per episode of the final evaluation"),
        Column("score", f"{BASELINE} = 0, {REFERENCE} = 1"),
        Column("", "score with its interval" if is_scored else "return with its interval"),
        Column("click rate", "clicks per shown slate"),
        Column("lead", "difference of returns to the next agent, paired by seed"),
        Column("seconds", "duration of a run"),
    ]
    rows = []
    for place, (each, whisker) in enumerate(zip(ranked, whiskers, strict=True), start=1):
        rows.append(
            [
                Cell(str(place), place),
                Cell(each.agent, each.agent, agent=numbers[each.agent]),
                estimated(each.episode_return),
                estimated(each.score),
                Cell("", short(whisker.mean), whisker=whisker, agent=numbers[each.agent]),
                numeric(each.click_rate),
                estimated(each.lead),
                numeric(each.wall_seconds, decimals=1),
            ]
        )
    return Table(caption, columns, rows)


def estimated(found: Estimate | None) -> Cell:
    """Returns a cell of a mean with its interval; a dash of what is not known."""
    return Cell("–") if found is None else Cell(with_interval(found), short(found.mean))


def numeric(value: float, decimals: int | None = None) -> Cell:
    """Returns a cell of a number; a dash of what is not known."""
    return Cell(number(value, decimals), short(value))


def whiskers_of(estimates: Sequence[Estimate], *, is_scored: bool) -> list[Whisker]:
    """Returns where estimates stand on the scale that holds them all, with the marks of a score."""
    low, high = style.limits(estimates, [0.0, 1.0] if is_scored else [])

    def place(value: float, otherwise: float) -> float:
        share = (value if math.isfinite(value) else otherwise) - low
        return round(100.0 * min(max(share / (high - low), 0.0), 1.0), 1)

    return [
        Whisker(
            mean=place(each.mean, low),
            low=place(each.low, low if each.has_interval else each.mean),
            high=place(each.high, high if each.has_interval else each.mean),
            zero=place(0.0, low) if is_scored else None,
            one=place(1.0, high) if is_scored else None,
        )
        for each in estimates
    ]
