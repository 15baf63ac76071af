"""What agents do to the people they serve, beside what these pay."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from recsim_env.plots import style
from recsim_env.plots.captions import seeds_and_intervals, with_interval
from recsim_env.plots.people import draw_people
from recsim_env.plots.report.page import Page, Section, markdown_table
from recsim_env.results.measured import MetricStanding, metric_standings
from recsim_env.results.metric import ONE_PERSON
from recsim_env.results.metrics import METRICS, N_MEASURED, NEEDS, metric_table
from recsim_env.results.people import TELLING
from recsim_env.results.standings import standings
from recsim_env.results.table import ResultTable

PEOPLE = "people"

_UNMEASURED = (
    "Not measured here. Repeat the benchmark with `--measure`: its runs are played again for their "
    "metrics, and its results stay; docs/understand/metrics.md says what there is."
)


def _people(page: Page) -> str:
    """Returns what was measured of people, scenario by scenario."""
    measured = metric_table(page.table.folder)
    known = measured.scenarios()
    finished = {row["scenario"] for row in page.table.rows(phase="final")}
    shown = [name for name in page.table.scenarios() if name in known and name in finished]
    head = "## What it does to people"
    if not shown:
        return f"{head}\n\n{_UNMEASURED}" if finished else ""
    about = (
        "Metrics of those who are served, in the evaluation at the end of learning, over its first "
        f"visits, at most {N_MEASURED}; docs/understand/metrics.md defines them."
    )
    return "\n\n".join([head, about, *(_scenario(page, measured, each) for each in shown)])


def _scenario(page: Page, measured: ResultTable, scenario: str) -> str:
    found = {name: metric_standings(measured, scenario, name) for name in TELLING}
    shown = [name for name in TELLING if found[name]]
    parts = [f"### {style.short_name(scenario)}"]
    if shown:
        agents = [each.agent for each in standings(page.table, scenario)]
        parts += _table(agents, {name: found[name] for name in shown})
    if missing := [name for name in TELLING if name not in shown]:
        parts.append(f"Not defined here: {_lacks(missing, _met(measured, scenario))}.")
    if shown and PEOPLE in page.figures:
        file = f"{PEOPLE}-{style.file_name(scenario)}.png"
        try:
            ax = draw_people(measured, scenario)
            parts.append(page.figure(file, "What is done to people while learning", ax))
        except ValueError as error:
            parts.append(f"No figure *{PEOPLE}*: {error}.")
    return "\n\n".join(parts)


def _table(agents: list[str], found: dict[str, list[MetricStanding]]) -> list[str]:
    """Returns a table of metrics by agent, and its caption."""
    cells = [{each.agent: each for each in of_all} for of_all in found.values()]
    rows = [[agent, *(_cell(column.get(agent)) for column in cells)] for agent in agents]
    head = ["agent", *(name.replace("_", " ") + _arrow(name) for name in found)]
    caption = (
        f"{seeds_and_intervals(each.value for of_all in found.values() for each in of_all)}; "
        "an asterisk: differs from uniform (paired by seed, 95 %); ↑ higher is better, ↓ lower is"
    )
    table = markdown_table(head, rows, ["---", *["---:"] * len(found)])
    return [table, f"*{caption[0].upper()}{caption[1:]}.*"]


def _cell(each: MetricStanding | None) -> str:
    if each is None:
        return "–"
    gap = each.difference
    differs = gap is not None and gap.has_interval and not gap.low <= 0 <= gap.high
    return with_interval(each.value) + ("\\*" if differs else "")


def _arrow(name: str) -> str:
    return {"higher": " ↑", "lower": " ↓", "": ""}[METRICS[name].better]


def _met(measured: ResultTable, scenario: str) -> set[str]:
    """Returns the needs that a scenario meets, since a metric that has them was measured there."""
    rows = measured.rows(scenario=scenario)
    there = [name for name in METRICS if any(math.isfinite(row[name]) for row in rows)]
    return {need for name in there for need in METRICS[name].needs}


def _lacks(missing: Iterable[str], met: Collection[str]) -> str:
    """Returns which metrics are missing, by what they lack."""
    lacking: dict[str, list[str]] = {}
    for name in missing:
        needs = METRICS[name].needs
        lacks = [need for need in needs if need not in met] or needs
        # All but platforms have episodes of one person, so another lack tells why.
        lacks = [need for need in lacks if need != ONE_PERSON] or lacks
        said = ", and ".join(NEEDS[need] for need in lacks)
        lacking.setdefault(said, []).append(name.replace("_", " "))
    return "; ".join(f"{', '.join(names)} (needs {said})" for said, names in lacking.items())


SECTION = Section(_people, (PEOPLE,))
