"""Layouts of published data sets: MovieLens folders and RecBole atomic files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import polars as pl

from recsim_env.data.readers.columns import Columns
from recsim_env.data.readers.encoded import UTF_8
from recsim_env.data.readers.features import (
    Encoder,
    category_feature,
    guessed_feature,
    no_feature,
    number_feature,
    tags_feature,
)
from recsim_env.data.readers.sides import SideTable
from recsim_env.data.readers.tables import Table
from recsim_env.data.readers.text import read_text_table

RATINGS_FILES = ("u.data", "ratings.dat", "ratings.csv")
_RATING_NAMES = ("user_id", "item_id", "rating", "timestamp")
# Old releases are in latin-1, and their parts without accents in both.
_ENCODINGS = (*UTF_8, "latin-1")
_GENRES_100K = [
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime"),
    *("Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery"),
    *("Romance", "Sci-Fi", "Thriller", "War", "Western"),
]
_YEAR = r"\((\d{4})\)\s*$"
_TITLE_WORDS = ("title", "name")


@dataclass(frozen=True)
class Source:
    """A log as its files hold it.

    Attributes:
      table: the interactions.
      items, users: what describes them, where there is something.
    """

    table: Table
    items: SideTable | None = None
    users: SideTable | None = None

    def of(self, columns: Columns) -> Source:
        """Returns the log with those descriptions whose ids stand in the columns that are read."""
        items = self.items if self.items and self.items.key == columns.item else None
        users = self.users if self.users and self.users.key == columns.user else None
        return Source(self.table, items, users)


def is_movielens_file(path: Path) -> bool:
    """Returns whether a file without a header has the name and layout of MovieLens' ratings."""
    if path.name == "u.data":
        return True
    if path.name != "ratings.dat":
        return False
    with path.open("rb") as file:
        return b"::" in file.readline()


def read_movielens_100k(folder: Path, encodings: Sequence[str] | None = None) -> Source:
    """Returns a folder with `u.data` and, where present, `u.item` and `u.user`."""
    read = partial(_movielens_table, encodings=encodings or _ENCODINGS)
    table = read(folder / "u.data", "\t", _RATING_NAMES)
    items = users = None
    if (path := folder / "u.item").exists():
        names = ["item_id", "title", "release_date", "video_date", "url", *_GENRES_100K]
        flags = read(path, "|", names)
        for genre in _GENRES_100K:
            flags.numbers(genre, at_least=0.0)
        genres = [
            "|".join(g for g, flag in zip(_GENRES_100K, row, strict=True) if float(flag))
            for row in zip(*(flags[g].to_list() for g in _GENRES_100K), strict=True)
        ]
        kept = {name: flags[name] for name in names[:5]}
        items = _movies(replace(flags, columns={**kept, "genre": pl.Series(genres)}), "item_id")
    if (path := folder / "u.user").exists():
        names = ["user_id", "age", "gender", "occupation", "zip_code"]
        users = SideTable(read(path, "|", names), "user_id", _PERSON)
    return Source(table, items, users)


def read_movielens_dat(folder: Path, encodings: Sequence[str] | None = None) -> Source:
    """Returns a folder with `ratings.dat` and, where present, movies and users."""
    read = partial(_movielens_table, encodings=encodings or _ENCODINGS)
    table = read(folder / "ratings.dat", "::", _RATING_NAMES)
    items = users = None
    if (path := folder / "movies.dat").exists():
        items = _movies(read(path, "::", ["item_id", "title", "genre"]), "item_id")
    if (path := folder / "users.dat").exists():
        names = ["user_id", "gender", "age", "occupation", "zip_code"]
        users = SideTable(read(path, "::", names), "user_id", _PERSON)
    return Source(table, items, users)


def read_ratings_csv(folder: Path, read: Callable[[Path], Table]) -> Source:
    """Returns a folder with `ratings.csv`, whoever made it, and MovieLens' `movies.csv`."""
    table = read(folder / "ratings.csv")
    path = folder / "movies.csv"
    if not path.exists():
        return Source(table)
    movies = read(path)
    if "movieId" not in table.columns or not {"movieId", "title", "genres"} <= set(movies.columns):
        return Source(
            table.with_remark("movies.csv was not read: both need MovieLens' columns, movieId …")
        )
    columns = {"genre" if name == "genres" else name: v for name, v in movies.columns.items()}
    return Source(table, _movies(replace(movies, columns=columns), "movieId"))


def read_recbole(
    prefix: Path, table: Table, columns: Columns, encodings: Sequence[str] = UTF_8
) -> Source:
    """Returns `prefix.inter`, which is read already, and, where present, `.item` and `.user`.

    Numbers become one feature, a few categories or tags one feature each; texts, and codes with
    "zip" in their name, none.
    """
    sides = {}
    for kind, key in (("item", columns.item), ("user", columns.user)):
        for packed in ("", ".gz"):
            path = prefix.with_name(f"{prefix.name}.{kind}{packed}")
            if path.exists() and kind not in sides:
                sides[kind] = _atomic_side(path, key, encodings)
    return Source(table, sides.get("item"), sides.get("user"))


def read_atomic_table(path: Path, encodings: Sequence[str] = UTF_8) -> tuple[Table, dict[str, str]]:
    """Returns a RecBole atomic file with bare column names, and the type of each column."""
    stored = read_text_table(path, "\t", encodings=encodings)
    types: dict[str, str] = {}
    for header in stored.columns:
        name, colon, kind = header.rpartition(":")
        if not colon or kind not in ("token", "token_seq", "float", "float_seq"):
            raise ValueError(
                f"{path}, line 1: column {header!r} lacks its type; write it like 'user_id:token'"
            )
        if name in types:
            raise ValueError(f"{path}, line 1: column {name!r} appears twice")
        types[name] = kind
    columns = dict(zip(types, stored.columns.values(), strict=True))
    return replace(stored, columns=columns, form="RecBole's atomic file"), types


def _movielens_table(
    path: Path, delimiter: str, names: Sequence[str], encodings: Sequence[str]
) -> Table:
    table = read_text_table(path, delimiter, names=names, encodings=encodings)
    return replace(table, form=f"MovieLens' {path.name}")


def _atomic_side(path: Path, key: str, encodings: Sequence[str]) -> SideTable:
    """Returns the description of items or users in an atomic file."""
    table, types = read_atomic_table(path, encodings)
    table[key]
    title = next(
        (n for n in types if n != key and n.split("_")[-1] in _TITLE_WORDS),
        None,
    )
    encoders: dict[str, Encoder] = {}
    for name, kind in types.items():
        if name in (key, title) or "zip" in name or kind == "float_seq":
            continue
        encoders[name] = tags_feature(" ") if kind == "token_seq" else guessed_feature
    return SideTable(table, key, encoders, title)


def _movies(table: Table, key: str) -> SideTable:
    """Returns the description of films whose titles end in a year and whose genres join by |."""
    years = table["title"].str.extract(_YEAR).fill_null("")
    genres = table["genre"].str.replace("(no genres listed)", "", literal=True)
    table = replace(table, columns={**table.columns, "year": years, "genre": genres})
    encoders: dict[str, Encoder] = {"genre": tags_feature("|"), "year": number_feature}
    return SideTable(table, key, encoders, title="title")


_PERSON: dict[str, Encoder] = {
    "age": number_feature,
    "gender": category_feature,
    "occupation": category_feature,
    "zip_code": no_feature,
}
