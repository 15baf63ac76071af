"""Dense numbers for what has names, and names that may mean the same."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import polars as pl
from numpy.typing import NDArray

from recsim_env.data.order import label_key
from recsim_env.data.reading import Notes

_NUMBER = re.compile(r"0|[1-9][0-9]*")
_SHORTENED = re.compile(r"[0-9]([.,][0-9]+)?[eE]\+[0-9]+")
# Ids that look alike are doubtful where they are so many, and more than one in so many.
_MANY = 10


def dense_ids(ids: pl.Series, different: pl.Series) -> tuple[NDArray[np.int32], list[str]]:
    """Returns numbers 0, 1, … and the label of each; labels that are all numbers sort as such.

    Args:
      ids: (n,) text.
      different: each value that stands there, once.
    """
    labels = different.to_list()
    labels.sort(key=label_key(labels))
    return ids.cast(pl.Enum(labels)).to_physical().cast(pl.Int32).to_numpy(), labels


def compare_spellings(what: str, labels: list[str], notes: Notes) -> None:
    """Remarks on ids that differ in a way that often means nothing."""
    if all(map(_NUMBER.fullmatch, labels)):
        return
    seen: dict[str, str] = {}
    alike = [(seen.setdefault(plain_id(label), label), label) for label in labels]
    alike = [(one, other) for one, other in alike if one != other]
    if alike:
        is_doubtful = len(alike) >= _MANY and _MANY * len(alike) > len(labels)
        told = notes.doubts if is_doubtful else notes.remarks
        told.append(
            f"{len(alike):,} {what}s differ from another one only in capitals, blanks, leading"
            f" zeros, .0 or the coding of a character, as {alike[0][0]!a} and"
            f" {alike[0][1]!a}; they were kept apart"
        )
    cut = [label for label in labels if _SHORTENED.fullmatch(label)]
    if cut:
        notes.doubts.append(
            f"{len(cut):,} {what}s are called like {cut[0]!r}, as spreadsheets shorten long"
            " numbers: different ones may have become one; take the ids from where they were whole"
        )


def plain_id(label: str) -> str:
    """Returns an id without what programs add to ids or take from them."""
    plain = label.strip().casefold()
    if not plain.isascii():  # accents as one character or two, blanks without width
        parts = unicodedata.normalize("NFKC", plain)
        plain = "".join(c for c in parts if unicodedata.category(c) != "Cf").strip()
    found = re.fullmatch(r"0*([0-9]+?)(\.0+)?", plain)
    return found[1] if found else plain
