"""What notebooks show of a value: one small table of HTML."""

from collections.abc import Iterable, Sequence
from html import escape


def html_table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table; all text in it is taken as text.

    Args:
      caption: what it is, above it.
      head: names of the columns; none where rows say themselves what they are.
      rows: a cell for each column; the first names the row, numbers are flush right.

    >>> html_table("Cups", ["size"], [["<big>"]]).count("&lt;big&gt;")
    1
    """
    look = "text-align:left;font-weight:bold;white-space:nowrap"
    lines = [f"<caption style='{look}'>{escape(caption)}</caption>"]
    if head:
        lines.append(_row("th", head))
    lines += [_row("td", row) for row in rows]
    return f"<table>{''.join(lines)}</table>"


def _row(tag: str, cells: Sequence[str]) -> str:
    aligned = ["left", *["right"] * (len(cells) - 1)]
    return "<tr>{}</tr>".format(
        "".join(
            f"<{tag} style='text-align:{side}'>{escape(cell)}</{tag}>"
            for side, cell in zip(aligned, cells, strict=True)
        )
    )
