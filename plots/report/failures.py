"""Runs that failed, with their errors."""

from recsim_env.plots import style
from recsim_env.plots.report.page import Page, Section


def _failures(page: Page) -> str:
    failed = page.table.rows(phase="failed")
    if not failed:
        return ""
    parts = ["## Failed runs", "The same command tries them again."]
    for row in failed:
        error = "\n".join(f"    {line}" for line in row["error"].splitlines())
        parts.append(
            f"{style.short_name(row['scenario'])}, {row['agent']}, seed {row['seed']}:\n\n{error}"
        )
    return "\n\n".join(parts)


SECTION = Section(_failures)
