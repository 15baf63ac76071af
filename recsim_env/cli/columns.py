"""Tables as a terminal shows them."""

from collections.abc import Sequence


def print_columns(rows: Sequence[Sequence[str]], *, indent: int = 2) -> None:
    """Prints rows in columns, the first flush left and the others flush right.

    Args:
      rows: the head first; those that are shorter end earlier.
      indent: spaces before each line.
    """
    for line in columns(rows, indent=indent):
        print(line)


def columns(rows: Sequence[Sequence[str]], *, indent: int = 2) -> list[str]:
    """Returns the lines that `print_columns` prints, one a row."""
    widths = [max(map(len, column)) for column in zip(*_even(rows), strict=True)]
    return [
        " " * indent
        + "  ".join(
            f"{cell:{'>' if place else '<'}{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=False))
        ).rstrip()
        for row in rows
    ]


def _even(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    longest = max(map(len, rows))
    return [[*row, *[""] * (longest - len(row))] for row in rows]
