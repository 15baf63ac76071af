"""`python -m docs.website [FOLDER]` builds the website; a broken link or reference fails."""

import sys
from pathlib import Path

from sphinx.cmd.build import main as sphinx_build

from docs.website import agents, api, scenarios
from docs.website.staging import stage
from recsim_env.results.table import ResultTable

ROOT = Path(__file__).parents[2]

_REPORTS = """# All reports

What `recsim-env benchmark`, `ablate` and `rank` wrote into the folders of kept results.

```{toctree}
:glob:

*/*
*/*/*
```
"""


def build(folder: Path) -> int:
    """Builds the site into `folder`/html, and returns the exit status."""
    source = folder / "source"
    ladder = ResultTable(ROOT / "docs" / "results" / "ladder")
    of_scenarios, pictures = scenarios.pages(ladder, folder / "pictures")
    written = {**api.pages(ROOT), **of_scenarios, **agents.pages(ladder)}
    stage(ROOT, source, {**written, "results/reports.md": _REPORTS}, pictures)
    folders = ["-c", str(Path(__file__).parent), "-d", str(folder / "doctrees")]
    where = [str(source), str(folder / "html")]
    return sphinx_build(["-q", "--fail-on-warning", "--keep-going", *folders, *where])


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1] if len(sys.argv) > 1 else "build/docs")))
