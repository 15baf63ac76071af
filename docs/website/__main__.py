"""`python -m docs.website [FOLDER]` builds the website; a broken link or reference fails."""

import os
import sys
from pathlib import Path

from sphinx.cmd.build import main as sphinx_build

from docs.website import agents, api, scenarios, source
from docs.website.staging import stage
from recsim_env.results.table import ResultTable

ROOT = Path(__file__).parents[2]


def build(folder: Path) -> int:
    """Builds the site into `folder`/html, and returns the exit status."""
    staged = folder / "source"
    ladder = ResultTable(ROOT / "docs" / "results" / "ladder")
    written = api.written(ROOT) | agents.written(ladder) | source.examples() | source.linked()
    stage(ROOT, staged, written | scenarios.written(ladder, folder / "pictures"))
    os.environ.setdefault("TQDM_DISABLE", "1")  # widgets, which no page has
    folders = ["-c", str(Path(__file__).parent), "-d", str(folder / "doctrees")]
    where = [str(staged), str(folder / "html")]
    return sphinx_build(["-q", "--fail-on-warning", "--keep-going", *folders, *where])


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1] if len(sys.argv) > 1 else "build/docs")))
