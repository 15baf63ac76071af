"""Reads Parquet files as columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from recsim_env.data.readers.tables import Table

if TYPE_CHECKING:
    import pyarrow


def read_parquet_table(path: Path) -> Table:
    """Returns a Parquet file as columns.

    PyArrow reads it and not Polars, which does not compare pages with their checksums.

    Raises:
      ValueError: it is damaged, empty, or names two columns alike.
      ImportError: pyarrow is missing.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(
            'reading Parquet needs pyarrow; install it with pip install "recsim-env[data]"'
        ) from error
    with path.open("rb") as file:
        try:
            opened = parquet.ParquetFile(file, page_checksum_verification=True)
            names = opened.schema_arrow.names
            if len(set(names)) < len(names):
                raise ValueError(f"a column name appears twice in {names}")
            stored = opened.read()
            stored.validate(full=True)
            promised = opened.metadata.num_rows
            if stored.num_rows != promised:  # checksums do not cover what the footer says
                raise ValueError(f"it has {stored.num_rows:,} rows, its footer says {promised:,}")
            columns = {name: _column(name, stored.column(name)) for name in names}
        except (pa.ArrowException, pl.exceptions.PolarsError, OSError) as error:
            raise _unreadable(path, error) from error
        except (ValueError, MemoryError, OverflowError) as error:
            raise _unreadable(path, error) from error
    if not stored.num_rows:
        raise ValueError(f"{path} is empty; it needs at least one row")
    return Table(path, columns, range(1, stored.num_rows + 1), "row", form="Parquet")


def _unreadable(path: Path, error: BaseException) -> ValueError:
    told = " ".join(str(error).split()) or type(error).__name__
    return ValueError(f"{path} is not a Parquet file that can be read: {told}")


def _column(name: str, column: pyarrow.ChunkedArray) -> pl.Series:
    """Returns a column as Polars has it; categories are text."""
    found = pl.from_arrow(column)
    assert isinstance(found, pl.Series)
    is_coded = isinstance(found.dtype, pl.Categorical | pl.Enum)
    return (found.cast(pl.String) if is_coded else found).alias(name)
