"""Tables that describe the items of a log, as embeddings take them."""

from collections.abc import Sequence
from pathlib import Path

from recsim_env.data.readers.features import Features, guessed_feature, join_features
from recsim_env.data.readers.formats import read_table
from recsim_env.data.readers.names import is_named_for, plain_name
from recsim_env.data.readers.tables import MISSING, Table
from recsim_env.data.reading import listed


def read_item_features(
    path: str | Path, names: Sequence[str] = (), *, encoding: str | None = None
) -> dict[str, list[float]]:
    """Returns numbers for each item by its id: those of a column, or 0 and 1 for each category.

    Args:
      path: a table with one row for each item: CSV, TSV, Parquet or JSON lines. Its ids stand in a
        column with a usual name, such as "item_id" or "action", or in the first.
      names: of its columns; all but the ids by default.
      encoding: of a text; UTF-8, or what its byte order mark says, if None.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: an unknown column, an id twice, a missing value, or a column that tells nothing.
      ImportError: a Parquet file without pyarrow.
    """
    table = read_table(Path(path), encoding)
    key = _key(table)
    ids = table.ids(key)[0].to_list()
    row_of: dict[str, int] = {}
    for row, each in enumerate(ids):
        if each in row_of:
            raise table.refused(row, key, f"which line {table.lines[row_of[each]]} has too")
        row_of[each] = row
    wanted = tuple(names) or tuple(name for name in table.columns if name != key)
    features, _ = join_features((_encoded(table, name) for name in wanted), len(ids))
    return dict(zip(ids, features.tolist(), strict=True))


def _key(table: Table) -> str:
    """Returns the column of ids."""
    for name in table.columns:
        if plain_name(name) in ("action", "actionid", "arm") or is_named_for("item", name):
            return name
    return next(iter(table.columns))


def _encoded(table: Table, name: str) -> Features:
    """Returns a column as numbers."""
    values = ["" if each is None else str(each).strip() for each in table[name].to_list()]
    for row, value in enumerate(values):
        if not value or value in MISSING:
            raise table.refused(row, name, "a missing value; fill it in, or leave the column out")
    found = guessed_feature(name, values)
    if not found[1]:
        raise ValueError(
            f"{table.path}: column {name!r} tells no items apart, or all of them "
            f"({listed(dict.fromkeys(values), 3)}); name other columns (--embedding)"
        )
    return found
