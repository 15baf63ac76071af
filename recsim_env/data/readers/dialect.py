"""How the lines and fields of delimited text are told apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import polars as pl

from recsim_env.data.readers.encoded import Encoded

DELIMITERS = ("\t", ",", ";", "|", "::", " ")
# So many lines are enough to see what lines look like.
SAMPLE = 50


@dataclass(frozen=True)
class Dialect:
    """How the fields of a line are told apart.

    Attributes:
      delimiter: between fields.
      quote: around fields, or none.
      is_padded: whether blanks follow the delimiter.
    """

    delimiter: str
    quote: str = ""
    is_padded: bool = False

    @cached_property
    def _quoted(self) -> re.Pattern[str]:
        q = re.escape(self.quote)
        return re.compile(f"{q}((?:[^{q}]++|{q}{q})*+){q}")

    def split(self, line: str) -> list[str]:
        """Returns the fields of a line in which quotes mean nothing."""
        fields = line.split(self.delimiter)
        return [value.lstrip(" ") for value in fields] if self.is_padded else fields

    def parsed(self, record: str) -> list[str] | None:
        """Returns the fields of a record: none at all where a quoted field is still open at its
        end, None where one goes on behind its quote."""
        if not self.quote or self.quote not in record:
            return self.split(record)
        fields, at, width = [], 0, len(self.delimiter)
        while True:
            while self.is_padded and record.startswith(" ", at):
                at += 1
            if record.startswith(self.quote, at):
                found = self._quoted.match(record, at)
                if found is None:
                    return []
                fields.append(self._inside(found))
                at = found.end()
                if at < len(record) and not record.startswith(self.delimiter, at):
                    return None
            else:
                end = record.find(self.delimiter, at)
                end = len(record) if end < 0 else end
                fields.append(record[at:end])
                at = end
            if at == len(record):
                return fields
            at += width

    def bare(self, value: str) -> tuple[str, bool]:
        """Returns a field without the quotes around it, and whether a quote in it is stray."""
        if not self.quote or not value.startswith(self.quote):
            return value, False
        whole = self._quoted.fullmatch(value)
        return (value, True) if whole is None else (self._inside(whole), False)

    def fields(self, line: str) -> list[str]:
        """Returns the fields of a line on its own; stray quotes are part of the text."""
        return self.parsed(line) or [self.bare(value)[0] for value in self.split(line)]

    def _inside(self, found: re.Match[str]) -> str:
        return found[1].replace(2 * self.quote, self.quote)


class Lines:
    """The lines of a text.

    Args:
      path: the file, for messages.
      text: (n,) its lines, as `recsim_env.data.readers.encoded` ends them.
    """

    def __init__(self, path: Path, text: pl.Series) -> None:
        self.path, self.text = path, text

    @classmethod
    def of(cls, encoded: Encoded, n_bytes: int | None = None) -> Lines:
        """Returns all lines of a text, or those that are whole in its first bytes."""
        raw = encoded.raw if n_bytes is None else encoded.raw[:n_bytes]
        is_cut = len(raw) < len(encoded.raw)
        raw = raw[: raw.rfind(b"\n") + 1] if is_cut and b"\n" in raw else raw
        text = pl.Series([raw.decode(errors="ignore" if is_cut else "strict")])
        return cls(encoded.path, text.str.split("\n").explode())

    def __len__(self) -> int:
        return len(self.text)

    def __getitem__(self, number: int) -> str:
        return str(self.text[number])

    def is_blank(self, number: int) -> bool:
        """Returns whether nothing stands in a line."""
        return not self[number].strip(" \r")

    def are_even(self, delimiter: str, first: int) -> bool:
        """Returns whether a delimiter stands as often in all lines, if quotes mean nothing."""
        text = self.text[first:]
        filled = text.filter(text.str.strip_chars(" \r") != "")
        return filled.str.count_matches(delimiter, literal=True).n_unique() == 1

    def joined(self, first: int, last: int) -> str:
        """Returns lines `first` to `last` as one text."""
        return "\n".join(self.text[first : last + 1].to_list())

    def filled(self, first: int = 0) -> Iterator[int]:
        """Yields the positions of lines that are not blank."""
        return (k for k in range(first, len(self)) if not self.is_blank(k))


def find_dialect(
    lines: Lines,
    first: int,
    delimiter: str | None,
    quoted: bool,
    is_known: Callable[[str], bool],
) -> Dialect:
    """Returns how the fields are told apart: as asked for, else as fits header and rows best.

    Args:
      lines: of the text, the first ones at least.
      first: the position of the header.
      delimiter: what stands between fields, or None.
      quoted: whether they may be quoted.
      is_known: whether a column's name has a meaning.

    Raises:
      ValueError: no separator that is known stands in the header.
    """
    header = lines[first]
    if re.fullmatch(r'"?sep=.+', header.strip(), re.IGNORECASE):
        raise ValueError(
            f"{lines.path}, line {first + 1}: {header.strip()!r} is for spreadsheets; delete the"
            " line, so that the header comes first"
        )
    is_single = header.startswith("'") and header.endswith("'")
    quote = "" if not quoted else "'" if is_single else '"'
    if delimiter is not None:
        return Dialect(delimiter, quote, _is_padded(header, delimiter))
    fitting = [Dialect(d, quote, _is_padded(header, d)) for d in DELIMITERS if d in header]
    if not fitting:
        raise ValueError(
            f"{lines.path}, line {first + 1}: no separator stands in the header {header!r}; known"
            f" are {', '.join(map(spelled, DELIMITERS))}"
        )
    sample = [lines[k] for k in islice(lines.filled(first + 1), SAMPLE)]

    def fit(dialect: Dialect) -> tuple[int, int, int]:
        names = [name.strip() for name in dialect.fields(header)]
        n_known = sum(is_known(name) for name in names if not name.endswith((",", ";", "|")))
        return n_known, sum(len(dialect.fields(s)) == len(names) for s in sample), len(names)

    best = max(fitting, key=fit)
    if header.startswith("#") and sample and not fit(best)[1]:
        raise ValueError(
            f"{lines.path}, line {first + 1}: begins with '#' and is no header, as its fields are"
            " not those of the rows; delete the lines above the header"
        )
    return best


def _is_padded(header: str, delimiter: str) -> bool:
    """Returns whether a blank follows every separator of the header."""
    others = header.split(delimiter)[1:]
    return bool(others) and delimiter != " " and all(other.startswith(" ") for other in others)


def spelled(delimiter: str) -> str:
    """Returns what to call a separator."""
    return {"\t": "tabs", " ": "blanks"}.get(delimiter, repr(delimiter))
