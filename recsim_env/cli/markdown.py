"""What the reference pages are made of: docstrings, settings and columns as Markdown."""

import dataclasses
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from recsim_env.core.fields import LARGEST, Field
from recsim_env.core.scenario import Scenario
from recsim_env.core.search import searches
from recsim_env.core.settings import LARGE, SMALL, Allowed, meanings, ranges

# What a docstring's paragraphs begin with; settings are listed in a table instead.
_LABEL = re.compile(r"([A-Z][a-z]+(?: [a-z]+)*(?: \([^)]*\))?(?:, id `[^`]*`)?): ")
_BREAK = re.compile(r"\n\s*\n|\n(?=[A-Z][^.:]*: )")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)


def paragraphs(docstring: str) -> list[str]:
    """Returns the paragraphs of a docstring as Markdown, without that on settings."""
    found = []
    for block in _BREAK.split(docstring):
        text = " ".join(block.split())
        label = _LABEL.match(text)
        if not (label and label[1].startswith("Settings")):
            head = f"**{label[1]}**: " if label else ""
            found.append(head + _without_markup(text[label.end() if label else 0 :]))
    return found


def _without_markup(text: str) -> str:
    """Returns a text whose asterisks are asterisks; what stands between backticks stays."""
    parts = enumerate(text.split("`"))
    return "`".join(part if place % 2 else part.replace("*", r"\*") for place, part in parts)


def settings_table(kind: type, values: Mapping[str, Any]) -> str:
    """Returns a table of some settings of a dataclass."""
    rows = [
        [f"`{name}`", f"`{value}`", *rest] for name, value, *rest in settings_rows(kind, values)
    ]
    return table(["setting", "default", "range", "meaning"], rows)


def settings_rows(kind: type, values: Mapping[str, Any]) -> list[list[str]]:
    """Returns name, value, range and meaning of each setting of a dataclass."""
    allowed, words = ranges(kind), meanings(kind)
    searched = {name: f"tuned over {search}" for name, search in searches(kind).items()}
    return [
        [
            name,
            repr(value),
            _range(allowed.get(name)),
            "; ".join(filter(None, (words.get(name), searched.get(name)))),
        ]
        for name, value in values.items()
    ]


def _range(allowed: Allowed | None) -> str:
    """Returns what a setting may be, without the ends that only keep numbers finite."""
    if allowed is None:
        return ""
    low, above = (-math.inf, 0.0) if allowed.low == SMALL else (allowed.low, allowed.above)
    low = -math.inf if low <= -LARGE else low
    high = math.inf if allowed.high >= LARGE else allowed.high
    is_any = (
        not allowed.choices and math.inf == high == -low == -above and allowed.below == math.inf
    )
    return "any" if is_any else str(dataclasses.replace(allowed, low=low, above=above, high=high))


def observation_table(scenario: Scenario) -> str:
    """Returns a table of the observation: each entry with its shape, and its columns by name."""
    rows = []
    for name, part in scenario.schema.parts.items():
        entry = [f"`{name}`", f"`{part.shape}`"]
        for field_name, field in part.fields.items():
            rows.append([*entry, _columns(field, field_name), _ends(field)])
            entry = ["", ""]
    for name, space in scenario.schema.spaces.items():
        if isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
            size = int(np.max(space.nvec if isinstance(space, spaces.MultiDiscrete) else space.n))
            rows.append([f"`{name}`", f"`{space.shape}`", "ids", f"0 to {size - 1:,}"])
    return table(["entry", "shape", "columns", "range"], rows)


def _columns(field: Field, name: str) -> str:
    """Returns the names of a field's columns; of many that are numbered, the ends."""
    names = [f"`{each}`" for each in field.column_names(name)]
    are_numbered = len(names) > 3 and all(re.search(r"_\d+`$", each) for each in names)
    text = f"{names[0]} … {names[-1]}" if are_numbered else ", ".join(names)
    return f"{text} (one-hot)" if field.shown is not None and field.shown.one_hot else text


def _ends(field: Field) -> str:
    """Returns the least and largest value of a field's columns."""
    low, high = field.column_ends
    if np.dtype(field.kind).kind == "b":
        return "0 or 1"
    if low <= -LARGEST:
        return "any" if high >= LARGEST else f"at most {high:g}"
    return f"at least {low:g}" if high >= LARGEST else f"{low:g} to {high:g}"
