"""Commands that draw the page anew, and play the runs again."""

from recsim_env.plots.report.page import Page, Section
from recsim_env.results.metrics import METRIC_ROWS


def _how_to_redraw(page: Page) -> str:
    settings = page.table.read_settings()
    commands = [*settings.get("earlier_commands", []), settings.get("command", "")]
    what = (
        "This page and its figures"
        if page.figures >= set(page.known_figures)
        else "This page with all its figures"
    )
    has_metrics = (page.table.folder / METRIC_ROWS.file).exists()
    source = f"`rows.csv` and `{METRIC_ROWS.file}`" if has_metrics else "`rows.csv` alone"
    text = (
        f"## How to redraw and repeat\n\n{what}, from {source}, in this folder:\n\n"
        "    recsim-env plot ."
    )
    if any(commands):
        text += "\n\nThe runs (finished ones are kept: use a new folder):\n\n    "
        text += "\n    ".join(filter(None, commands))
    return text


SECTION = Section(_how_to_redraw)
