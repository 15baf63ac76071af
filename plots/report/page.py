"""What sections of a report are made of, and are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from recsim_env.plots import style
from recsim_env.results.table import ResultTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Page:
    """A report that is being written.

    Attributes:
      table: results of the benchmark; figures are written into its folder.
      figures: which to draw.
      known_figures: all that could be drawn.
      formats: in which figures are written too, beside .png.
      files: of the figures that were written so far.
    """

    table: ResultTable
    figures: frozenset[str]
    known_figures: tuple[str, ...]
    formats: tuple[str, ...] = ()
    files: list[str] = field(default_factory=list)

    def figure(self, file: str, meaning: str, ax: Axes) -> str:
        """Writes a figure, and returns what shows it with its caption.

        Args:
          file: its name, with `.png`.
          meaning: what is to be seen there, as the beginning of the caption.
          ax: where it was drawn; `style.dress` gave it the rest of the caption.
        """
        for kind in dict.fromkeys(("png", *self.formats)):
            style.write_figure(ax, (self.table.folder / file).with_suffix(f".{kind}"))
        self.files.append(file)
        return f"![{meaning}]({file})\n\n*{meaning}: {style.caption_of(ax)}.*"


@dataclass(frozen=True)
class Section:
    """One part of a report.

    Attributes:
      write: returns its Markdown, with its heading; nothing where there is nothing to tell.
      figures: names of those that it draws where they are among `Page.figures`.
    """

    write: Callable[[Page], str]
    figures: tuple[str, ...] = ()


def markdown_table(
    head: Sequence[str], rows: Iterable[Sequence[str]], align: Sequence[str] | None = None
) -> str:
    """Returns a table of Markdown.

    Args:
      head: the names of its columns.
      rows: a cell for each column.
      align: `---:` for a column of numbers, `---` for one of words; words by default.
    """
    lines = [head, align or ["---"] * len(head), *rows]
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
