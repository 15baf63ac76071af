"""What the benchmark was: scenarios, runs and agents."""

from recsim_env.plots import style
from recsim_env.plots.report.page import Page, Section


def _head(page: Page) -> str:
    table = page.table
    finals, failed = table.rows(phase="final"), table.rows(phase="failed")
    agents = {row["agent"] for row in finals}
    return (
        f"# Benchmark: {', '.join(style.short_name(each) for each in table.scenarios())}\n\n"
        f"{len(finals)} finished and {len(failed)} failed runs of {len(agents)} agents."
    )


SECTION = Section(_head)
