"""What recommenders do not see, as columns: for references that are to know all there is to know.

A scenario with `observe_state` shows the fields that its layouts hide, beside what it always shows:

    state               numbers of a person, one after the other
    state_<field>       an array of a person, each in an entry of its own: one that is as wide as an
                        item's features can be compared with them
    candidate_state     what is hidden of each candidate, and its `expected_reward` where the
                        scenario has one

A whole number from 0 to at most 31 is one-hot, another with ends of at most 1,000 is divided by the
larger; what is never beyond ± 1 stays as it is; of everything else the sign and log(1 + size) are
shown, so that no column is large.
"""

import dataclasses
import math

import numpy as np

from recsim_env.core.fields import Field, Layout, Shown

#: The entries of an observation.
STATE, CANDIDATE_STATE = "state", "candidate_state"

# Whole numbers up to the former are one-hot, up to the latter shares of it.
_MOST_KINDS, _MOST_COUNTED = 31, 1000

# What is never farther from 0, but for rounding, is shown as it is.
_UNIT = 1.0 + 1e-6


def hidden_of_person(layout: Layout) -> dict[str, dict[str, Field]]:
    """Returns the columns of what is hidden of a person, by entry and field."""
    found: dict[str, dict[str, Field]] = {}
    for name, field in _hidden(layout).items():
        found.setdefault(f"{STATE}_{name}" if field.shape else STATE, {})[name] = field
    return found


def hidden_of_items(layout: Layout) -> dict[str, Field]:
    """Returns the columns of what is hidden of an item, by field."""
    return _hidden(layout)


def _hidden(layout: Layout) -> dict[str, Field]:
    fields = {name: Field.of(spec) for name, spec in layout.items()}
    return {name: _as_columns(each) for name, each in fields.items() if each.shown is None}


def _as_columns(field: Field) -> Field:
    """Returns a hidden field as it is shown to who may see everything."""
    if np.dtype(field.kind).kind == "b":
        return dataclasses.replace(field, shown=Shown(bounds=(0.0, 1.0)))
    low, high = field.ends or (-math.inf, math.inf)
    most = max(abs(low), abs(high))
    if np.dtype(field.kind).kind in "iu" and most <= _MOST_COUNTED:
        if low == 0 and high <= _MOST_KINDS and not field.shape:
            return dataclasses.replace(field, shown=Shown(one_hot=True))
        divisor = max(1.0, most)
        bounds = (low / divisor, high / divisor)
        return dataclasses.replace(field, shown=Shown(divisor=divisor, bounds=bounds))
    if most <= _UNIT:
        return dataclasses.replace(field, shown=Shown())
    ends = tuple(math.copysign(math.log1p(min(abs(x), _LARGEST_KEPT)), x) for x in (low, high))
    margin = 1e-5 * max(1.0, *map(abs, ends))  # of rounding to float32
    bounds = (ends[0] - margin, ends[1] + margin)
    return dataclasses.replace(field, shown=Shown(is_log=True, bounds=bounds))


# Of numbers without ends: no float64 is larger.
_LARGEST_KEPT = float(np.finfo(np.float64).max)
