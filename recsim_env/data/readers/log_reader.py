"""Reads ratings or clicks from the formats that people keep them in."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from recsim_env.data.log import InteractionLog
from recsim_env.data.readers.assembly import Wanted, build_log
from recsim_env.data.readers.columns import Columns
from recsim_env.data.readers.dates import DateOrder
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
from recsim_env.data.readers.formats import formats, read_table
from recsim_env.data.readers.kept import Missing, Repeats
from recsim_env.data.readers.names import is_known
from recsim_env.data.readers.roles import choose_columns, question, usual_item
from recsim_env.data.readers.shown import CLICK, ITEM, PLACE, SLATE, one_item_a_row
from recsim_env.data.readers.side_files import read_side
from recsim_env.data.readers.tables import LEAVE_OUT_OF_LOG, Table
from recsim_env.data.reading import LogWarning, Notes, Reading, listed
from recsim_env.inputs.spelling import split_names

SAVED = ".npz"
_ATOMIC = (".inter", ".inter.gz")


def read_log(
    path: str | os.PathLike[str],
    *,
    user: str | None = None,
    item: str | None = None,
    rating: str | None = None,
    click: str | None = None,
    time: str | None = None,
    context: Sequence[str] | str = (),
    slate: str | None = None,
    place: str | None = None,
    shown: str | None = None,
    items: str | os.PathLike[str] | None = None,
    users: str | os.PathLike[str] | None = None,
    repeats: Repeats | None = None,
    missing: Missing = "error",
    dates: DateOrder | None = None,
    has_header: bool | None = None,
    encoding: str | None = None,
) -> InteractionLog:
    """Returns the log in a file or folder, whatever its format.

    Known are MovieLens folders, RecBole atomic files, CSV, TSV or Parquet tables, JSON lines, and
    what `InteractionLog.save` wrote. Columns that are not named here are guessed from their usual
    names; without a rating the log is one of clicks, and without a time its order is unknown.
    `print(log.reading)` says what was taken for what, what was not read, and how many rows were
    left out and why; nothing else is left out.

    Args:
      path: the file, the folder, or the prefix of RecBole's files.
      user, item, rating, click, time: names of the columns, without RecBole's types. Naming a
        click column reads clicks even where ratings exist; its rows with 0 were shown and not
        clicked, and become `InteractionLog.impressions`.
      context: names of columns that people come in, such as their device; one text may hold
        several, with commas between. "hour" and "weekday" are taken from the time (UTC) where no
        columns are called so.
      slate, place: of impressions, the columns that say which were shown together, and where.
      shown: a column of lists of what was shown, where `item` is what was clicked of them, or
        where ids end with -1 and -0.
      items, users: tables in files of their own that describe them; every column but the id, and
        the title of items, becomes features.
      repeats: when a user and item repeat: "keep" all, "count" them, keep the "first" or the
        "last" row, by time; among rows of one moment, or without times, by their place in the
        file; or "error". None keeps all clicks, and the last ratings.
      missing: whether rows without a user, item, rating, click or time are an "error", or
        left out ("drop").
      dates: whether dates like 11/1/2000 are "day-first" or "month-first"; None sees, and refuses
        a column that suits both.
      has_header: whether the first line of a table in text names the columns; None sees. Without,
        they are called 1, 2, …
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
    given |= {"slate": slate, "place": place}
    contexts = split_names(context)
    if path.suffix == SAVED and path.is_file():
        others = {"shown": shown, "context": contexts or None, "items": items, "users": users}
        return _saved(path, {**given, **others, "encoding": encoding}, repeats)
    known = {name for name in (*given.values(), *contexts, shown) if name is not None}

    def is_meant(name: str) -> bool:  # a number is the place of a column without a name
        return (name in known and not name.isdecimal()) or is_known(name)

    def read(file: Path) -> Table:
        return read_table(file, encoding, is_known=is_meant, has_header=has_header)

    name, found, columns = _interactions(path, read, given, contexts, shown, encoding)
    found = replace(found, table=replace(found.table, remedy=LEAVE_OUT_OF_LOG))
    notes = Notes()
    question(found.table, columns, notes)
    sides = {"items": found.items, "users": found.users}
    for what, file, key in (("items", items, columns.item), ("users", users, columns.user)):
        if file is not None:
            sides[what] = read_side(what, read_table(Path(file), encoding), key, found.table)
    wanted = Wanted(source=path, name=name, repeats=repeats, missing=missing, dates=dates)
    log = build_log(found.table, columns, notes, wanted, **sides)
    for doubt in notes.doubts:
        warnings.warn(f"{path}: {doubt}", LogWarning, stacklevel=2)
    return log


def _interactions(
    path: Path,
    read: Callable[[Path], Table],
    given: dict[str, str | None],
    context: tuple[str, ...],
    shown: str | None,
    encoding: str | None,
) -> tuple[str, Source, Columns]:
    """Returns the name of a log, what its files hold, and which columns are what."""
    encodings = None if encoding is None else (encoding,)
    inter = _recbole_file(path)
    if inter is not None:
        prefix = inter.with_name(inter.name.removesuffix(".gz").removesuffix(".inter"))
        table, _ = read_atomic_table(inter, encodings or UTF_8)
        columns = choose_columns(table, given, context)
        found = read_recbole(prefix, table, columns, encodings or UTF_8)
        return prefix.name, found, columns
    name, found = _read(path, read, encodings)
    if shown is not None:
        clicked = given["item"] or usual_item(found.table, shown)
        found = replace(found, table=one_item_a_row(found.table, shown, clicked))
        given |= {"item": ITEM, "click": CLICK, "slate": SLATE, "place": PLACE}
    columns = choose_columns(found.table, given, context)
    return name, found.of(columns), columns


def _saved(path: Path, given: Mapping[str, Any], repeats: Repeats | None) -> InteractionLog:
    """Returns the log that `InteractionLog.save` wrote, which says itself what is what.

    Raises:
      ValueError: it is another file, columns or an encoding are named, or a pair repeats.
    """
    if named := [f"{name}={value!r}" for name, value in given.items() if value is not None]:
        raise ValueError(f"{path} has no columns to name; leave out {', '.join(named)}")
    log = InteractionLog.load(path)
    rule = repeats or ("last" if log.is_explicit else "keep")
    kept = log if rule == "keep" else log.once(rule)
    left_out = {f"that repeat a user and item ({rule} kept)": len(log) - len(kept)}
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
            f" files is the log, name it. {formats()}"
        )
    name = folder.absolute().name
    if held == ["u.data"]:
        return name, read_movielens_100k(folder, encodings)
    if held == ["ratings.dat"]:
        return name, read_movielens_dat(folder, encodings)
    return name, read_ratings_csv(folder, read)
