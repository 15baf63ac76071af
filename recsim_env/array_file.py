"""One-file storage of named arrays and plain values, without pickles: loading runs no code."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsim_env.files import replacing

_HEADER = "header"


def write_arrays(
    path: str | os.PathLike[str],
    arrays: Mapping[str, NDArray[Any]],
    values: Mapping[str, Any],
    *,
    kind: str,
    version: int,
) -> None:
    """Writes arrays and JSON values to one .npz file, replacing an old file only when complete.

    Args:
      path: the file; its folder must exist. No suffix is added.
      arrays: arrays of numbers or text, by name.
      values: anything JSON can hold.
      kind: what the file is, e.g. "rated world"; `read_arrays` refuses another kind.
      version: of the layout of this kind of file.

    Raises:
      ValueError: an array holds Python objects, or the folder does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise ValueError(f"cannot save {kind} to {path}: folder {path.parent} does not exist")
    for name, array in arrays.items():
        if array.dtype.hasobject or name == _HEADER:
            raise ValueError(f"array {name!r} has dtype {array.dtype}; use numbers or text")
    header = json.dumps({"kind": kind, "version": version, "values": dict(values)})
    stored: dict[str, Any] = {_HEADER: np.array(header), **arrays}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **stored)


def read_arrays(
    path: str | os.PathLike[str], *, kind: str, version: int
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Returns the arrays and values that `write_arrays` stored.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: the file is damaged, holds pickled objects, is of another kind, or was written by
        a version of the project that this one cannot read.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such {kind} file")
    refusal = f"{path} holds no {kind}"
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError("it is no archive of arrays, or only part of one")
        with np.load(path, allow_pickle=False) as file:
            if _HEADER not in file.files:
                raise ValueError("it has no header")
            header = json.loads(str(file[_HEADER]))
            arrays = {name: file[name] for name in file.files if name != _HEADER}
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ValueError(f"{refusal}: {error}") from error
    if not isinstance(header, dict) or header.get("kind") != kind:
        found = header.get("kind") if isinstance(header, dict) else header
        raise ValueError(f"{refusal}: it is {found!r}")
    if header.get("version") != version:
        raise ValueError(
            f"{path} has {kind} format {header.get('version')}, this version of recsim-env reads"
            f" format {version}; write the file again"
        )
    return arrays, header["values"]
