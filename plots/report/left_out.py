"""Which agents do not suit a scenario."""

from typing import Any

from recsim_env.plots import style
from recsim_env.plots.report.page import Page, Section
from recsim_env.results.standings import REFERENCE
from recsim_env.results.table import ResultTable


def why_no_oracle(table: ResultTable, scenario: str) -> str:
    """Returns why the oracle cannot serve in a scenario, where the benchmark noted that."""
    reasons = [
        each["reason"]
        for each in _noted(table)
        if (each["scenario"], each["agent"]) == (scenario, REFERENCE)
    ]
    return "".join(reasons[:1])


def _left_out(page: Page) -> str:
    """Returns which agents do not suit a scenario, as the benchmark noted in its settings."""
    lines = [
        f"- {style.short_name(each['scenario'])}, {each['agent']}: {each['reason']}."
        for each in _noted(page.table)
    ]
    return "\n".join(["## Left out\n", *lines]) if lines else ""


def _noted(table: ResultTable) -> list[dict[str, Any]]:
    noted: list[dict[str, Any]] = table.read_settings().get("left_out", [])
    return noted


SECTION = Section(_left_out)
