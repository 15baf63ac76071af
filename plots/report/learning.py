"""How fast the agents of each scenario learn, and how long that takes."""

from __future__ import annotations

import math

from recsim_env.plots import style
from recsim_env.plots.captions import number, seeds_and_intervals, with_interval
from recsim_env.plots.report.page import Page, Section, markdown_table
from recsim_env.results.learning import SHARES, LearningSpeed, Reached, learning_speeds
from recsim_env.results.metrics import PEAK, metric_table
from recsim_env.results.standings import BASELINE, best_reference, standings

_OF_MEMORY = (
    " MiB: the most memory that the process of a run had meanwhile, with all that it had loaded, "
    "as far as that was measured."
)


def _learning(page: Page) -> str:
    finished = {row["scenario"] for row in page.table.rows(phase="final")}
    parts = [_scenario(page, each) for each in page.table.scenarios() if each in finished]
    return "\n\n".join(["## How fast they learn", *parts]) if any(parts) else ""


def _scenario(page: Page, scenario: str) -> str:
    speeds = learning_speeds(page.table, scenario)
    if not speeds:
        return ""
    peaks = _peaks(page, scenario)
    seconds = {each.agent: each.wall_seconds for each in standings(page.table, scenario)}
    head = [
        "agent",
        "area [interval]",
        *(f"{100 * share:g} % of the way" for share in SHARES),
        "seconds",
        *(["MiB"] if peaks else []),
    ]
    rows = [
        [
            each.agent,
            with_interval(each.area),
            *(_cell(each.reached[share]) for share in SHARES),
            number(seconds.get(each.agent, math.nan), 1),
            *([number(peaks.get(each.agent, math.nan), 0)] if peaks else []),
        ]
        for each in speeds
    ]
    reference = best_reference(page.table, scenario)
    return "\n\n".join(
        [
            f"### {style.short_name(scenario)}",
            markdown_table(head, rows, ["---", *["---:"] * (len(head) - 1)]),
            f"*{_caption(speeds, reference)}{_OF_MEMORY if peaks else ''}*",
        ]
    )


def _caption(speeds: list[LearningSpeed], reference: str) -> str:
    return (
        f"Area: the mean of the learning curve, from {BASELINE} (0) to {reference} (1), "
        f"{seeds_and_intervals(each.area for each in speeds)}. Of the way: interactions until "
        "an evaluation first got so far, of the median seed, and how many seeds did; more than all "
        "interactions (>) where that seed never did. Seconds: of a whole run, evaluations included."
    )


def _peaks(page: Page, scenario: str) -> dict[str, float]:
    """Returns agent to the mean peak of memory over its runs, where that was measured."""
    found: dict[str, list[float]] = {}
    for row in metric_table(page.table.folder).rows(phase="final", scenario=scenario):
        if not math.isnan(row[PEAK]):
            found.setdefault(row["agent"], []).append(row[PEAK])
    return {agent: sum(values) / len(values) for agent, values in found.items()}


def _cell(found: Reached) -> str:
    count = f"{found.n_reached} of {found.n_seeds}"
    if math.isinf(found.interactions):
        return f"> {found.limit:,} ({count})"
    return f"{found.interactions:,.0f} ({count})"


SECTION = Section(_learning)
