"""Reads delimited text without losing a row: encodings, separators, line ends and stray quotes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsim_env.data.readers.dialect import Lines, find_dialect, spelled
from recsim_env.data.readers.encoded import UTF_8, Encoded, read_encoded
from recsim_env.data.readers.quotes import Rows, is_number, parsed_csv, single
from recsim_env.data.readers.tables import Table

# What a text looks like is seen in so many bytes of it.
_HEAD = 2**20
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b|\d{4}-\d\d-\d\dT")


def read_text_table(
    path: Path,
    delimiter: str | None,
    *,
    names: Sequence[str] | None = None,
    encodings: Sequence[str] = UTF_8,
    quoted: bool | None = False,
    is_known: Callable[[str], bool] = lambda name: False,
    has_header: bool | None = None,
) -> Table:
    """Returns a delimited text file, which may be packed by gzip, as columns of text.

    With `quoted`, fields may stand in double quotes (or single ones, where the header does), which
    double what they enclose and may enclose line ends. A quote that opens a field and does not end
    it is a stray one, part of the text: the row ends with its line, and the table remarks on it.

    Args:
      path: the file.
      delimiter: one character, or several, as MovieLens-1M's "::"; None decides by the data.
      names: of the columns; without them the first line is the header.
      encodings: of the text, the first that fits; a byte order mark comes first.
      quoted: whether fields may be quoted, as in CSV; None decides by the data: where the header
        is, or where lines have another number of fields else.
      is_known: whether a column's name has a meaning here, which helps to find the delimiter.
      has_header: whether the first line is one; None sees a row where numbers stand in it and no
        name that has a meaning. Columns without names are called 1, 2, …

    Raises:
      ValueError: undecodable text, a line with another number of fields, or no rows at all.
    """
    text = read_encoded(path, encodings)
    head = Lines.of(text, _HEAD)
    first = next(head.filled(), None)
    if first is None:
        needs = "at least one row" if names else "a header line and at least one row"
        raise ValueError(f"{path} is empty; it needs {needs}")
    header, frame, remarks = head[first], None, list(text.remarks)
    if quoted is None and delimiter is not None and delimiter in header:
        if not header.startswith('"'):
            frame = _plain(text, delimiter, header.count(delimiter) + 1, first)
        quoted = frame is None and (
            header.startswith('"') or not Lines.of(text).are_even(delimiter, first)
        )
        if not quoted and b'"' in text.raw:
            remarks.append("quotes were read as they stand")
    elif quoted is None:
        delimiter, quoted = None, True  # it is not what its name says
    dialect = find_dialect(head, first, delimiter, quoted, is_known)
    fields = dialect.fields(head[first])
    if names is not None:
        has_header = False
    elif has_header is None:
        has_header = not _looks_like_row(fields, is_known)
    if has_header:
        names = _header(path, first, fields)
        first += 1
    names = names or [str(k) for k in range(1, len(fields) + 1)]
    if dialect.is_padded:
        remarks.append("blanks after separators were left out")
    lines: Sequence[int] | NDArray[np.int64]
    strays: dict[str, list[int]] = {}
    if frame is None and (not dialect.quote or dialect.quote.encode() not in text.raw):
        frame = _plain(text, dialect.delimiter, len(names), first, is_padded=dialect.is_padded)
    elif frame is not None and has_header:
        frame = frame[1:]
    if frame is not None:
        lines = range(first + 1, first + 1 + len(frame))
    else:
        rows = Rows(Lines.of(text), dialect, names, first)
        frame, lines = rows.read()
        remarks += rows.remarks()
        strays = {k: np.searchsorted(lines, at).tolist() for k, at in rows.strays.items()}
    if not len(frame):
        raise ValueError(f"{path} is empty; it needs at least one row")
    table = Table(
        path,
        dict(zip(names, frame.get_columns(), strict=True)),
        lines,
        form=f"text, separated by {spelled(dialect.delimiter)}",
        remarks=tuple(remarks),
        strays=strays,
        has_header=has_header,
    )
    _check_no_header(table)
    return table


def _plain(
    text: Encoded, delimiter: str, width: int, first: int, *, is_padded: bool = False
) -> pl.DataFrame | None:
    """Returns the rows from line `first` on if each line is one, and quotes mean nothing.

    Args:
      text: all of it.
      delimiter, width: what stands between how many fields.
      first: the position of a line.
      is_padded: whether blanks follow delimiters.

    Returns:
      Columns "0", "1", … of text; None where a line is blank, or has another number of fields.
    """
    raw, separator = single(text.raw, delimiter)
    start = 0
    for _ in range(first):
        start = raw.index(b"\n", start) + 1 if b"\n" in raw[start : start + _HEAD] else len(raw)
    n_lines = raw.count(b"\n", start) + (not raw.endswith(b"\n"))
    if raw.count(separator.encode(), start) != n_lines * (width - 1) or b"\n\n" in raw:
        return None
    try:
        frame = parsed_csv(raw, separator, width, skip_lines=first)
    except (pl.exceptions.ComputeError, pl.exceptions.SchemaError):  # a line with more fields
        return None
    if len(frame) != n_lines:
        return None
    return frame.select(pl.all().str.strip_chars_start(" ")) if is_padded else frame


def _check_no_header(table: Table) -> None:
    """Raises ValueError where a row holds what the columns are called."""
    if not table.has_header:
        return
    names, columns = list(table.columns), list(table.columns.values())
    is_alike = (columns[0].str.strip_chars(" \ufeff") == names[0]).to_numpy()
    for row in np.flatnonzero(is_alike).tolist():
        values = [column[row].strip(" \ufeff") for column in columns]
        if values == names:
            raise ValueError(
                f"{table.at(row)}: the names of the columns stand here, as where files are joined;"
                " take the line out"
            )


def _looks_like_row(fields: Sequence[str], is_known: Callable[[str], bool]) -> bool:
    """Returns whether what should be names are values."""
    plain = [name.strip() for name in fields]
    is_value = any(is_number(name) or _DATE.match(name) for name in plain)
    return is_value and not any(map(is_known, plain))


def _header(path: Path, first: int, fields: list[str]) -> list[str]:
    """Returns the names of the columns; each may stand once."""
    names = [name.strip() for name in fields]
    if len(set(names)) < len(names):
        raise ValueError(f"{path}, line {first + 1}: a column name appears twice in {names}")
    return names
