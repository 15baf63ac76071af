"""Commands that draw the page anew, and play the runs again."""

from recsim_env.plots.report.page import Page, Section


def _how_to_redraw(page: Page) -> str:
    settings = page.table.read_settings()
    commands = [*settings.get("earlier_commands", []), settings.get("command", "")]
    what = (
        "This page and its figures"
        if page.figures >= set(page.known_figures)
        else "This page with all its figures"
    )
    text = (
        f"## How to redraw and repeat\n\n{what}, from `rows.csv` alone, in this folder:\n\n"
        "    recsim-env plot ."
    )
    if any(commands):
        text += "\n\nThe runs (finished ones are kept: use a new folder):\n\n    "
        text += "\n    ".join(filter(None, commands))
    return text


SECTION = Section(_how_to_redraw)
