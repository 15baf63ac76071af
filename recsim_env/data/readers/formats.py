"""Reads the table in a file, whatever its format, by its suffix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from recsim_env.data.readers.encoded import UTF_8
from recsim_env.data.readers.json_lines import read_json_table
from recsim_env.data.readers.parquet import read_parquet_table
from recsim_env.data.readers.tables import Table
from recsim_env.data.readers.text import read_text_table

KNOWN_FORMATS = (
    "a MovieLens folder (u.data, ratings.dat or ratings.csv)",
    "RecBole atomic files (a folder, a prefix, or a .inter file, also with .gz behind)",
    "a table (.csv, .tsv, .tab, .txt or .dat, also with .gz behind)",
    "JSON lines (.json, .jsonl or .ndjson, also with .gz behind)",
    "a Parquet file (.parquet)",
    "a log that InteractionLog.save wrote (.npz)",
)
_TEXT = (".csv", ".tsv", ".tab", ".txt", ".dat")
_TABBED = (".tsv", ".tab")
_JSON = (".json", ".jsonl", ".ndjson")
_PARQUET = (".parquet", ".pq")


def read_table(
    path: Path,
    encoding: str | None,
    *,
    is_known: Callable[[str], bool] = lambda name: False,
    has_header: bool | None = None,
) -> Table:
    """Returns the table in a file.

    Args:
      path: the file.
      encoding: of a text, or None; see `read_text_table`.
      is_known, has_header: of a delimited text; see there.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: an unknown format, or what its reader refuses.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file")
    suffix = path.suffix.lower()
    if suffix in _PARQUET:
        if encoding is not None:
            raise ValueError(f"{path} is no text, so it has no encoding; leave out {encoding!r}")
        return read_parquet_table(path)
    if suffix == ".gz":
        suffix = path.with_suffix("").suffix.lower()
    encodings = UTF_8 if encoding is None else (encoding,)
    if suffix in _JSON:
        return read_json_table(path, encodings)
    if suffix not in _TEXT:
        raise ValueError(f"{path}: unknown format {suffix or 'without a suffix'!r}. {formats()}")
    return read_text_table(
        path,
        "\t" if suffix in _TABBED else None,
        encodings=encodings,
        quoted=None if suffix in _TABBED else True,
        is_known=is_known,
        has_header=has_header,
    )


def formats() -> str:
    """Returns the sentence that lists the known formats."""
    return f"Known formats are {'; '.join(KNOWN_FORMATS)}"
