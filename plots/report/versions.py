"""Versions of the packages that played the runs."""

from recsim_env.plots.report.page import Page, Section, markdown_table


def _versions(page: Page) -> str:
    versions = page.table.read_versions()
    if not versions:
        return ""
    rows = [[name, str(version)] for name, version in versions.items()]
    return f"## Versions\n\n{markdown_table(['package', 'version'], rows)}"


SECTION = Section(_versions)
