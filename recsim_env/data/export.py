"""Logs as other libraries take them: columns by the names that they know, and files."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsim_env.data.log import InteractionLog
from recsim_env.formats.files import replacing

#: What each library calls user, item, rating and time; None where it takes no time.
LIBRARIES: dict[str, tuple[str, str, str, str | None]] = {
    "cornac": ("user", "item", "rating", None),
    "lenskit": ("user_id", "item_id", "rating", "timestamp"),
    "rectools": ("user_id", "item_id", "weight", "datetime"),
    "recbole": ("user_id:token", "item_id:token", "rating:float", "timestamp:float"),
}

#: Libraries that cannot do without times.
_NEED_TIMES = ("rectools",)

_WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_NOT_IN_ATOMIC = re.compile(r"[\s:]+")


def log_columns(
    log: InteractionLog, library: str, *, repeats: str = "last"
) -> dict[str, NDArray[Any]]:
    """Returns a log as columns by the names that a library knows, one row for a user and item.

    ``pandas.DataFrame(log_columns(log, "lenskit"))`` is what LensKit and RecTools take;
    ``list(zip(*log_columns(log, "cornac").values()))`` the triples of Cornac, Surprise and others.
    For implicit, LightFM and scikit-learn there is `InteractionLog.matrix`.

    Args:
      log: what people consumed.
      library: one of `LIBRARIES`.
      repeats: what stands for rows that repeat a user and item; see `InteractionLog.once`.

    Returns:
      Users and items by their labels, as numbers where all are; ratings, 1 for a click; and times,
      in seconds, or as moments (datetime64) where the library wants those, if the log has them.

    Raises:
      ValueError: an unknown library, a library that needs times that the log has not, or as of
        `InteractionLog.once`.
    """
    if library not in LIBRARIES:
        raise ValueError(f"library={library!r} is unknown; known are {', '.join(LIBRARIES)}")
    if library in _NEED_TIMES and log.time is None:
        raise ValueError(f"{library} needs times, and {log.name} has none")
    log = log.once(repeats)
    user, item, rating, time = LIBRARIES[library]
    columns: dict[str, NDArray[Any]] = {
        user: _ids(log.user_labels)[log.user],
        item: _ids(log.item_labels)[log.item],
        rating: log.rating,
    }
    if time and log.time is not None:
        is_moment = not time.endswith(":float")
        moments = np.round(log.time * 1e3).astype("datetime64[ms]") if is_moment else log.time
        columns[time] = moments
    return columns


def export_log(
    log: InteractionLog, path: str | os.PathLike[str], library: str, *, repeats: str = "last"
) -> list[Path]:
    """Writes a log to files that a library reads; returns their paths.

    Args:
      log: what people consumed.
      path: a .csv file with a header; for recbole the start of its files' names, as in
        ``dataset/mine/mine``, to which ``.inter`` is added and, where the log tells of items or
        users, ``.item`` and ``.user``. The folder is made, and old files are replaced.
      library: one of `LIBRARIES`.
      repeats: as of `log_columns`.

    Raises:
      ValueError: as of `log_columns`, another suffix, or labels that such a file cannot hold.
    """
    columns = log_columns(log, library, repeats=repeats)
    files = files_of(path, library)
    if library != "recbole":
        return [_write_csv(files[0], columns)]
    tables = {"inter": columns}
    if log.item_features.size or (log.item_titles != log.item_labels).any():
        tables["item"] = {"item_id:token": log.item_labels, "title:token_seq": log.item_titles}
        tables["item"] |= _features(log.item_feature_names, log.item_features)
    if log.user_features.size:
        tables["user"] = {"user_id:token": log.user_labels}
        tables["user"] |= _features(log.user_feature_names, log.user_features)
    for kind, table in tables.items():
        _check_text(kind, table)
    return [
        _write_atomic(file, tables[kind]) for file in files if (kind := file.suffix[1:]) in tables
    ]


def files_of(path: str | os.PathLike[str], library: str) -> list[Path]:
    """Returns the files that `export_log` may write at a path.

    Raises:
      ValueError: the name of a table does not end with .csv.
    """
    path = Path(path)
    if library == "recbole":
        stem = path.name.removesuffix(".inter")
        return [path.with_name(f"{stem}.{kind}") for kind in ("inter", "item", "user")]
    if path.suffix != ".csv":
        raise ValueError(f"cannot write {path} for {library}: its name must end with .csv")
    return [path]


def _ids(labels: NDArray[np.str_]) -> NDArray[Any]:
    """Returns labels as whole numbers, if they all are such as Python writes them."""
    are_numbers = all(_WHOLE_NUMBER.fullmatch(label) for label in labels.tolist())
    return labels.astype(np.int64) if are_numbers else labels


def _features(names: NDArray[np.str_], values: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
    """Returns a column for each feature, by names such as atomic files can have."""
    plain = [_NOT_IN_ATOMIC.sub("_", name) for name in names.tolist()]
    return {f"{name}:float": values[:, place] for place, name in enumerate(plain)}


def _check_text(kind: str, table: dict[str, NDArray[Any]]) -> None:
    """Raises ValueError for a text that a file between tabs cannot hold."""
    for name, values in table.items():
        if values.dtype.kind == "U":
            for value in values.tolist():
                if "\t" in value or "\n" in value or "\r" in value:
                    raise ValueError(
                        f"{name} {value!r} has a tab or a line break, which a .{kind} file cannot "
                        "hold; take it out of the log"
                    )


def _write_csv(path: Path, columns: dict[str, NDArray[Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(_rows(columns))
    return path


def _write_atomic(path: Path, columns: dict[str, NDArray[Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft, draft.open("w", encoding="utf-8", newline="") as file:
        file.writelines("\t".join(row) + "\n" for row in [tuple(columns), *_rows(columns)])
    return path


def _rows(columns: dict[str, NDArray[Any]]) -> Iterable[tuple[str, ...]]:
    """Returns the rows of columns as text, numbers as short as they can be read back."""
    return zip(*(values.astype(str).tolist() for values in columns.values()), strict=True)
