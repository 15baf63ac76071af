"""Tables of people's own that describe items or users: which column is the id, which says what."""

from __future__ import annotations

import numpy as np
import polars as pl

from recsim_env.data.readers.dates import iso_days
from recsim_env.data.readers.features import (
    Encoder,
    dates_feature,
    described_feature,
    no_feature,
    number_feature,
    tags_feature,
)
from recsim_env.data.readers.labels import plain_id
from recsim_env.data.readers.names import is_id_name, is_named_for, is_title_name, plain_name
from recsim_env.data.readers.shown import as_lists
from recsim_env.data.readers.sides import SideTable
from recsim_env.data.readers.tables import Table, as_numbers
from recsim_env.data.reading import listed

_BETWEEN = "\x1f"
_SAMPLE = 2_000


def read_side(what: str, table: Table, key: str, log: Table) -> SideTable:
    """Returns the description of the items or users of a log that a table holds.

    Args:
      what: "items" or "users".
      table: one row for each.
      key: the log's column with their ids.
      log: the interactions.

    Raises:
      ValueError: no column of the table seems to hold the ids.
    """
    own = _key(what, table, key, log)
    names = [name for name in table.columns if name != own]
    title = _title(table, names) if what == "items" else None
    columns, encoders = {own: table[own]}, {}
    for name in names:
        columns[name], encoders[name] = _described(table[name].alias(name))
    if title is not None:
        del encoders[title]
    side = Table(
        table.path, columns, table.lines, table.unit, table.form, table.remarks, table.strays
    )
    return SideTable(side, own, encoders, title)


def _key(what: str, table: Table, key: str, log: Table) -> str:
    """Returns the column with the ids: called as the log's is, or usually, or with the same ids."""
    role = what.removesuffix("s")
    same = [name for name in table.columns if plain_name(name) == plain_name(key)]
    if len(same) == 1:
        return same[0]
    ids = {plain_id(str(each)) for each in log[key].unique().head(_SAMPLE).to_list()}
    shares = {}
    for name, column in table.columns.items():
        if column.dtype.is_nested():
            continue
        found = column.cast(pl.String, strict=False).drop_nulls()
        shares[name] = sum(plain_id(each) in ids for each in found.unique().to_list()) / len(ids)
    usual = [name for name in shares if is_named_for(role, name)]
    best = max(usual or shares, key=lambda name: (shares[name], -list(shares).index(name)))
    if usual or shares[best] > 0:
        return best
    raise ValueError(
        f"{table.path} describes none of the {what}: no column is called {key!r}, as in the log, or"
        f" holds ids of it; its columns are {listed(table.columns, 30)}"
    )


def _title(table: Table, names: list[str]) -> str | None:
    """Returns the column of what to call items: text, mostly different, called so."""
    for name in names:
        column = table[name]
        is_text = column.dtype == pl.String and np.isnan(as_numbers(column)).any()
        if is_text and is_title_name(name) and 2 * column.n_unique() > len(column):
            return name
    return None


def _described(column: pl.Series) -> tuple[pl.Series, Encoder]:
    """Returns a column as text, and how it becomes features."""
    kind = column.dtype
    if kind in (pl.List, pl.Array):
        joined = column.cast(pl.List(pl.String)).list.join(_BETWEEN, ignore_nulls=True)
        return joined.fill_null(""), tags_feature(_BETWEEN)
    if kind.is_temporal():
        moments = column.cast(pl.Datetime("us"), strict=False).cast(pl.Int64)
        return _as_text(moments), number_feature
    if kind == pl.Boolean:
        return _as_text(column.cast(pl.Int8)), number_feature
    if kind.is_numeric():
        is_id = is_id_name(column.name) and column.n_unique() == len(column)
        return _as_text(column), no_feature if is_id else number_feature
    if kind != pl.String:
        return pl.Series([""] * len(column)), no_feature
    text = column.fill_null("").str.strip_chars()
    if _are_lists(text):
        return as_lists(text).list.join(_BETWEEN), tags_feature(_BETWEEN)
    if _are_dates(text):
        return text, dates_feature
    if (days := iso_days(text)) is not None:
        return days, dates_feature
    is_id = is_id_name(column.name) and text.n_unique() == len(text)
    return text, no_feature if is_id else described_feature


def _as_text(column: pl.Series) -> pl.Series:
    return column.cast(pl.String).fill_null("")


def _are_lists(text: pl.Series) -> bool:
    """Returns whether texts are lists of few words: Action|Comedy, or ['Action', 'Comedy']."""
    present = text.filter(text != "")
    if not len(present):
        return False
    has_brackets = _share(present.str.contains(r"^\[.*\]$"))
    return has_brackets >= 0.9 or _share(present.str.contains("|", literal=True)) > 0.3


def _are_dates(text: pl.Series) -> bool:
    """Returns whether nearly all texts begin as ISO 8601 writes dates."""
    present = text.filter(text != "")
    return bool(len(present)) and _share(present.str.contains(r"^\d{4}-\d{2}-\d{2}")) >= 0.98


def _share(is_so: pl.Series) -> float:
    return float(np.mean(is_so.to_numpy()))
