"""Reads ratings or clicks from the formats that people keep them in."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from recsim_env.data.log import InteractionLog
from recsim_env.data.readers.assembly import Duplicates, build_log
from recsim_env.data.readers.encoded import UTF_8
from recsim_env.data.readers.folders import (
    RATINGS_FILES,
    Source,
    is_movielens_file,
    read_atomic_table,
    read_movielens_100k,
    read_movielens_dat,
    read_ratings_csv,
    read_recbole,
)
from recsim_env.data.readers.parquet import read_parquet_table
from recsim_env.data.readers.roles import choose_columns, is_known, question
from recsim_env.data.readers.tables import Table
from recsim_env.data.readers.text import read_text_table
from recsim_env.data.reading import LogWarning, Notes, Reading, listed

KNOWN_FORMATS = (
    "a MovieLens folder (u.data, ratings.dat or ratings.csv)",
    "RecBole atomic files (a folder, a prefix, or a .inter file, also with .gz behind)",
    "a table with a header line (.csv, .tsv, .tab, .txt or .dat, also with .gz behind)",
    "a Parquet file (.parquet)",
    "a log that InteractionLog.save wrote (.npz)",
)
SAVED = ".npz"
_ATOMIC = (".inter", ".inter.gz")
_TEXT = (".csv", ".tsv", ".tab", ".txt", ".dat")


def read_log(
    path: str | os.PathLike[str],
    *,
    user: str | None = None,
    item: str | None = None,
    rating: str | None = None,
    click: str | None = None,
    time: str | None = None,
    duplicates: Duplicates = "error",
    encoding: str | None = None,
) -> InteractionLog:
    """Returns the log in a file or folder, whatever its format.

    Known are MovieLens folders, RecBole atomic files, CSV, TSV or Parquet tables, and what
    `InteractionLog.save` wrote. Columns that
    are not named here are guessed from their usual names; without a rating the log is one of
    clicks, and without a time its order is unknown. `print(log.reading)` says what was taken for
    what, what was not read, and how many rows were left out and why; nothing else is left out.

    Args:
      path: the file, the folder, or the prefix of RecBole's files.
      user, item, rating, click, time: names of the columns, without RecBole's types. Naming a
        click column reads clicks even where ratings exist; its rows with 0 are left out.
      duplicates: when a user and item repeat: "error", or keep the "first" or the "last" row, by
        time; among rows of one moment, or without times, by their place in the file; or "keep" all.
      encoding: of a table in text; UTF-8, or what its byte order mark says, if None.

    Warns:
      LogWarning: something may not mean what it was taken for, such as numbers in a column that
        is not read while no column is known to be the rating.

    Raises:
      FileNotFoundError: there is nothing at `path`.
      ValueError: an unknown format, a missing column, or a bad value, named by file and line.
      ImportError: a Parquet file without pyarrow.
    """
    if not os.fspath(path):
        raise ValueError("path is empty; name a file or folder, or . for this folder")
    path = Path(path)
    given = {"user": user, "item": item, "rating": rating, "click": click, "time": time}
    known = {name for name in given.values() if name is not None}
    if path.suffix == SAVED and path.is_file():
        return _saved(path, {**given, "encoding": encoding}, duplicates)
    encodings = None if encoding is None else (encoding,)

    def read(file: Path) -> Table:
        return _read_table(file, encodings, lambda name: name in known or is_known(name))

    inter = _recbole_file(path)
    if inter is not None:
        prefix = inter.with_name(inter.name.removesuffix(".gz").removesuffix(".inter"))
        name, usual = prefix.name, encodings or UTF_8
        table, _ = read_atomic_table(inter, usual)
        columns = choose_columns(table, given)
        found = read_recbole(prefix, table, columns, usual)
    else:
        name, found = _read(path, read, encodings)
        columns = choose_columns(found.table, given)
        found = found.of(columns)
    notes = Notes()
    question(found.table, columns, notes)
    log = build_log(
        found.table,
        columns,
        notes,
        source=path,
        name=name,
        items=found.items,
        users=found.users,
        duplicates=duplicates,
    )
    for doubt in notes.doubts:
        warnings.warn(f"{path}: {doubt}", LogWarning, stacklevel=2)
    return log


def _saved(path: Path, given: Mapping[str, str | None], duplicates: Duplicates) -> InteractionLog:
    """Returns the log that `InteractionLog.save` wrote, which says itself what is what.

    Raises:
      ValueError: it is another file, columns or an encoding are named, or a pair repeats.
    """
    if named := [f"{name}={value!r}" for name, value in given.items() if value is not None]:
        raise ValueError(f"{path} has no columns to name; leave out {', '.join(named)}")
    log = InteractionLog.load(path)
    kept = log if duplicates == "keep" else log.once(duplicates)
    left_out = {f"that repeat a user and item ({duplicates} kept)": len(log) - len(kept)}
    reading = Reading(
        source=str(path),
        form="a log saved by recsim-env",
        n_rows=len(log),
        n_used=len(kept),
        left_out={why: n for why, n in left_out.items() if n},
        columns={"user": "user", "item": "item"}
        | ({"rating": "rating"} if log.is_explicit else {})
        | ({} if log.time is None else {"time": "time"}),
    )
    return replace(kept, reading=reading)


def _recbole_file(path: Path) -> Path | None:
    """Returns RecBole's file of interactions at this path, or None where there is none."""
    if path.name.endswith(_ATOMIC) and path.is_file():
        return path
    near = [path.with_name(path.name + kind) for kind in _ATOMIC] if path.name else []
    found = [file for file in near if file.is_file()]
    if not found and path.is_dir():
        found = sorted(each for kind in _ATOMIC for each in path.glob(f"*{kind}"))
    if len(found) > 1:
        raise ValueError(f"{path} holds several logs, {listed(f.name for f in found)}; name one")
    return found[0] if found else None


