"""What folders of results record of how their runs were made, and in what two records differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_LONGEST_VALUE = 60


def flat(config: Mapping[str, Any], agent: str | None = None) -> dict[str, Any]:
    """Returns by name what decides the runs of a world (scenario or log).

    Args:
      config: of the world, as `settings.json` has it under `runs`.
      agent: label of one whose own settings are returned too, under its name.
    """
    groups = {"": {k: v for k, v in config.items() if k != "agents"}}
    if agent is not None:
        groups[f"{agent}."] = config["agents"][agent]
    found: dict[str, Any] = {}
    for prefix, group in groups.items():
        for name, value in group.items():
            inner = value if isinstance(value, Mapping) else {name: value}
            found |= {prefix + key: each for key, each in inner.items()}
    return found


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Returns the names whose values differ, or that only one of the two has."""
    return [name for name in {**one, **other} if one.get(name) != other.get(name)]


def short(value: Any) -> str:
    """Returns a value as JSON, cut where it is long.

    >>> short(0.3), short("x" * 70)[-5:]
    ('0.3', 'xx...')
    """
    text = json.dumps(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."
