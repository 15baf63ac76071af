"""One-file storage of named arrays and plain values, without pickles: loading runs no code.

A file is a zip archive of .npy members, which `numpy.load` opens, too. One of them, the header, is
JSON; the archive's comment is a seal over the names, sizes and checksums of all members, so that a
file that was changed, mixed or cut after it was written is not believed.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsim_env.formats.files import replacing

_HEADER, _SUFFIX = "header", ".npy"

# More than this, and so many times what it takes on the disk, is not what anybody saved.
_MAX_BYTES, _MAX_RATIO = 2**31, 200

# The flag of a member of a zip archive that is encrypted.
_ENCRYPTED = 0x1


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
    with (
        replacing(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name, array in stored.items():
            with archive.open(name + _SUFFIX, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
        archive.comment = _seal(archive)


def _seal(archive: zipfile.ZipFile) -> bytes:
    """Returns a digest of what the members are; reading them compares each with its checksum."""
    members = [[each.filename, each.file_size, each.CRC] for each in archive.infolist()]
    return hashlib.sha256(json.dumps(members).encode()).hexdigest().encode()


def read_arrays(
    path: str | os.PathLike[str], *, kind: str, version: int
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Returns the arrays and values that `write_arrays` stored.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: the file cannot be read, is damaged or changed, holds pickled objects, is of
        another kind, or was written by a version of the project that this one cannot read.
    """
    return _read(Path(path), kind=kind, version=version, arrays_too=True)


def read_values(path: str | os.PathLike[str], *, kind: str, version: int) -> dict[str, Any]:
    """Returns the values alone, without reading the arrays; see `read_arrays`.

    Raises:
      FileNotFoundError, ValueError: as in `read_arrays`.
    """
    return _read(Path(path), kind=kind, version=version, arrays_too=False)[1]


def _read(
    path: Path, *, kind: str, version: int, arrays_too: bool
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such {kind} file")
    refusal = f"{path} holds no {kind}"
    arrays: dict[str, NDArray[Any]] = {}
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise ValueError("it is no archive of arrays, or only part of one")
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, path.stat().st_size)
            header = _header(archive)
            _check_kind(header, path, kind=kind, version=version)
            if archive.comment != _seal(archive):
                raise ValueError("it was changed after it was written; take a copy that was not")
            if arrays_too:
                names = [each.filename.removesuffix(_SUFFIX) for each in archive.infolist()]
                arrays = {name: _member(archive, name) for name in names if name != _HEADER}
    except _OtherFile as error:
        raise ValueError(str(error)) from error
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror or error}") from error
    except MemoryError as error:
        raise ValueError(f"{refusal} that fits into memory") from error
    except Exception as error:  # what zipfile, zlib, NumPy and json raise is as manifold as damage
        raise ValueError(f"{refusal}: {' '.join(str(error).split())[:200]}") from error
    return arrays, header["values"]


class _OtherFile(ValueError):
    """A file of another kind or version; the message names it."""


def _check_members(archive: zipfile.ZipFile, n_bytes: int) -> None:
    """Raises ValueError unless an archive of that size on the disk has the members of ours."""
    members = archive.infolist()
    names = [each.filename for each in members]
    if len(set(names)) < len(names) or not all(name.endswith(_SUFFIX) for name in names):
        raise ValueError("it has a member twice, or one that is no array")
    if any(each.flag_bits & _ENCRYPTED for each in members):
        raise ValueError("it is encrypted")
    claimed = sum(each.file_size for each in members)
    if claimed > max(_MAX_BYTES, _MAX_RATIO * n_bytes):
        raise ValueError(f"its {n_bytes:,} bytes claim to hold {claimed:,}")
    if _HEADER + _SUFFIX not in names:
        raise ValueError("it has no header")


def _member(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Returns an array, having read its member to the end, where its checksum is compared."""
    with archive.open(name + _SUFFIX) as file:
        array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
        if file.read(1):
            raise ValueError(f"{name} is longer than its array")
    return array


def _header(archive: zipfile.ZipFile) -> dict[str, Any]:
    """Returns the header: kind, version and values."""
    stored = _member(archive, _HEADER)
    header = json.loads(str(stored)) if stored.dtype.kind == "U" and stored.ndim == 0 else None
    if not isinstance(header, dict) or not isinstance(header.get("values"), dict):
        raise ValueError("its header is none of ours")
    return header


def _check_kind(header: Mapping[str, Any], path: Path, *, kind: str, version: int) -> None:
    """Raises `_OtherFile` for the header of a file of another kind or version."""
    if header.get("kind") != kind:
        raise _OtherFile(f"{path} holds no {kind}: it is {header.get('kind')!r}"[:200])
    if header.get("version") != version:
        raise _OtherFile(
            f"{path} has {kind} format {header.get('version')!r:.50}, this version of recsim-env"
            f" reads format {version}; write the file again"
        )
