"""Finds out which columns of a table are user, item, rating, click and time."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import polars as pl

from recsim_env.data.readers.assembly import Columns
from recsim_env.data.readers.tables import Table, as_numbers, number
from recsim_env.data.readers.times import seconds
from recsim_env.data.reading import Notes, asking, listed

# What people call the columns, without case, accents and punctuation; the first present counts.
SYNONYMS = {
    "user": "user userid uid visitorid visitor customerid customer reviewerid reviewer memberid"
    " member sessionid session personid person clientid playerid listenerid readerid accountid"
    " profileid username usuario idusuario benutzer utilisateur",
    "item": "item itemid iid movieid movie productid product asin parentasin bookid book isbn"
    " artistid artist trackid track songid song businessid business videoid video articleid"
    " article newsid news gameid game filmid film animeid recipeid hotelid restaurantid beerid"
    " jokeid courseid placeid venueid contentid documentid docid appid adid",
    "rating": "rating ratings score scores stars star overall reviewscore",
    "click": "click clicks clicked isclick isclicked label",
    "time": "timestamp time datetime unixtimestamp unixreviewtime eventtime createdat date ts",
}
# Words that say the role within longer names, and words beside which they say something else.
_RATING_WORDS = (
    "rating ratings rate rated score scores scored stars star overall grade grades nota notas note"
    " puntuacion valoracion calificacion bewertung voto valutazione avaliacao"
)
_NO_RATING_WORDS = (
    "count counts number num nb n no total sum avg average mean median std var date time timestamp"
    " at id year text title type propensity predicted prediction"
)
_TIME_WORDS = "timestamp timestamps datetime epoch"
_ID_WORDS = "id ids no nr key code index idx hash uuid anon name"
_SAMPLE = 1_000
_MANY = 100_000


def is_known(name: str) -> bool:
    """Returns whether a column with this name is read without being asked for.

    >>> is_known("User-ID"), is_known("Stars_given"), is_known("colour")
    (True, True, False)
    """
    plain = _plain(name)
    return any(plain in usual.split() for usual in SYNONYMS.values()) or _says_rating(name)


def choose_columns(table: Table, given: Mapping[str, str | None]) -> Columns:
    """Returns which columns to read: those given, else those with a usual name.

    A column whose name only contains a usual word is read as the rating or time when its values
    can be one, and no other column claims that.

    Raises:
      ValueError: a given column is missing or has two roles; no column names the user or item; two
        fit equally well; or the first line is no header.
    """
    chosen = {role: name for role, name in given.items() if name is not None}
    for name in chosen.values():
        table[name]
    if len(set(chosen.values())) < len(chosen):
        raise ValueError(f"a column has one role only, but these were asked for: {chosen}")
    if "rating" in chosen and "click" in chosen:
        raise ValueError("name the rating or the click, not both: a log holds one of them")
    for role, usual in SYNONYMS.items():
        if role not in chosen and not (role == "rating" and "click" in chosen):
            found = _usual(table, role, usual.split(), set(chosen.values()))
            if found is not None:
                chosen[role] = found
    if "rating" not in chosen and "click" not in chosen:
        _add_likely(
            table, chosen, "rating", _says_rating, partial(_can_rate, item=chosen.get("item"))
        )
    _add_likely(table, chosen, "time", _says_time, _can_time)
    if "rating" in chosen:
        chosen.pop("click", None)
    for role in ("user", "item"):
        if role not in chosen:
            raise ValueError(
                f"{table.path} has no column that is known to name the {role}; its columns are"
                f" {listed(table.columns, 30)}: name it with {asking(role, 'COLUMN')}"
                + (_headless(table) and f"; {_headless(table)}")
            )
    _check_header(table, chosen)
    named = frozenset(role for role, name in given.items() if name is not None)
    return Columns(**chosen, named=named)


def question(table: Table, columns: Columns, notes: Notes) -> None:
    """Notes what in unread columns a person should look over."""
    roles = columns.by_role()
    left = [name for name in table.columns if name not in roles.values()]
    is_doubtful = "rating" in roles and "rating" not in columns.named
    for role in (*roles, *(["click"] if is_doubtful else [])):
        others = [name for name in left if _plain(name) in SYNONYMS[role].split()]
        if role == "click":  # a label may be a word
            others = [name for name in others if _can_rate(table, name)]
        if others:
            left = [name for name in left if name not in others]
            notes.remarks.append(
                f"{listed(others)} may be the {role} too; {_name_it(role, others[0])}"
            )
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


def _usual(table: Table, role: str, usual: Sequence[str], taken: set[str]) -> str | None:
    """Returns the free column with the first of the usual names that is there."""
    free = [name for name in table.columns if name not in taken]
    for plain in usual:
        found = [name for name in free if _plain(name) == plain]
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
        longer = [name for name in free if _calls_by_words(name, usual)]
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
        is_usual = _plain(name) in SYNONYMS[role].split()
        if not math.isnan(number(name)) or (not is_usual and (table[name] == name).any()):
            raise ValueError(
                f"{table.path}, line 1: the {role}'s column is called {name!r}, which looks like a"
                " row of the table; the first line must be a header, like user,item,rating,time"
            )


def _headless(table: Table) -> str:
    is_row = table.has_header and any(not math.isnan(number(name)) for name in table.columns)
    return "the first line looks like a row, and must be a header" if is_row else ""


def _says_rating(name: str) -> bool:
    words = _words(name)
    says = [w in _RATING_WORDS.split() for w in words]
    return any(says) and not any(w in _NO_RATING_WORDS.split() for w in words)


def _says_time(name: str) -> bool:
    return any(word in _TIME_WORDS.split() for word in _words(name))


def _calls_by_words(name: str, usual: Sequence[str]) -> bool:
    """Returns whether a name is a usual word and what ids are called: "Customer Key"."""
    words = _words(name)
    return len(words) == 2 and any(
        word in usual and other in _ID_WORDS.split() for word, other in (words, reversed(words))
    )


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


def _words(name: str) -> list[str]:
    """Returns the words of a name, by punctuation and by capitals: "Book-Rating", "bookRating"."""
    split = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", _without_accents(name))
    return re.findall(r"[^\W\d_]+", split.lower())


def _plain(name: str) -> str:
    return "".join(c for c in _without_accents(name).lower() if c.isalnum())


def _without_accents(name: str) -> str:
    parts = unicodedata.normalize("NFKD", name)
    return "".join(c for c in parts if not unicodedata.combining(c))
