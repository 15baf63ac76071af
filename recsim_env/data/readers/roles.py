"""Finds out which columns of a table are user, item, rating, click and time."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import polars as pl

from recsim_env.data.readers.columns import Columns
from recsim_env.data.readers.names import (
    CONTEXT_WORDS,
    KIND_WORDS,
    SYNONYMS,
    calls_by_words,
    plain_name,
    says_rating,
    says_time,
    words_of,
)
from recsim_env.data.readers.tables import Table, as_numbers, number
from recsim_env.data.readers.times import seconds
from recsim_env.data.reading import Notes, asking, listed

NO_HEADER = "has_header=False (on the command line, --no-header)"
_SAMPLE = 1_000
_MOST_RATINGS = 101
_MOST_KINDS = 20
_MANY = 100_000


def choose_columns(
    table: Table, given: Mapping[str, str | None], context: Sequence[str] = ()
) -> Columns:
    """Returns which columns to read: those given, else those with a usual name.

    A column whose name only contains a usual word is read as the rating or time when its values
    can be one, and no other column claims that.

    Raises:
      ValueError: a given column is missing or has two roles; no column names the user or item; two
        fit equally well; or the first line is no header.
    """
    chosen = {role: name for role, name in given.items() if name is not None}
    for name in chosen.values():
        if name.isdecimal() and name not in table.columns and _headless(table):
            raise ValueError(f"{table.path} has no column {name!r}; {_headless(table)}")
        table[name]
    if is_nameless(table):
        _add_by_content(table, chosen)
    if len(set(chosen.values())) < len(chosen):
        raise ValueError(f"a column has one role only, but these were asked for: {chosen}")
    if "rating" in chosen and "click" in chosen:
        raise ValueError("name the rating or the click, not both: a log holds one of them")
    for role, usual in SYNONYMS.items():
        if role not in chosen and not (role == "rating" and "click" in chosen):
            found = _usual(table, role, usual.split(), {*chosen.values(), *context})
            if found is not None:
                chosen[role] = found
    if "rating" not in chosen and "click" not in chosen:
        _add_likely(
            table, chosen, "rating", says_rating, partial(_can_rate, item=chosen.get("item"))
        )
    _add_likely(table, chosen, "time", says_time, _can_time)
    if "rating" in chosen:
        chosen.pop("click", None)
    for role in ("slate", "place"):
        if "click" not in chosen and given.get(role) is None:
            chosen.pop(role, None)
    for role in ("user", "item"):
        if role not in chosen:
            for name in context:
                if plain_name(name) in SYNONYMS[role].split():
                    raise ValueError(
                        f"{table.path}: column {name!r} is asked for as a context, and no other is"
                        f" known to name the {role}; name that with {asking(role, 'COLUMN')}, or"
                        f" leave {name!r} out of the contexts"
                    )
            raise ValueError(
                f"{table.path} has no column that is known to name the {role}; its columns are"
                f" {listed(table.columns, 30)}: name it with {asking(role, 'COLUMN')}"
                + (_headless(table) and f"; {_headless(table)}")
            )
    _check_header(table, chosen)
    named = frozenset(role for role, name in given.items() if name is not None)
    named |= {f"context {name}" for name in context}
    return Columns(**chosen, context=tuple(context), named=named)


def question(table: Table, columns: Columns, notes: Notes) -> None:
    """Notes what in unread columns a person should look over."""
    roles = columns.by_role()
    guessed = [role for role in roles if role not in columns.named]
    if is_nameless(table) and guessed:
        notes.doubts.append(
            "no header: the columns were called 1, 2, …, and "
            + ", ".join(f"{roles[role]} was taken for the {role}" for role in guessed)
            + f"; name them where that is wrong, as with {asking(guessed[0], roles[guessed[0]])}"
        )
    left = [name for name in table.columns if name not in roles.values()]
    is_doubtful = "rating" in roles and "rating" not in columns.named
    for role in (*(r for r in roles if r in SYNONYMS), *(["click"] if is_doubtful else [])):
        others = [name for name in left if plain_name(name) in SYNONYMS[role].split()]
        if role == "click":  # a label may be a word
            others = [name for name in others if _can_rate(table, name)]
        if others:
            left = [name for name in left if name not in others]
            notes.remarks.append(
                f"{listed(others)} may be the {role} too; {_name_it(role, others[0])}"
            )
    left = _question_contexts(table, left, notes)
    times = [n for n in left if _can_time(table, n)] if columns.time is None else []
    if times:
        notes.doubts.append(f"{listed(times)} may be the time; {_name_it('time', times[0])}")
    numbers = [name for name in left if name not in times and _can_rate(table, name)]
    if numbers and columns.rating is None and columns.click is None:
        notes.doubts.append(
            "no column is known to be the rating or the click, so each row counts as one click, but"
            f" {listed(numbers)} may be; {_name_it('rating', numbers[0])}, or with"
            f" {asking('click', numbers[0])}"
        )
    kinds = [name for name in left if set(words_of(name)) & set(KIND_WORDS.split())]
    for name in kinds if columns.rating is None else ():
        _question_kind(table, name, notes)
    rated = [name for name in numbers if says_rating(name)]
    if rated and columns.rating is None and columns.click is not None:
        notes.remarks.append(
            f"{listed(rated)} may be the rating, but the log was read as clicks;"
            f" {_name_it('rating', rated[0])}"
        )


def _question_kind(table: Table, name: str, notes: Notes) -> None:
    """Notes a column that says what each row is, such as a view or a purchase."""
    known = _sample(table, name).drop_nulls().unique().sort()
    if known.dtype == pl.String and 1 < len(known) <= _MOST_KINDS:
        notes.doubts.append(
            f"{name!r} tells rows of several kinds ({listed(known.to_list(), 4)}), and each counts"
            " as a click; leave out rows that are none"
        )


def _question_contexts(table: Table, left: list[str], notes: Notes) -> list[str]:
    """Notes unread columns that are called as contexts are; returns the others."""
    found = [name for name in left if set(words_of(name)) & set(CONTEXT_WORDS.split())]
    found = [name for name in found if _sample(table, name).n_unique() <= _MOST_RATINGS]
    if found:
        notes.remarks.append(
            f"{listed(found)} may be contexts that people come in; read them with"
            f" {asking('context', ','.join(found))}"
        )
    return [name for name in left if name not in found]


def is_nameless(table: Table) -> bool:
    """Returns whether columns are called 1, 2, … as the file has no header."""
    return not table.has_header and list(table.columns) == [
        str(k) for k in range(1, len(table.columns) + 1)
    ]


def _add_by_content(table: Table, chosen: dict[str, str]) -> None:
    """Adds roles of columns without names: the user, the item, then the rating, and the time."""

    def free() -> list[str]:
        return [name for name in table.columns if name not in chosen.values()]

    if "time" not in chosen:
        times = [name for name in free() if _can_time(table, name)]
        chosen |= {"time": times[-1]} if len(times) == 1 else {}
    for role in ("user", "item"):
        if role not in chosen and free():
            chosen[role] = free()[0]
    if "rating" not in chosen and "click" not in chosen:
        rated = [name for name in free() if _can_rate(table, name)]
        few = [name for name in rated if len(_numbers(table, name)) <= _MOST_RATINGS]
        chosen |= {"rating": few[0]} if few else {}


def _usual(table: Table, role: str, usual: Sequence[str], taken: set[str]) -> str | None:
    """Returns the free column with the first of the usual names that is there."""
    free = [name for name in table.columns if name not in taken]
    for plain in usual:
        found = [name for name in free if plain_name(name) == plain]
        if plain == "label":  # which may be a word
            found = [name for name in found if not all(map(math.isnan, _numbers(table, name)))]
        if len(found) > 1:
            raise ValueError(
                f"{table.path}: columns {listed(found)} both name the {role}; say which with"
                f" {asking(role, found[0])}"
            )
        if found:
            return found[0]
    if role in ("user", "item"):
        longer = [name for name in free if calls_by_words(name, usual)]
        return longer[0] if len(longer) == 1 else None
    return None


def _add_likely(
    table: Table,
    chosen: dict[str, str],
    role: str,
    says: Callable[[str], bool],
    can: Callable[[Table, str], bool],
) -> None:
    """Adds the one column that says by its name, and can by its values, be of a role."""
    if role in chosen:
        return
    free = [name for name in table.columns if name not in chosen.values()]
    fitting = [name for name in free if says(name) and can(table, name)]
    if len(fitting) == 1:
        chosen[role] = fitting[0]


def _check_header(table: Table, chosen: Mapping[str, str]) -> None:
    """Raises ValueError where the names of the columns seem to be a row."""
    if table.unit != "line" or not table.has_header:
        return
    for role in ("user", "item"):
        name = chosen[role]
        is_usual = plain_name(name) in SYNONYMS[role].split()
        if not math.isnan(number(name)) or (not is_usual and (table[name] == name).any()):
            raise ValueError(
                f"{table.path}, line 1: the {role}'s column is called {name!r}, which looks like a"
                " row of the table; the first line must be a header, like user,item,rating,time"
            )


def _headless(table: Table) -> str:
    is_row = table.has_header and any(not math.isnan(number(name)) for name in table.columns)
    if not is_row and table.unit == "line" and table.has_header:
        return f"where the first line is a row, say so with {NO_HEADER}"
    return "the first line looks like a row, and must be a header" if is_row else ""


def _can_rate(table: Table, name: str, item: str | None = None) -> bool:
    """Returns whether a column holds numbers that differ, also for one item, if that is given."""
    numbers = _numbers(table, name)
    if len(numbers) < 2 or any(map(math.isnan, numbers)):
        return False
    if item is None:
        return True
    rows = pl.DataFrame([table[item].alias("item"), table[name].alias("value")])[:_MANY]
    n_pairs = rows.n_unique()
    return not rows["item"].n_unique() == n_pairs < len(rows)


def _can_time(table: Table, name: str) -> bool:
    """Returns whether a column holds numbers that are dates, or written dates."""
    sample = Table(table.path, {name: _sample(table, name)}, table.lines)
    try:
        found, kind = seconds(sample, name)
    except (ValueError, TypeError):
        return False
    return "own" not in kind and len(np.unique(found)) > 1


def _numbers(table: Table, name: str) -> set[float]:
    return set(as_numbers(_sample(table, name)).tolist())


def _sample(table: Table, name: str) -> pl.Series:
    values = table[name]
    return values.gather_every(max(len(values) // _SAMPLE, 1))


def _name_it(role: str, name: str) -> str:
    return f"name it with {asking(role, name)}"


def usual_item(table: Table, shown: str) -> str | None:
    """Returns the column that is usually called as what was clicked is, beside a list of items."""
    return _usual(table, "item", SYNONYMS["item"].split(), {shown})
