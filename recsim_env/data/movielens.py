"""Fetches MovieLens-100K: 100,000 ratings of 1,682 films by 943 people.

The ratings are GroupLens' (University of Minnesota); their terms allow research use and forbid
passing them on, so they are fetched and never kept with this project. The copy comes with the
RecBole library's package. `python -m recsim_env.data.movielens` prints the folder.
"""

from __future__ import annotations

from pathlib import Path

from recsim_env.data.fetching import PackagedData

COMMAND = "python -m recsim_env.data.movielens"

MOVIELENS_100K = PackagedData(
    title="MovieLens-100K",
    requirement="recbole==1.2.1",
    inside="recbole/dataset_example/ml-100k/",
    files=("ml-100k.inter", "ml-100k.item", "ml-100k.user"),
    folder="ml-100k",
    command=COMMAND,
)


def movielens_100k_path() -> Path:
    """Returns the folder with MovieLens-100K as RecBole atomic files.

    Raises:
      FileNotFoundError: it was not fetched yet; the message has the command.
    """
    return MOVIELENS_100K.path()


def fetch_movielens_100k() -> Path:
    """Fetches MovieLens-100K unless it is there already, and returns its folder.

    Raises:
      RuntimeError: pip could not download the package.
    """
    return MOVIELENS_100K.fetch()


if __name__ == "__main__":
    print(fetch_movielens_100k())
