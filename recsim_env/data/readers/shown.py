"""Lists of what was shown, one a row, as a row for each item that was shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from recsim_env.data.readers.tables import Table
from recsim_env.data.reading import asking

#: What the columns of the new table are called that the lists tell.
ITEM, CLICK, SLATE, PLACE = "shown item", "shown click", "shown slate", "shown place"

_SUFFIXES = r"^(.*)-([01])$"


def one_item_a_row(table: Table, shown: str, clicked: str | None) -> Table:
    """Returns a table with a row for every item that was shown.

    Args:
      table: one row for every list.
      shown: the column of lists: in one text, ids part by blanks, commas or bars. They may say
        by -1 and -0 at their ends which were clicked, as those of MIND do.
      clicked: the column of the item, or the list of items, that were clicked, else.

    Raises:
      ValueError: it is not told which were clicked, or a clicked item was not shown.
    """
    lists = as_lists(table[shown])
    sizes = lists.list.len().fill_null(0).to_numpy()
    slate = np.repeat(np.arange(len(table)), sizes)
    items = lists.filter(lists.list.len() > 0).explode()
    first = np.cumsum(sizes) - sizes
    others = {name: each for name, each in table.columns.items() if name not in (shown, clicked)}
    columns = {name: values.gather(slate) for name, values in others.items()}
    if clicked is None:
        items, click = _by_suffix(table, shown, items)
    else:
        click = _by_list(table, shown, clicked, items, slate)
    columns |= {
        ITEM: items,
        CLICK: click,
        SLATE: pl.Series(slate),
        PLACE: pl.Series(np.arange(len(slate)) - first[slate]),
    }
    how = "ids that end with -1" if clicked is None else f"those in {clicked!r}"
    table = table.with_remark(f"each item in the lists in {shown!r} is a row; clicked are {how}")
    return replace(table, columns=columns, lines=np.asarray(table.lines)[slate], strays={})


def as_lists(column: pl.Series) -> pl.Series:
    """Returns lists of text, of lists or of texts in which something stands between the parts."""
    if isinstance(column.dtype, pl.List | pl.Array):
        return column.cast(pl.List(pl.String))
    text = column.cast(pl.String).str.strip_chars(" []()").str.replace_all("[\"']", "")
    sample = text.head(1_000)
    between = next((c for c in "|,;" if sample.str.contains(c, literal=True).any()), " ")
    parts = text.str.split(between).list.eval(pl.element().str.strip_chars())
    return parts.list.eval(pl.element().filter(pl.element() != ""))


def _by_suffix(table: Table, shown: str, items: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Returns ids without the -0 or -1 at their ends, and these numbers."""
    parts = items.str.extract_groups(_SUFFIXES).struct.unnest()
    names = parts.columns
    if parts[names[1]].null_count():
        raise ValueError(
            f"{table.path}: the lists in {shown!r} do not say what was clicked, by -1 and -0 behind"
            f" the ids; name the column that tells it with {asking('item', 'COLUMN')}"
        )
    return parts[names[0]], parts[names[1]].cast(pl.Int64)


def _by_list(
    table: Table, shown: str, clicked: str, items: pl.Series, slate: np.ndarray
) -> pl.Series:
    """Returns 1 where an item is among those that were clicked in its list."""
    chosen = as_lists(table[clicked])
    sizes = chosen.list.len().fill_null(0).to_numpy()
    pairs = pl.DataFrame(
        {
            "slate": np.repeat(np.arange(len(table)), sizes),
            "item": chosen.filter(chosen.list.len() > 0).explode(),
        }
    ).unique()
    found = pl.DataFrame({"slate": slate, "item": items})
    missing = pairs.join(found, on=["slate", "item"], how="anti")
    if len(missing):
        row = int(missing["slate"].min())  # type: ignore[arg-type]  # of integers
        raise table.refused(row, clicked, f"which is not among those in {shown!r}")
    is_clicked = found.join(
        pairs.with_columns(click=pl.lit(1)), on=["slate", "item"], how="left", maintain_order="left"
    )
    return is_clicked["click"].fill_null(0)
