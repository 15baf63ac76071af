"""Reads rows whose fields may be quoted, where lines are not all alike, without losing one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsim_env.data.readers.dialect import SAMPLE, Dialect, Lines, spelled

# A pattern of more fields takes too long to compile.
_MOST_FIELDS = 40


@dataclass
class Rows:
    """Gathers rows from lines: those that are plain all at once, the odd ones one by one.

    Attributes:
      lines, dialect, names: the text, how to part it, and what the columns are called.
      first: the position of the first line that is no header.
      rows: the fields of each odd row, by the position of its first line.
      strays: the lines, by column, in which a stray quote stands, from 1.
      long: the first lines of rows of several lines, from 1.
    """

    lines: Lines
    dialect: Dialect
    names: Sequence[str]
    first: int
    rows: dict[int, list[str]] = field(default_factory=dict)
    strays: dict[str, list[int]] = field(default_factory=dict)
    long: list[int] = field(default_factory=list)

    def read(self) -> tuple[pl.DataFrame, NDArray[np.int64]]:
        """Returns all rows, and the line of each from 1; or names the first line that is none."""
        text = self.lines.text
        is_filled = (text.str.strip_chars(" \r") != "").to_numpy(writable=True)
        is_filled[: self.first] = False
        is_plain = is_filled & self._are_plain(text)
        last = -1
        for at in np.flatnonzero(is_filled & ~is_plain).tolist():
            if at <= last:
                continue
            self.rows[at], last = self._odd_row(at)
            is_plain[at : last + 1] = False
        return self._together(text, np.flatnonzero(is_plain))

    def remarks(self) -> list[str]:
        """Returns what was decided about quotes."""
        strays = sorted({line for found in self.strays.values() for line in found})
        kinds = (
            (
                strays,
                "have a quote that does not end its field, which was read as part of the text",
            ),
            (self.long, "have line ends within quotes"),
        )
        return [
            f"{len(lines):,} rows {what}, the first in line {lines[0]}"
            for lines, what in kinds
            if lines
        ]

    def _are_plain(self, text: pl.Series) -> NDArray[np.bool_]:
        """Returns which lines are rows on their own, whose quotes stand around whole fields."""
        delimiter, quote = self.dialect.delimiter, self.dialect.quote
        width = len(self.names)
        is_row = text.str.count_matches(delimiter, literal=True) == width - 1
        if quote:
            has_quote = text.str.contains(quote, literal=True)
            is_row &= ~has_quote
            if len(delimiter) == 1 and not self.dialect.is_padded and width <= _MOST_FIELDS:
                d, q = re.escape(delimiter), quote
                one = f"(?:{q}(?:[^{q}]|{q}{q})*{q}|[^{q}{d}]*)"
                is_row |= has_quote & text.str.contains(f"^{one}(?:{d}{one}){{{width - 1}}}$")
        return is_row.to_numpy()

    def _together(
        self, text: pl.Series, plain: NDArray[np.int64]
    ) -> tuple[pl.DataFrame, NDArray[np.int64]]:
        """Returns plain and odd rows in the order of their lines, and their lines from 1."""
        parts = []
        if len(plain):
            parts = [as_frame(text.gather(plain), self.dialect, len(self.names))]
        if self.rows:
            schema = {f"{k}": pl.String for k in range(len(self.names))}
            parts.append(pl.DataFrame(list(self.rows.values()), schema=schema, orient="row"))
        if not parts:
            return pl.DataFrame(), np.empty(0, np.int64)
        numbers = np.append(plain, np.array(list(self.rows), np.int64)) + 1
        order = np.argsort(numbers)
        return pl.concat(parts)[order], numbers[order]

    def _odd_row(self, at: int) -> tuple[list[str], int]:
        """Returns the row that begins in a line, and its last line."""
        line, last = self.lines[at], at
        row = self.dialect.parsed(line)
        if not row:
            row, last = self._from_quotes(at)
        if len(row) != len(self.names):
            raise ValueError(
                f"{self.lines.path}, line {at + 1}: {len(row)} fields separated by"
                f" {spelled(self.dialect.delimiter)}, expected {len(self.names)}{self._hint(line)}"
            )
        if last > at:
            self.long.append(at + 1)
        return row, last

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
                    self.strays.setdefault(name, []).append(at + 1)
            row = [value for value, _ in found]
        return row, at

    def _across_lines(self, at: int) -> tuple[list[str] | None, int]:
        """Returns the record that begins in a line and goes on in others, and its last line."""
        for last in self._quoted[np.searchsorted(self._quoted, at, "right") :].tolist():
            row = self.dialect.parsed(self.lines.joined(at, last))
            if row != []:
                return row, last
        return None, at

    @cached_property
    def _quoted(self) -> NDArray[np.int64]:
        """The lines in which a quote stands."""
        return np.flatnonzero(self.lines.text.str.contains(self.dialect.quote, literal=True))

    def _is_row(self, line: str) -> bool:
        """Returns whether a line looks like a row: as many fields, numbers where others have."""
        fields = self.dialect.fields(line)
        is_as_long = len(fields) == len(self.names)
        return is_as_long and all(is_number(fields[k]) for k in self._numeric)

    @cached_property
    def _numeric(self) -> list[int]:
        """The columns that hold numbers in the first lines which are rows by themselves."""
        parsed = (self.dialect.parsed(self.lines[k]) for k in self.lines.filled(self.first))
        sample = list(islice((r for r in parsed if r and len(r) == len(self.names)), SAMPLE))
        return [
            k for k in range(len(self.names)) if sample and all(is_number(row[k]) for row in sample)
        ]

    def _hint(self, line: str) -> str:
        if not self.dialect.parsed(line):
            return f"; a quote ({self.dialect.quote}) in it opens a field and does not end it"
        return ""


def as_frame(lines: pl.Series, dialect: Dialect, width: int) -> pl.DataFrame:
    """Returns plain lines as columns "0", "1", … of text."""
    (text,) = lines.str.join("\n").to_list()
    raw, separator = single(text.encode(), dialect.delimiter)
    frame = parsed_csv(raw, separator, width, quote=dialect.quote)
    if dialect.is_padded:
        frame = frame.select(pl.all().str.strip_chars_start(" "))
    return frame


def single(raw: bytes, delimiter: str) -> tuple[bytes, str]:
    """Returns a text in which one character stands between fields, and that character."""
    if len(delimiter) == 1:
        return raw, delimiter
    free = next(chr(k) for k in range(1, 32) if chr(k) not in "\t\n\r" and bytes([k]) not in raw)
    return raw.replace(delimiter.encode(), free.encode()), free


def parsed_csv(
    source: bytes | str, separator: str, width: int, *, quote: str = "", skip_lines: int = 0
) -> pl.DataFrame:
    """Returns lines as so many columns "0", "1", … of text, as Polars reads them."""
    return pl.read_csv(
        source,
        separator=separator,
        quote_char=quote or None,
        has_header=False,
        skip_lines=skip_lines,
        schema={f"{k}": pl.String for k in range(width)},
        empty_string_is_null=False,
    )


def is_number(value: str) -> bool:
    """Returns whether a text is a number."""
    try:
        float(value)
    except ValueError:
        return False
    return True
