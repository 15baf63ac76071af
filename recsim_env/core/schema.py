"""What follows from the layouts of a scenario: records, spaces, names, and what is copied.

An observation has entries, such as "user", "context", "candidates" and "response": boxes of float32
numbers whose columns are fields of records, or computed by the scenario. Compiled code writes them
by the names of their columns, ``observation.candidates[index].quality = 0.5``; agents see boxes in
the same memory.
"""

import functools
import linecache
import math
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from recsim_env.core.fields import Field, Layout, Shown, record_dtype
from recsim_env.core.hidden import CANDIDATE_STATE, hidden_of_items, hidden_of_person


@dataclass(frozen=True)
class Part:
    """One entry of the observation: rows of columns.

    Attributes:
      name: such as "candidates".
      n_rows: how many; None is a single one, without an axis.
      copied: the fields that are copied from records, by name.
      computed: the columns that the scenario's `observe` writes, by name.
    """

    name: str
    n_rows: int | None
    copied: Mapping[str, Field]
    computed: Mapping[str, Field]

    @property
    def fields(self) -> dict[str, Field]:
        """Copied and computed fields, in the order of their columns."""
        return {**self.copied, **self.computed}

    @property
    def shape(self) -> tuple[int, ...]:
        """(n_rows, number of columns), or without rows the latter alone."""
        n_columns = sum(field.n_columns for field in self.fields.values())
        return (n_columns,) if self.n_rows is None else (self.n_rows, n_columns)

    @property
    def column_names(self) -> tuple[str, ...]:
        """A name for each column."""
        fields = self.fields.items()
        return tuple(each for name, field in fields for each in field.column_names(name))

    @property
    def space(self) -> spaces.Box:
        """The space of the entry."""
        ends = [field.column_ends for field in self.fields.values() for _ in range(field.n_columns)]
        low, high = np.array(ends, np.float32).T
        return spaces.Box(
            np.ascontiguousarray(np.broadcast_to(low, self.shape)),
            np.ascontiguousarray(np.broadcast_to(high, self.shape)),
            dtype=np.float32,
        )

    @property
    def entry(self) -> tuple[Any, ...]:
        """The entry of a dtype that names its columns."""
        columns = {name: field.columns for name, field in self.fields.items()}
        dtype = record_dtype(columns, of=self.name)
        return (self.name, dtype) if self.n_rows is None else (self.name, dtype, (self.n_rows,))


