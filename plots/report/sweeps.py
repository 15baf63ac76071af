"""How agents fare with the settings that a sweep compares."""

import re

from recsim_env.plots import style
from recsim_env.plots.captions import interactions, seeds_and_intervals, with_interval
from recsim_env.plots.report.page import Page, Section, markdown_table
from recsim_env.plots.sweep import draw_sweep, spent_by
from recsim_env.results.standings import BASELINE, REFERENCE
from recsim_env.results.sweeps import Sweep, shown_value, sweeps

SWEEP = "sweep"


def _sweeps(page: Page) -> str:
    return "\n\n".join(_sweep(page, sweep) for sweep in sweeps(page.table))


def _sweep(page: Page, sweep: Sweep) -> str:
    name = style.short_name(sweep.scenario)
    parts = [f"## {name} by {' and '.join(sweep.values)}", _table(sweep), f"*{_caption(sweep)}*"]
    for setting in sweep.values if SWEEP in page.figures else ():
        file = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{SWEEP}-{name}-{setting}")
        what = "Score" if sweep.is_scored else "Return"
        meaning = f"{what} in the final evaluation against `{setting}`"
        try:
            parts.append(page.figure(f"{file}.png", meaning, draw_sweep(sweep, setting)[0]))
        except ValueError as error:
            parts.append(f"No figure of `{setting}`: {error}.")
    return "\n\n".join(parts)


def _table(sweep: Sweep) -> str:
    head = ["agent", *sweep.of_scenario, "return [interval]"]
    head += ["score [interval]"] if sweep.is_scored else []
    rows, best = [], sweep.best
    for point in sweep.points:
        values = [shown_value(point.settings[name]) for name in sweep.of_scenario]
        agent = f"**{point.agent}**" if point in best else point.agent
        row = [agent, *values, with_interval(point.episode_return)]
        rows.append([*row, with_interval(point.score)] if point.score and sweep.is_scored else row)
    return markdown_table(head, rows, ["---", *["---:"] * (len(head) - 1)])


def _caption(sweep: Sweep) -> str:
    spent = interactions(spent_by(sweep.points))
    returns = seeds_and_intervals(point.episode_return for point in sweep.points)
    found = {p.score.method for p in sweep.points if p.score and p.score.has_interval}
    of_each = " at each combination of the scenario's settings" if sweep.of_scenario else ""
    text = f"After {spent}. Bold: the best that learns{of_each}. Returns: {returns}."
    if sweep.is_scored:
        text += f" Scores: {BASELINE} 0 and {REFERENCE} 1 with the same settings of the scenario"
        text += f"; {', '.join(sorted(found))}, paired by seed." if found else "."
    return text


SECTION = Section(_sweeps, (SWEEP,))
