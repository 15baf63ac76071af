"""What decides the results of a run: full settings and their hash; and who cannot take part."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from recsim_env.core.settings import as_type_of
from recsim_env.inputs.spelling import check_known


@dataclass(frozen=True)
class LeftOut:
    """An agent that cannot work in a scenario, and why.

    Attributes:
      scenario, agent: labels.
      reason: a sentence.
    """

    scenario: str
    agent: str
    reason: str


def full_settings(label: str, defaults: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Returns an agent's settings, those given over its defaults.

    Raises:
      ValueError: it has no such setting; the known ones are listed. Or one is of another type.
    """
    check_known(f"agent {label}", given, defaults)
    full = dict(defaults)
    for name, value in given.items():
        try:
            typed = as_type_of(defaults[name], name, value)
        except ValueError as error:
            raise ValueError(f"agent {label}: {error}") from error
        full[name] = typed if isinstance(typed, float) else value  # 1 and 1.0 decide the same
    return full


def hash_of(described: Any) -> str:
    """Returns 16 digits that change whenever a description, of JSON values, does."""
    text = json.dumps(described, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
