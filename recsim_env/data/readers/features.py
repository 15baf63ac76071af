"""Turns columns that describe items or users into numbers between 0 and 1."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from recsim_env.data.readers.commas import decimal_commas

# A column with more categories than this is an id or a free text, not a description.
MOST_CATEGORIES = 50

#: How many columns a free text becomes.
N_HASHES = 32

# Texts of so many words are no codes.
_FREE_TEXT = 2.5

# Sums and differences of numbers made smaller by a power of two are as exact, and never too large.
_SMALL = 2.0**-64

_AMOUNT = r"(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
_PRICE = re.compile(rf"(?:[$€£¥]|USD|EUR|GBP) ?{_AMOUNT}|{_AMOUNT} ?(?:[$€£¥]|USD|EUR|GBP)")

Features = tuple[NDArray[np.float32], list[str]]
Encoder = Callable[[str, Sequence[str]], Features]


def number_feature(name: str, values: Sequence[str]) -> Features:
    """Returns one column scaled so that its range becomes [0, 1]; missing values get the mean."""
    numbers = _numbers(values)
    if np.isnan(numbers).all() or np.nanmax(numbers) == np.nanmin(numbers):
        return no_feature(name, values)
    low, high = np.nanmin(numbers), np.nanmax(numbers)
    mean = np.nanmean(numbers * _SMALL) / _SMALL
    numbers = np.where(np.isnan(numbers), mean, numbers)
    scaled = (numbers / 2 - low / 2) / (high / 2 - low / 2)
    return scaled.astype(np.float32)[:, None], [name]


def category_feature(name: str, values: Sequence[str]) -> Features:
    """Returns a 0/1 column `name=value` for every value that occurs; none for missing ones."""
    return _indicators(name, [[value] if value else [] for value in values])


def tags_feature(separator: str | None) -> Encoder:
    """Returns the encoder of a column of several tags: a 0/1 column `name=tag` for every tag.

    Args:
      separator: what stands between tags; None splits at blanks.
    """

    def encode(name: str, values: Sequence[str]) -> Features:
        return _indicators(name, [[t for t in value.split(separator) if t] for value in values])

    return encode


def guessed_feature(name: str, values: Sequence[str]) -> Features:
    """Returns numbers as one scaled column, few categories as 0/1 columns, anything else dropped.

    A column is one of numbers when at most one value in fifty is not; that one counts as missing.
    Commas come before decimals only where all values have one, before equally many digits.
    """
    present = [value for value in values if value]
    n_numbers = np.isfinite(_numbers(present)).sum()
    if present and n_numbers >= 0.98 * len(present):
        return number_feature(name, values)
    if 1 < len(set(present)) <= MOST_CATEGORIES:
        return category_feature(name, values)
    return no_feature(name, values)


def described_feature(name: str, values: Sequence[str]) -> Features:
    """Returns what `guessed_feature` does, but free text, and many categories, as hashed words."""
    present = [value for value in values if value]
    n_words = sum(len(value.split()) for value in present) / max(len(present), 1)
    are_different = 2 * len(set(present)) > len(present)
    if n_words >= _FREE_TEXT and are_different:
        return words_feature(name, values)
    found = guessed_feature(name, values)
    if found[1] or are_different or len(set(present)) <= 1:  # different codes tell nothing
        return found
    return words_feature(name, values)


def words_feature(name: str, values: Sequence[str]) -> Features:
    """Returns N_HASHES columns `name#k`: the share of a text's words that are hashed to each.

    Source: Weinberger et al. 2009, "Feature hashing for large scale multitask learning".
    Differs: without signs, so that features are not negative.
    """
    matrix = np.zeros((len(values), N_HASHES), np.float32)
    place: dict[str, int] = {}
    for row, value in enumerate(values):
        for word in re.findall(r"\w+", value.casefold()):
            if word not in place:
                digest = hashlib.blake2b(word.encode(), digest_size=8).digest()
                place[word] = int.from_bytes(digest, "little") % N_HASHES
            matrix[row, place[word]] += 1
    matrix /= np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    return matrix, [f"{name}#{k}" for k in range(N_HASHES)]


def dates_feature(name: str, values: Sequence[str]) -> Features:
    """Returns one column of dates, as ISO 8601 writes them, scaled as numbers are."""
    days = [_days(value) for value in values]
    return number_feature(name, ["" if day is None else str(day) for day in days])


def _days(value: str) -> int | None:
    try:
        return date.fromisoformat(value[:10]).toordinal()
    except ValueError:
        return None


def no_feature(name: str, values: Sequence[str]) -> Features:
    """Returns no column at all."""
    return np.zeros((len(values), 0), np.float32), []


def join_features(parts: Iterable[Features], n_rows: int) -> Features:
    """Returns all columns side by side."""
    columns, names = [np.zeros((n_rows, 0), np.float32)], []
    for matrix, part_names in parts:
        columns.append(matrix)
        names += part_names
    return np.concatenate(columns, axis=1), names


def _indicators(name: str, tags: list[list[str]]) -> Features:
    known = sorted({tag for row in tags for tag in row})
    column = {tag: k for k, tag in enumerate(known)}
    matrix = np.zeros((len(tags), len(known)), np.float32)
    for row, row_tags in enumerate(tags):
        matrix[row, [column[tag] for tag in row_tags]] = 1.0
    return matrix, [f"{name}={tag}" for tag in known]


def _numbers(values: Sequence[str]) -> NDArray[np.float64]:
    """Returns numbers of a column, and NaN for other texts."""
    if decimal_commas(value for value in values if value):
        values = [value.replace(",", ".") for value in values]
    return np.array([_number(value) for value in values], dtype=np.float64)


def _number(value: str) -> float:
    """Returns a number, such as 2.5, or a price such as $1,299.90; else NaN."""
    if price := _PRICE.fullmatch(value.strip()):
        value = (price[1] or price[2]).replace(",", "")
    try:
        number = float(value)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan
