"""How a log is cut into training rows and a ranking task, and what is measured of the lists."""

import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PROTOCOLS = ("leave-one-out", "time")


@dataclass(frozen=True, kw_only=True)
class RankingProtocol:
    """Which rows of a log are held out, and among which items they are ranked.

    The defaults are those of the published table in `Source`: of everybody the last row is held
    out, and its item is ranked with 99 items that the person never consumed.

    Attributes:
      protocol: "leave-one-out" holds out everybody's last row that earned anything: of several at
        the last moment, or in a log without times, a random one. "time" holds out all rows after
        one moment.
      negatives: items sampled for each person beside the right one, from those that the person
        never consumed; None ranks all items but those that the person had in training.
      held_out: share of rows after the moment ("time" only; else left as it is).
      min_user, min_item: rows that people and items have at least; see `InteractionLog.core`.
      k: lengths of lists.
      split_seed: with the names of a person and an item, draws which of a person's rows of one
        moment comes last.

    Raises:
      ValueError: a setting out of range.

    Source: Ferrari Dacrema et al. 2021, "A troubling analysis of reproducibility and progress in
      recommender systems research", table 98, for MovieLens-100K.
    Differs: there, the row of the last moment whose item comes first in the file is held out, which
      in many files is a popular one.
    """

    protocol: str = "leave-one-out"
    negatives: int | None = 99
    held_out: float = 0.1
    min_user: int = 20
    min_item: int = 5
    k: tuple[int, ...] = (10,)
    split_seed: int = 0

    def __post_init__(self) -> None:
        is_time = self.protocol == "time"
        self._require("protocol", self.protocol in PROTOCOLS, f"one of {', '.join(PROTOCOLS)}")
        self._require("held_out", _is_share(self.held_out), "more than 0 and less than 1")
        is_usual = self.held_out == type(self).held_out
        self._require("held_out", is_time or is_usual, "it with protocol time only")
        for name in ("min_user", "min_item"):
            self._require(name, _is_whole(getattr(self, name)), "a whole number, 1 or more")
        self._require("split_seed", _is_whole(self.split_seed, 0), "a whole number, 0 or more")
        is_given = self.negatives is None or _is_whole(self.negatives)
        self._require("negatives", is_given, "all, or a whole number, 1 or more")
        self._require("negatives", not is_time or self.negatives is None, "all with protocol time")
        self._require("k", _are_lengths(self.k), "different whole numbers of 1 or more")
        if self.negatives is not None:
            most = self.negatives + 1
            self._require("k", max(self.k) <= most, f"lengths of at most the {most} candidates")

    def _require(self, name: str, holds: bool, allowed: str) -> None:
        if not holds:
            raise ValueError(f"{name}={getattr(self, name)!r} is not allowed; use {allowed}")


def _is_share(value: Any) -> bool:
    return isinstance(value, float | int) and 0 < value < 1


def _are_lengths(value: Any) -> bool:
    is_several = isinstance(value, Sequence) and len(value) > 0
    return is_several and all(map(_is_whole, value)) and len(set(value)) == len(value)


def _is_whole(value: Any, least: int = 1) -> bool:
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    return is_whole and value >= least
