"""What a metric is, and what scenarios must have for it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """What a number tells of the people who were served.

    Attributes:
      meaning: one sentence, of a definition that the source has.
      unit: of the number.
      better: "higher", "lower", or "" where neither is.
      needs: what a scenario must have, of `NEEDS`.
      source: who defined it.
      group: the heading it stands under.
      along: whether it is also told along the session.
    """

    meaning: str
    unit: str
    better: str
    needs: tuple[str, ...]
    source: str
    group: str = "people"
    along: bool = False


ONE_PERSON = "one person"
"""What all scenarios have but those of a platform: it lacks only where nothing else does."""

NEEDS: Mapping[str, str] = {
    "expected reward": "`expected_reward` of what is earned",
    "oracle": "an oracle, which serves the same people",
    "item ids": "a catalogue (`n_items`)",
    "items or categories": "a catalogue (`n_items`), or else `category`, a field of items",
    "lasting items": "`is_lasting`: any item may be offered at any time",
    "makers": "`maker`, a field of items",
    "makers who leave": "`active_makers`, a field of `user`",
    "consumption": "`clicked` in the response",
    ONE_PERSON: "episodes of one person each, not of a platform and all its people",
    "categories": "`category`, a field of items",
    "likeness": "`item_vector`, or else `category`",
    "item vectors": "`item_vector`, a field of items",
    "slates": "a `slate_size` of 2 or more",
    "tastes": 'fields of `user` in `state_groups["taste"]`',
    "traits": "`traits`, fields of `user`",
    "sessions": "`session_count`, and episodes of several sessions",
    "intentions": "`regretted`, by which people judge what they consumed",
}
"""What metrics need, and what of a scenario gives it."""
