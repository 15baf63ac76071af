"""The page of a benchmark: one file to look at in a browser, complete without a network.

Python computes what is shown, from the folder's files alone, and writes all tables as HTML, so that
they can be read without scripts and printed. The figures are Vega-Lite's; they are drawn in the
browser, as SVG, so that colours follow dark, light and paper by CSS alone.
"""

from __future__ import annotations

import os
from pathlib import Path

FILE = "report.html"
"""The name of the page in a benchmark's folder."""

_NEEDED = ("altair", "jinja2", "matplotlib", "vl_convert")


def write_page(folder: str | os.PathLike[str]) -> Path:
    """Writes `report.html` into a benchmark's folder, and returns its path.

    Only the folder's files are read, and the same files give the same bytes. The page asks for
    nothing over a network: styles, scripts and data are inside.

    Args:
      folder: of the benchmark.

    Raises:
      ValueError: the folder has no complete run.
      ModuleNotFoundError: a package that it needs is missing; the message names the extra.
    """
    try:
        from recsim_env.plots.page.document import document_of
    except ModuleNotFoundError as error:
        if error.name not in _NEEDED:
            raise
        message = 'the page needs Altair and vl-convert: pip install "recsim-env[page]"'
        raise ModuleNotFoundError(message, name=error.name) from error
    from recsim_env.formats.files import replace_file

    file = Path(folder) / FILE
    replace_file(file, document_of(folder))
    return file
