"""The page as text: a template, filled with what the folder holds, and the scripts that draw it."""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import re
from collections.abc import Iterable
from importlib import resources
from typing import Any

import altair
import jinja2
import vl_convert
from markupsafe import Markup

from recsim_env.plots.page import about, figures
from recsim_env.plots.page.by_scenario import scenario_part
from recsim_env.plots.page.looks import Look, in_order
from recsim_env.plots.page.overall import ladder_board, over_all
from recsim_env.plots.page.visits import visits_of
from recsim_env.plots.page.wording import embedded
from recsim_env.results.metrics import metric_table
from recsim_env.results.table import ResultTable
from recsim_env.results.visits import read_visits

_SCRIPTS = ("tables.js", "rows.js", "session.js", "page.js")
_MANY = 4
_LIGHT, _DARK = "/* light colours of agents */", "/* dark colours of agents */"


def document_of(folder: str | os.PathLike[str]) -> str:
    """Returns the page of a benchmark's folder.

    Raises:
      ValueError: the folder has no complete run.
    """
    table = ResultTable(folder)
    if not table.rows():
        raise ValueError(f"{os.fspath(folder)!r} has no complete run; start a benchmark there")
    finals = table.rows(phase="final")
    looks = in_order({row["agent"] for row in finals})
    numbers = {look.name: number for number, look in enumerate(looks)}
    measured, settings = metric_table(folder), table.read_settings()
    visits = read_visits(folder)
    parts = [
        scenario_part(table, measured, each, numbers, visits_of(visits, each, numbers))
        for each in table.scenarios()
    ]
    ladder = ladder_board(table, numbers)
    scripts = [vega(), *(Markup(_text(name)) for name in _SCRIPTS)]
    return _template().render(
        title=_title([each.name for each in parts]),
        summary=_summary(table),
        ladder=ladder,
        over_all=over_all(table, numbers),
        about={
            "failures": about.failures(table),
            "left_out": about.left_out(settings),
            "settings": about.settings_tables(settings),
            "versions": about.versions_table(table.read_versions()),
            "commands": about.commands(settings),
        },
        policy=_policy(scripts),
        style=_style(looks),
        looks=looks,
        scenarios=parts,
        figures=figures.FIGURES,
        page_data=Markup(embedded(_page_data(looks))),
        scripts=scripts,
    )


def _title(scenarios: list[str]) -> str:
    many = len(scenarios) > _MANY
    return f"Benchmark: {f'{len(scenarios)} scenarios' if many else ', '.join(scenarios)}"


def _summary(table: ResultTable) -> str:
    finals, failed = table.rows(phase="final"), table.rows(phase="failed")
    agents = {row["agent"] for row in finals}
    return f"{len(finals)} finished and {len(failed)} failed runs of {len(agents)} agents."


def _page_data(looks: Iterable[Look]) -> dict[str, Any]:
    return {
        "agents": [
            {"name": look.name, "shape": look.shape, "dashes": look.dashes} for look in looks
        ],
        "figures": figures.specifications(),
        "absent": {figure.name: figure.absent for figure in figures.FIGURES},
    }


@functools.cache
def vega() -> Markup:
    """Returns the script of Vega, Vega-Lite and Vega-Embed, out of the installed package."""
    version = ".".join(altair.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", version)
    # A string could end the script element; it is still the same string so.
    return Markup(script.replace("</script", "<\\/script").replace("<!--", "<\\!--"))


def _policy(scripts: Iterable[str]) -> str:
    """Returns what the browser may do: run these scripts, and ask nobody for anything."""
    hashes = (base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in scripts)
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    # Vega compiles the expressions of its specifications.
    return (
        f"default-src 'none'; script-src {allowed} 'unsafe-eval'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _style(looks: list[Look]) -> Markup:
    """Returns the style sheet, with a variable for each agent's colour, by light and by dark."""
    light = "".join(f"--agent-{n}: {look.color}; " for n, look in enumerate(looks))
    dark = "".join(f"--agent-{n}: {look.dark_color}; " for n, look in enumerate(looks))
    return Markup(_text("page.css").replace(_LIGHT, light).replace(_DARK, dark))


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        loader=jinja2.FunctionLoader(_text),
    )
    environment.filters["breakable"] = _breakable
    return environment.get_template("page.html")


def _breakable(text: str) -> Markup:
    """Returns text that may be broken within a name of several words: LongTerm, at_once, a-b."""
    parts = re.split(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[_-])(?!$)", text)
    return Markup("<wbr>").join(parts)


def _text(name: str) -> str:
    return resources.files("recsim_env.plots.page").joinpath(name).read_text(encoding="utf-8")
