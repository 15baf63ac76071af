"""Reads delimited text without losing a row: encodings, separators, line ends and stray quotes."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np

from recsim_env.data.readers.dialect import SAMPLE, Dialect, Lines, find_dialect, spelled
from recsim_env.data.readers.tables import Table

#: The usual encoding of text.
UTF_8 = ("utf-8-sig",)
_MARKS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}


def read_text_table(
    path: Path,
    delimiter: str | None,
    *,
    names: Sequence[str] | None = None,
    encodings: Sequence[str] = UTF_8,
    quoted: bool | None = False,
    is_known: Callable[[str], bool] = lambda name: False,
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

    Raises:
      ValueError: undecodable text, a line with another number of fields, or no rows at all.
    """
    text, remarks = _decoded(path, encodings)
    lines = Lines(path, text)
    first = next(lines.filled(), None)
    if first is None:
        needs = "at least one row" if names else "a header line and at least one row"
        raise ValueError(f"{path} is empty; it needs {needs}")
    dialect = find_dialect(lines, first, delimiter, quoted, is_known)
    has_header = names is None
    if names is None:
        names = _header(path, first, dialect.fields(lines[first]))
        first += 1
    if dialect.is_padded:
        remarks.append("blanks after separators were left out")
    if quoted is None and not dialect.quote and '"' in text:
        remarks.append("quotes were read as they stand")
    found = _Rows(lines, dialect, names, first)
    found.read()
    if not found.rows:
        raise ValueError(f"{path} is empty; it needs at least one row")
    columns = dict(zip(names, zip(*found.rows, strict=True), strict=True))
    return Table(
        path,
        columns,
        np.array(found.numbers),
        form=f"text, separated by {spelled(dialect.delimiter)}",
        remarks=(*remarks, *found.remarks()),
        strays=found.strays,
        has_header=has_header,
    )


