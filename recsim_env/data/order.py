"""Orders of people, items and rows that do not depend on how a log happens to be stored.

Many logs have dates only, or no times at all. What came last is then unknown, and the place of a
row in its file says nothing of it: files are sorted by item, by person or by anything else. Such
ties are broken at random, by a hash of the row's user and item and a seed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_ODD = np.uint64(0x9E3779B97F4A7C15)

# Longer runs of digits are names: Python reads no number of more than 4,300.
_LONGEST_NUMBER = 1_000


def label_key(labels: Iterable[str]) -> Callable[[str], Any]:
    """Returns what to sort labels by: as numbers where all are, else as text."""
    if all(label.isdecimal() and len(label) < _LONGEST_NUMBER for label in labels):
        return lambda label: (int(label), label)
    return lambda label: label


def by_label(labels: NDArray[np.str_]) -> NDArray[np.int64]:
    """Returns the positions of labels in their order; equal ones stay as they stand."""
    known = list(map(str, labels.tolist()))
    key = label_key(known)
    return np.array(sorted(range(len(known)), key=lambda k: key(known[k])), np.int64)


def pair_hash(
    user: NDArray[np.integer[Any]],
    item: NDArray[np.integer[Any]],
    user_labels: NDArray[np.str_],
    item_labels: NDArray[np.str_],
    *,
    repeat: NDArray[np.integer[Any]],
    seed: int,
) -> Hashes:
    """Returns a number for every row, evenly spread, from its labels and a seed alone.

    Args:
      user, item: (n,), places in the labels.
      user_labels, item_labels: names of people and items.
      repeat: (n,), how many rows of the same person and item come before.
      seed: gives all rows other numbers.
    """
    who, what = _digests(user_labels, f"user {seed}"), _digests(item_labels, f"item {seed}")
    pair = _mixed(who[user] * _ODD + what[item])
    return _mixed(pair + repeat.astype(np.uint64) * _ODD)


def _digests(labels: NDArray[np.str_], purpose: str) -> Hashes:
    keyed = hashlib.blake2b(digest_size=8, key=purpose.encode()[-64:])
    digests = bytearray()
    for label in labels.tolist():
        each = keyed.copy()
        each.update(str(label).encode("utf-8", "surrogatepass"))
        digests += each.digest()
    return np.frombuffer(bytes(digests), "<u8").astype(np.uint64)


def _mixed(number: Hashes) -> Hashes:
    """Returns numbers of which every bit depends on every bit of those given.

    Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators" (the
      finaliser of SplitMix64).
    """
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return number ^ (number >> np.uint64(31))
