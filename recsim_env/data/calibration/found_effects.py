"""What a world was found to have beside tastes, in words: for a terminal and for pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class FoundEffect(NamedTuple):
    """An effect that was looked for, as people read it.

    Attributes:
      name: what.
      log_likelihood, auc: what it adds a row, and within users, with 99 % intervals.
      says: whether the world has it, how large it is, and what it may be instead.
    """

    name: str
    log_likelihood: str
    auc: str
    says: str


#: The head of a table of effects.
HEAD = FoundEffect("effect", "log-likelihood a row", "AUC within users", "found")


def found_effects(report: Mapping[str, Any]) -> list[FoundEffect]:
    """Returns the effects that the report of a world tells of, found or not."""
    effects = [(each["effect"], each["size"], each) for each in report.get("effects", ())]
    for each in report.get("contexts", ()):
        name = f"{each['context']}, changes of {each['of']}s"
        effects.append((name, f"deviation {each['sd']:.3f}", each))
    return [_said(name, size, each) for name, size, each in effects]


def associations(report: Mapping[str, Any]) -> list[str]:
    """Returns sentences on what goes with liking in the log, and is in no world."""
    return [
        "association, no cause, and not in the world: one standard deviation of liking goes with"
        f" {each['slope']:+.3f} [{each['low']:+.3f}, {each['high']:+.3f}] in the logarithm of"
        f" {each['of']}"
        for each in report.get("associations", ())
    ]


def _said(name: str, size: str, each: Mapping[str, Any]) -> FoundEffect:
    gain = each["gain"]
    log_likelihood, auc = (
        f"{gain[key]:+.4f} [{gain[f'{key}_low']:+.4f}, {gain[f'{key}_high']:+.4f}]"
        for key in ("log_likelihood", "auc")
    )
    says = f"{'in the world' if each['is_kept'] else 'not found'}: {size}"
    if each["is_kept"] and each.get("note"):
        says += f" ({each['note']})"
    return FoundEffect(name, log_likelihood, auc, says)
