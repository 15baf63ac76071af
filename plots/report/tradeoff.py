"""What returns cost in diversity and in evenness of exposure."""

from recsim_env.plots.report.page import Page, Section
from recsim_env.plots.tradeoff import draw_tradeoff
from recsim_env.results.metrics import metric_table

TRADEOFF = "tradeoff"


def _tradeoff(page: Page) -> str:
    """Returns the figure; nothing where too little was measured."""
    if TRADEOFF not in page.figures:
        return ""
    try:
        axes = draw_tradeoff(page.table, metric_table(page.table.folder))
    except ValueError:
        return ""
    meaning = "Score against diversity of consumption, and against evenness of items' exposure"
    figure = page.figure(f"{TRADEOFF}.png", meaning, axes[0])
    about = (
        "Means over the scenarios that suit an agent, of those who suit at least half, with the "
        "same people for all. Diversity is that of what a person consumes in one visit "
        "(`consumed_diversity`), evenness 1 less the Gini coefficient of items' exposure "
        "(`exposure_gini`), both in units of what uniform slates give."
    )
    return f"## What returns cost\n\n{figure}\n\n{about}"


SECTION = Section(_tradeoff, (TRADEOFF,))
