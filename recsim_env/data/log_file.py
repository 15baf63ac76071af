"""The file of a log: its arrays, and all else as JSON, without pickles."""

from __future__ import annotations

import os
from collections.abc import Mapping, Set
from dataclasses import asdict, fields
from typing import Any

import numpy as np

from recsim_env.data.impressions import Impressions
from recsim_env.data.reading import Reading
from recsim_env.formats.array_file import read_arrays, write_arrays

KIND = "interaction log"
FORMAT_VERSION = 3

# What the names of the arrays of impressions begin with, in a file.
_SHOWN = "shown_"


def write_entries(path: str | os.PathLike[str], entries: Mapping[str, Any]) -> None:
    """Writes what a log holds, by name, to one .npz file."""
    arrays = {name: value for name, value in entries.items() if isinstance(value, np.ndarray)}
    values = {name: value for name, value in entries.items() if name not in arrays}
    values["reading"] = None if entries["reading"] is None else asdict(entries["reading"])
    values["context_labels"] = {name: list(each) for name, each in values["context_labels"].items()}
    shown = values.pop("impressions")
    values |= {_SHOWN + f.name: None for f in fields(Impressions)}
    for f in fields(Impressions) if shown is not None else ():
        if (column := getattr(shown, f.name)) is not None:
            arrays[_SHOWN + f.name] = column
            del values[_SHOWN + f.name]
    write_arrays(path, arrays, values, kind=KIND, version=FORMAT_VERSION)


def read_entries(path: str | os.PathLike[str], names: Set[str]) -> dict[str, Any]:
    """Returns what the log stored at `path` holds, by name.

    Raises:
      ValueError: any other file, or one that does not hold these names.
    """
    arrays, values = read_arrays(path, kind=KIND, version=FORMAT_VERSION)
    entries = {**arrays, **values}
    shown = {f.name: entries.pop(_SHOWN + f.name, None) for f in fields(Impressions)}
    entries["impressions"] = None if shown["user"] is None else Impressions(**shown)
    if found := names ^ set(entries):
        raise ValueError(f"{path} is damaged: unknown or missing entries {sorted(found)}")
    try:
        entries["reading"] = entries["reading"] and Reading.of(entries["reading"])
    except (TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    return entries