@dataclass(frozen=True)
class Schema:
    """All that follows from a scenario's layouts.

    Attributes:
      user: the layout of a person.
      item: of an item.
      response: of what a person did with one shown item.
      info: of what is reported for study.
      observation: of the columns that `observe` computes, by entry: a layout, or (layout, rows);
        "candidates" and "response" have theirs. It is also the order of the entries; those that
        only copy follow.
      sizes: `n_candidates`, `slate_size`, `n_users` and `n_items`.
      shows_state: whether what is hidden of people and items is seen too, in entries of its own
        (`recsim_env.core.hidden`).
    """

    user: Layout
    item: Layout
    response: Layout
    info: Layout
    observation: Mapping[str, Any]
    sizes: Mapping[str, int]
    shows_state: bool = False

    @property
    def parts(self) -> dict[str, Part]:
        """The entries of the observation that hold numbers, in their order."""
        rows = {
            "candidates": self.sizes["n_candidates"],
            "response": self.sizes["slate_size"],
            CANDIDATE_STATE: self.sizes["n_candidates"],
        }
        copied: dict[str, dict[str, Field]] = {name: {} for name in self.observation}
        for name, field in _shown(self.user):
            under = field.shown.under if field.shown is not None else None
            copied.setdefault(under or "user", {})[name] = field
        for entry, layout in (("candidates", self.item), ("response", self.response)):
            copied.setdefault(entry, {}).update(_shown(layout))
        if self.shows_state:
            copied |= hidden_of_person(self.user)
            copied[CANDIDATE_STATE] = hidden_of_items(self.item)
        found = {}
        for name, fields in copied.items():
            spec = self.observation.get(name, {})
            layout, n_rows = spec if isinstance(spec, tuple) else (spec, rows.get(name))
            computed = {each: Field.of(own) for each, own in layout.items()}
            twice = sorted(set(computed) & set(fields))
            if twice:
                raise ValueError(
                    f"observation {name!r}: {twice[0]} is both a field that is copied and a "
                    "column that is computed; rename one of them"
                )
            if fields or computed:
                found[name] = Part(name, n_rows, fields, computed)
        return found

    @property
    def boxes(self) -> dict[str, spaces.Box]:
        """The spaces of the entries that hold numbers, by name, in their order."""
        return {name: part.space for name, part in self.parts.items()}

    @property
    def spaces(self) -> dict[str, spaces.Space]:
        """The spaces of all entries: ids, where there are any, come last."""
        n_users, n_items = self.sizes["n_users"], self.sizes["n_items"]
        found: dict[str, spaces.Space] = {**self.boxes}
        if n_users:
            found["user_id"] = spaces.Discrete(n_users)
        if n_items:
            found["item_id"] = spaces.MultiDiscrete(np.full(self.sizes["n_candidates"], n_items))
        return found

    @property
    def column_names(self) -> dict[str, tuple[str, ...]]:
        """A name for each column, by entry of the observation."""
        return {name: part.column_names for name, part in self.parts.items()}

    def category_columns(self, category: str | None) -> slice:
        """Returns which columns of `candidates` show an item's category; the largest one names it.

        They are the adjacent columns named after the category, such as "topic_0" for "topic"; none
        where it is hidden.
        """
        if category is None:
            return slice(0, 0)
        names = self.column_names.get("candidates", ())
        places = [place for place, name in enumerate(names) if name.startswith(f"{category}_")]
        return slice(places[0], places[-1] + 1) if places else slice(0, 0)

    @property
    def dtypes(self) -> dict[str, np.dtype]:
        """The dtypes of `user`, `item`, `response`, `info` and `observation` records.

        "columns" is the same memory as "observation", where each column has its name.
        """
        ids = [
            *([("user_id", np.int64)] if self.sizes["n_users"] else []),
            *([("item_id", np.int64, self.sizes["n_candidates"])] if self.sizes["n_items"] else []),
        ]
        boxes = [(name, np.float32, part.shape) for name, part in self.parts.items()]
        columns = [part.entry for part in self.parts.values()]
        return {
            "user": record_dtype(self.user, of="user"),
            "item": record_dtype(self.item, of="item"),
            "response": record_dtype(self.response, of="response"),
            "info": record_dtype(self.info, of="info"),
            "observation": np.dtype([*boxes, *ids], align=True),
            "columns": np.dtype([*columns, *ids], align=True),
        }

    @property
    def n_floats(self) -> int:
        """How many float32 numbers lead the observation: as many as a flat one has."""
        return sum(math.prod(part.shape) for part in self.parts.values())

    @property
    def copy_shown(self) -> Callable[..., None]:
        """The function (user, items, candidates, response, observation) that copies the fields.

        It is made from text, in the words one would have written by hand.
        """
        return _function_of("copy_shown", self.copying_source())

    def copying_source(self) -> str:
        """Returns the text of `copy_shown`."""
        over_candidates = "for index in range(len(candidates)):", "index"
        loops = {
            "candidates": over_candidates,
            CANDIDATE_STATE: over_candidates,
            "response": ("for place in range(len(response)):", "place"),
        }
        lines = []
        for name, part in self.parts.items():
            loop, row = loops.get(name, ("", ""))
            record = {"index": "item", "place": "response[place]"}.get(row, "user")
            target = f"observation.{name}[{row}]" if row else f"observation.{name}"
            copied = [
                line
                for each, field in part.copied.items()
                for line in _copying(f"{target}.{each}", f"{record}.{each}", field)
            ]
            if row == "index" and copied:
                copied.insert(0, "item = items[candidates[index]]")
            lines += [loop, *(f"    {line}" for line in copied)] if row and copied else copied
        head = "def copy_shown(user, items, candidates, response, observation):"
        doc = '    """Shows what the records hold."""'
        return "\n".join([head, doc, *(f"    {line}" for line in lines)]) + "\n"


def _shown(layout: Layout) -> Iterator[tuple[str, Field]]:
    for name, spec in layout.items():
        field = Field.of(spec)
        if field.shown is not None:
            yield name, field


def _copying(column: str, value: str, field: Field) -> list[str]:
    """Returns the lines that copy a field into its columns."""
    seen = field.shown or Shown()
    if seen.one_hot:
        return [f"{column}[{value}] = 1.0"]
    each = "[column]" if field.shape else ""
    value_of_each = value + each
    if seen.clip is not None:
        value_of_each = f"min({value_of_each}, {float(seen.clip)!r})"
    if seen.divisor != 1.0:
        value_of_each = f"{value_of_each} / {seen.divisor!r}"
    if seen.is_log:
        value_of_each = f"tempered({value_of_each})"
    line = f"{column}{each} = {value_of_each}"
    return [f"for column in range(len({value})):", f"    {line}"] if field.shape else [line]


@functools.cache
def _function_of(name: str, source: str) -> Callable[..., None]:
    """Returns a function from its text, which tracebacks and debuggers show."""
    file = f"<{name}, made by recsim_env.core.schema, {zlib.crc32(source.encode()):x}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names: dict[str, Any] = {"__name__": __name__, "tempered": tempered}
    exec(compile(source, file, "exec"), names)
    function: Callable[..., None] = names[name]
    return function


def tempered(value: Any) -> float:
    """Returns sign(value) log(1 + |value|): the value where it is small, and never a large one."""
    return math.copysign(math.log1p(abs(float(value))), float(value))


def copy_shown(user: Any, items: Any, candidates: Any, response: Any, observation: Any) -> None:
    """Stands for the function of this name that a schema makes."""
