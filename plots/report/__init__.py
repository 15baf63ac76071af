"""The report of a benchmark: figures and a short text, written from the result table alone.

Each module holds one section; `assembly` lists them in order. A section of one's own is a module
with a `SECTION`, and a line in that list.
"""

from recsim_env.plots.report.assembly import FIGURES, draw_report, figures_shown, write_report

__all__ = ["FIGURES", "draw_report", "figures_shown", "write_report"]
