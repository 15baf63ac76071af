"""Reads Parquet files as columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recsim_env.data.readers.tables import Table

if TYPE_CHECKING:
    import pyarrow


def read_parquet_table(path: Path) -> Table:
    """Returns a Parquet file as columns.

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
            columns = {name: _column(stored.column(name)) for name in names}
        except (pa.ArrowException, OSError, ValueError, MemoryError, OverflowError) as error:
            told = " ".join(str(error).split()) or type(error).__name__
            raise ValueError(f"{path} is not a Parquet file that can be read: {told}") from error
    if not stored.num_rows:
        raise ValueError(f"{path} is empty; it needs at least one row")
    lines = np.arange(1, stored.num_rows + 1)
    return Table(path, columns, lines, "row", form="Parquet")


def _column(column: pyarrow.ChunkedArray) -> Any:
    """Returns a column as an array of numbers or times, or as a list of anything else."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    kind = column.type
    if pa.types.is_primitive(kind) and not (pa.types.is_time(kind) or pa.types.is_duration(kind)):
        if column.null_count and (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
            return column.to_pylist()  # as floats, large ids would lose their last digits
        return column.to_numpy()
    return column.to_pylist()