@dataclass
class _Rows:
    """Gathers rows from lines.

    Attributes:
      lines, dialect, names: the text, how to part it, and what the columns are called.
      first: the position of the first line that is no header.
      rows, numbers: the fields of each row, and its line from 1.
      strays: the rows, by column, in which a stray quote stands.
      long: the rows of several lines.
    """

    lines: Lines
    dialect: Dialect
    names: Sequence[str]
    first: int
    rows: list[list[str]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    strays: dict[str, list[int]] = field(default_factory=dict)
    long: list[int] = field(default_factory=list)

    def read(self) -> None:
        """Reads all rows; raises ValueError naming the first line that is none."""
        dialect, at, n = self.dialect, self.first, len(self.lines)
        while at < n:
            line, last = self.lines[at], at
            if self.lines.is_blank(at):
                at += 1
                continue
            row = dialect.parsed(line)
            if not row:
                row, last = self._from_quotes(at)
            if self._is_header(row):
                raise ValueError(
                    f"{self.lines.path}, line {at + 1}: the names of the columns stand here, as"
                    " where files are joined; take the line out"
                )
            if len(row) != len(self.names):
                raise ValueError(
                    f"{self.lines.path}, line {at + 1}: {len(row)} fields separated by"
                    f" {spelled(dialect.delimiter)}, expected {len(self.names)}{self._hint(line)}"
                )
            if last > at:
                self.long.append(len(self.rows))
            self.rows.append(row)
            self.numbers.append(at + 1)
            at = last + 1

    def remarks(self) -> list[str]:
        """Returns what was decided about quotes."""
        strays = sorted({row for found in self.strays.values() for row in found})
        kinds = (
            (
                strays,
                "have a quote that does not end its field, which was read as part of the text",
            ),
            (self.long, "have line ends within quotes"),
        )
        return [
            f"{len(rows):,} rows {what}, the first in line {self.numbers[rows[0]]}"
            for rows, what in kinds
            if rows
        ]

    def _is_header(self, row: Sequence[str]) -> bool:
        """Returns whether a row holds what the columns are called, where somebody is expected."""
        is_alike = row[0].strip(" \ufeff") == self.names[0]
        return is_alike and [value.strip(" \ufeff") for value in row] == list(self.names)

    def _from_quotes(self, at: int) -> tuple[list[str], int]:
        """Returns a row that its line alone does not make, and its last line.

        A field across lines that look like rows would swallow them: its quote is a stray one where
        numbers tell what rows look like. Where nothing tells, the line is refused.
        """
        row, last = self._across_lines(at)
        if row and len(row) == len(self.names):
            if not any(self._is_row(self.lines[k]) for k in range(at + 1, last + 1)):
                return row, last
            if not self._numeric:
                raise ValueError(
                    f"{self.lines.path}, line {at + 1}: a quote opens a field here that ends in"
                    f" line {last + 1}, and there may be rows between; take it out, or double"
                    " it, or leave out line ends within fields"
                )
        row = self.dialect.split(self.lines[at])
        if len(row) == len(self.names):
            found = [self.dialect.bare(value) for value in row]
            for name, (_, is_stray) in zip(self.names, found, strict=True):
                if is_stray:
                    self.strays.setdefault(name, []).append(len(self.rows))
            row = [value for value, _ in found]
        return row, at

    def _across_lines(self, at: int) -> tuple[list[str] | None, int]:
        """Returns the record that begins in a line and goes on in others, and its last line."""
        for last in range(at + 1, len(self.lines)):
            if self.dialect.quote in self.lines[last]:
                row = self.dialect.parsed(self.lines.joined(at, last))
                if row != []:
                    return row, last
        return None, at

    def _is_row(self, line: str) -> bool:
        """Returns whether a line looks like a row: as many fields, numbers where others have."""
        fields = self.dialect.fields(line)
        is_as_long = len(fields) == len(self.names)
        return is_as_long and all(_is_number(fields[k]) for k in self._numeric)

    @cached_property
    def _numeric(self) -> list[int]:
        """The columns that hold numbers in the first lines which are rows by themselves."""
        parsed = (self.dialect.parsed(self.lines[k]) for k in self.lines.filled(self.first))
        sample = list(islice((r for r in parsed if r and len(r) == len(self.names)), SAMPLE))
        return [
            k
            for k in range(len(self.names))
            if sample and all(_is_number(row[k]) for row in sample)
        ]

    def _hint(self, line: str) -> str:
        if not self.dialect.parsed(line):
            return f"; a quote ({self.dialect.quote}) in it opens a field and does not end it"
        return ""


def _header(path: Path, first: int, fields: list[str]) -> list[str]:
    """Returns the names of the columns; each may stand once."""
    names = [name.strip() for name in fields]
    if len(set(names)) < len(names):
        raise ValueError(f"{path}, line {first + 1}: a column name appears twice in {names}")
    return names


def _decoded(path: Path, encodings: Sequence[str]) -> tuple[str, list[str]]:
    """Returns a file's text, and remarks; or names the line that is not in this encoding."""
    raw = _unpacked(path)
    marked = next((e for mark, e in _MARKS.items() if raw.startswith(mark)), None)
    if marked:
        encodings = (marked,)
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
            break
        except UnicodeDecodeError as error:
            failure = error
        except LookupError:
            raise ValueError(f"encoding={encoding!r} is unknown; try latin-1 or cp1252") from None
        except UnicodeError as error:
            raise ValueError(f"{path}: not {encoding} text ({error}); try latin-1") from error
    else:
        if b"\0" in raw:
            raise _no_text(path, raw, failure.encoding)
        line = raw.count(b"\n", 0, failure.start) + 1
        raise ValueError(
            f"{path}, line {line}: not {failure.encoding} text ({failure.reason}); give its"
            " encoding with encoding='latin-1', say (on the command line, --encoding latin-1)"
        ) from failure
    if "\0" in text:
        raise _no_text(path, raw, encoding)
    text = text.removeprefix("\ufeff")
    is_usual = encoding.startswith("utf-8")
    return text, [] if is_usual else [f"read as {encoding}"]


def _no_text(path: Path, raw: bytes, encoding: str) -> ValueError:
    line = raw.count(b"\n", 0, raw.index(b"\0")) + 1
    return ValueError(
        f"{path}, line {line}: holds a NUL character, so it is no text in {encoding}; it may be"
        " damaged, or in encoding='utf-16-le' (on the command line, --encoding utf-16-le)"
    )


def _unpacked(path: Path) -> bytes:
    raw = path.read_bytes()
    if raw.startswith(b"PK\x03\x04"):
        raise ValueError(
            f"{path} is a zip archive or a spreadsheet, no text; unpack it, or save it as CSV"
        )
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is a damaged gzip file: {error}") from error


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