def _read(
    path: Path, read: Callable[[Path], Table], encodings: Sequence[str] | None
) -> tuple[str, Source]:
    """Returns the name of a log that is not RecBole's, and what its files hold."""
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file or folder")
    if not path.is_dir() and not is_movielens_file(path):
        packed = path.with_suffix("") if path.suffix.lower() == ".gz" else path
        table = read(path)
        if path.name == "ratings.csv" and path.with_name("movies.csv").exists():
            table = table.with_remark("movies.csv beside it is read where the folder is named")
        return packed.stem, Source(table)
    folder = path if path.is_dir() else path.parent
    names = RATINGS_FILES if path.is_dir() else (path.name,)
    held = [name for name in names if (folder / name).is_file()]
    if len(held) > 1:
        raise ValueError(f"{folder} holds several logs, {listed(held)}; name one of these files")
    if not held:
        entries = listed(sorted(entry.name for entry in folder.iterdir())) or "nothing"
        raise ValueError(
            f"{folder} is no log that is known here: it holds {entries}; if one of these"
            f" files is the log, name it. {_formats()}"
        )
    name = folder.absolute().name
    if held == ["u.data"]:
        return name, read_movielens_100k(folder, encodings)
    if held == ["ratings.dat"]:
        return name, read_movielens_dat(folder, encodings)
    return name, read_ratings_csv(folder, read)


def _read_table(
    path: Path, encodings: Sequence[str] | None, is_known: Callable[[str], bool]
) -> Table:
    """Returns the table in a file, by its suffix."""
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".pq"):
        if encodings:
            raise ValueError(
                f"{path} is no text, so it has no encoding; leave out {encodings[0]!r}"
            )
        return read_parquet_table(path)
    if suffix == ".gz":
        suffix = path.with_suffix("").suffix.lower()
    if suffix not in _TEXT:
        raise ValueError(f"{path}: unknown format {suffix or 'without a suffix'!r}. {_formats()}")
    is_tabbed = suffix in (".tsv", ".tab")
    return read_text_table(
        path,
        "\t" if is_tabbed else None,
        encodings=encodings or UTF_8,
        quoted=None if is_tabbed else True,
        is_known=is_known,
    )


def _formats() -> str:
    return f"Known formats are {'; '.join(KNOWN_FORMATS)}"
