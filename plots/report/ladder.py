"""How far agents get in all scenarios."""

from recsim_env.plots.ladder import draw_ladder, ladder_caption, ladder_table
from recsim_env.plots.report.page import Page, Section
from recsim_env.results.standings import ladder

LADDER = "ladder"


def _all_scenarios(page: Page) -> str:
    """Returns what all scenarios say together, where several have a scale."""
    table = page.table
    if len(ladder(table)) < 2:
        return ""
    parts = ["## All scenarios", ladder_table(table), f"*{ladder_caption(table)}*"]
    if LADDER in page.figures:
        meaning = "How far each family of agents gets"
        parts.insert(1, page.figure(f"{LADDER}.png", meaning, draw_ladder(table)))
    return "\n\n".join(parts)


SECTION = Section(_all_scenarios, (LADDER,))
