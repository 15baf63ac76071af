"""Layouts of published data sets: MovieLens folders and RecBole atomic files."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from recsim_env.data.assembly import Columns, Duplicates, SideTable, build_log
from recsim_env.data.features import (
    Encoder,
    category_feature,
    guessed_feature,
    no_feature,
    number_feature,
    tags_feature,
)
from recsim_env.data.log import InteractionLog
from recsim_env.data.tables import Table, read_text_table

_RATINGS = Columns("user_id", "item_id", rating="rating", time="timestamp")
_RATING_NAMES = ("user_id", "item_id", "rating", "timestamp")
_GENRES_100K = [
    *("unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime"),
    *("Documentary", "Drama", "Fantasy", "Film-Noir", "Horror", "Musical", "Mystery"),
    *("Romance", "Sci-Fi", "Thriller", "War", "Western"),
]
_YEAR = re.compile(r"\((\d{4})\)\s*$")
_TITLE_WORDS = ("title", "name")


def read_movielens_100k(folder: Path, duplicates: Duplicates) -> InteractionLog:
    """Returns the log of a folder with `u.data` and, where present, `u.item` and `u.user`."""
    table = read_text_table(folder / "u.data", "\t", names=_RATING_NAMES, encoding="latin-1")
    items = users = None
    if (path := folder / "u.item").exists():
        names = ["item_id", "title", "release_date", "video_date", "url", *_GENRES_100K]
        flags = read_text_table(path, "|", names=names, encoding="latin-1")
        for genre in _GENRES_100K:
            flags.numbers(genre, at_least=0.0)
        genres = [
            "|".join(g for g, flag in zip(_GENRES_100K, row, strict=True) if float(flag))
            for row in zip(*(flags[g] for g in _GENRES_100K), strict=True)
        ]
        items = _movies(replace(flags, columns={**flags.columns, "genre": genres}), "item_id")
    if (path := folder / "u.user").exists():
        names = ["user_id", "age", "gender", "occupation", "zip_code"]
        people = read_text_table(path, "|", names=names, encoding="latin-1")
        users = SideTable(people, "user_id", _PERSON)
    return build_log(
        table, _RATINGS, name=folder.name, items=items, users=users, duplicates=duplicates
    )


def read_movielens_dat(folder: Path, duplicates: Duplicates) -> InteractionLog:
    """Returns the log of a folder with `ratings.dat` and, where present, movies and users."""
    ratings = read_text_table(folder / "ratings.dat", "::", names=_RATING_NAMES, encoding="latin-1")
    items = users = None
    if (path := folder / "movies.dat").exists():
        names = ["item_id", "title", "genre"]
        items = _movies(read_text_table(path, "::", names=names, encoding="latin-1"), "item_id")
    if (path := folder / "users.dat").exists():
        names = ["user_id", "gender", "age", "occupation", "zip_code"]
        people = read_text_table(path, "::", names=names, encoding="latin-1")
        users = SideTable(people, "user_id", _PERSON)
    return build_log(
        ratings, _RATINGS, name=folder.name, items=items, users=users, duplicates=duplicates
    )


def read_movielens_csv(folder: Path, duplicates: Duplicates) -> InteractionLog:
    """Returns the log of a folder with `ratings.csv` and, where present, `movies.csv`."""
    ratings = read_text_table(folder / "ratings.csv", ",", quoted=True)
    items = None
    if (path := folder / "movies.csv").exists():
        movies = read_text_table(path, ",", quoted=True)
        items = _movies(
            replace(movies, columns={**movies.columns, "genre": movies["genres"]}), "movieId"
        )
    columns = Columns("userId", "movieId", rating="rating", time="timestamp")
    return build_log(ratings, columns, name=folder.name, items=items, duplicates=duplicates)


def read_recbole(prefix: Path, columns: Columns, duplicates: Duplicates) -> InteractionLog:
    """Returns the log of `prefix.inter` and, where present, `prefix.item` and `prefix.user`.

    Numbers become one feature, a few categories or tags one feature each; texts, and codes with
    "zip" in their name, none.
    """
    table, _ = read_atomic_table(prefix.with_name(prefix.name + ".inter"))
    sides = {}
    for kind, key in (("item", columns.item), ("user", columns.user)):
        path = prefix.with_name(f"{prefix.name}.{kind}")
        if path.exists():
            sides[kind] = _atomic_side(path, key)
    return build_log(
        table,
        columns,
        name=prefix.name,
        items=sides.get("item"),
        users=sides.get("user"),
        duplicates=duplicates,
    )


def read_atomic_table(path: Path) -> tuple[Table, dict[str, str]]:
    """Returns a RecBole atomic file with bare column names, and the type of each column."""
    stored = read_text_table(path, "\t")
    types = {}
    for header in stored.columns:
        name, colon, kind = header.rpartition(":")
        if not colon or kind not in ("token", "token_seq", "float", "float_seq"):
            raise ValueError(
                f"{path}, line 1: column {header!r} lacks its type; write it like 'user_id:token'"
            )
        types[name] = kind
    return replace(stored, columns=dict(zip(types, stored.columns.values(), strict=True))), types


def _atomic_side(path: Path, key: str) -> SideTable:
    """Returns the description of items or users in an atomic file."""
    table, types = read_atomic_table(path)
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
    found = [_YEAR.search(title) for title in table["title"]]
    years = [match.group(1) if match else "" for match in found]
    genres = [value.replace("(no genres listed)", "") for value in table["genre"]]
    table = replace(table, columns={**table.columns, "year": years, "genre": genres})
    encoders: dict[str, Encoder] = {"genre": tags_feature("|"), "year": number_feature}
    return SideTable(table, key, encoders, title="title")


_PERSON: dict[str, Encoder] = {
    "age": number_feature,
    "gender": category_feature,
    "occupation": category_feature,
    "zip_code": no_feature,
}
