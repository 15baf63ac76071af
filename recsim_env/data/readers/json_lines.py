"""Reads objects of JSON, one a line, or one list of them, as columns."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from recsim_env.data.readers.encoded import UTF_8, Encoded, read_encoded
from recsim_env.data.readers.tables import Table


def read_json_table(path: Path, encodings: Sequence[str] = UTF_8) -> Table:
    """Returns a file of JSON lines, which may be packed by gzip, as columns.

    Lines written by Python ('single quotes', True) are understood, too.

    Raises:
      ValueError: a line that holds no object, or none at all.
    """
    text = read_encoded(path, encodings)
    start = text.raw.lstrip()[:1]
    if not start:
        raise ValueError(f"{path} is empty; it needs at least one row")
    remarks = list(text.remarks)
    if start == b"[":
        frame = _frame(_listed(text))
        return Table(path, _columns(frame), range(1, len(frame) + 1), "entry", form="a JSON list")
    try:
        frame = pl.read_ndjson(text.raw, infer_schema_length=10_000)
    except pl.exceptions.PolarsError:
        objects, is_python = _one_by_one(text)
        frame = _frame(objects)
        remarks += ["lines were read as Python writes dictionaries"] if is_python else []
    lines = _lines(text, len(frame))
    return Table(path, _columns(frame), lines, form="JSON lines", remarks=tuple(remarks))


def _lines(text: Encoded, n_rows: int) -> Sequence[int]:
    """Returns the lines, from 1, in which something stands."""
    n = text.raw.count(b"\n") + (not text.raw.endswith(b"\n"))
    if n == n_rows:
        return range(1, n_rows + 1)
    filled = [k for k, line in enumerate(text.raw.split(b"\n"), 1) if line.strip()]
    return np.array(filled)  # type: ignore[return-value]  # an array is as good a sequence


def _columns(frame: pl.DataFrame) -> dict[str, pl.Series]:
    return {name: frame[name] for name in frame.columns}


def _frame(objects: list[dict[str, Any]]) -> pl.DataFrame:
    """Returns objects as columns; where the values of one are of several types, as text."""
    try:
        return pl.DataFrame(objects, infer_schema_length=None)
    except (pl.exceptions.PolarsError, TypeError):
        names = list(dict.fromkeys(name for each in objects for name in each))
        columns = {name: [each.get(name) for each in objects] for name in names}
        return pl.DataFrame([_column(name, values) for name, values in columns.items()])


def _column(name: str, values: list[Any]) -> pl.Series:
    try:
        return pl.Series(name, values, strict=True)
    except (pl.exceptions.PolarsError, TypeError):
        texts = [v if isinstance(v, str) or v is None else json.dumps(v) for v in values]
        return pl.Series(name, texts, dtype=pl.String)


def _listed(text: Encoded) -> list[dict[str, Any]]:
    try:
        found = json.loads(text.raw)
    except ValueError as error:
        raise ValueError(f"{text.path} is no JSON that can be read: {error}") from error
    if not found or not all(isinstance(each, dict) for each in found):
        raise ValueError(f"{text.path} must hold a list of objects with a value for each column")
    return list(found)


def _one_by_one(text: Encoded) -> tuple[list[dict[str, Any]], bool]:
    """Returns the objects, and whether Python wrote them; or names the line that holds none."""
    parse: Callable[[str], Any] = json.loads
    objects: list[dict[str, Any]] = []
    for number, line in enumerate(text.raw.decode().split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = parse(line)
        except ValueError as error:
            if objects or (found := _literal(line)) is None:
                raise ValueError(f"{text.path}, line {number}: no JSON object ({error})") from error
            parse = ast.literal_eval
        except SyntaxError as error:
            raise ValueError(f"{text.path}, line {number}: no object ({error.msg})") from error
        if not isinstance(found, dict):
            raise ValueError(
                f"{text.path}, line {number}: a {type(found).__name__}; each line must hold one"
                ' object, like {"user": 1, "item": 2}'
            )
        objects.append(found)
    return objects, parse is ast.literal_eval


def _literal(line: str) -> Any:
    try:
        return ast.literal_eval(line)
    except (ValueError, SyntaxError):
        return None
