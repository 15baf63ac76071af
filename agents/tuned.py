"""Settings that were tuned, by agent and scenario: found by `recsim-env tune`, kept as data.

They were searched in other worlds, and are kept only where they earned more than the default ones
for people whom no trial met; the file says with what budget, and how much more.
"""

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsim_env.agent_registry import registered_name
from recsim_env.core.scenario import Scenario
from recsim_env.inputs.spelling import did_you_mean

FILE = Path(__file__).with_name("tuned.json")
"""The data; `recsim-env tune --keep` writes it."""


class NotTuned(ValueError):
    """Nobody has tuned this agent in this scenario."""


@dataclass(frozen=True)
class Tuned:
    """What a study found.

    Attributes:
      settings: those that are not as by default; empty where the default ones were not beaten.
      is_better: whether they earned more than the default ones on people whom no trial met.
      n_trials: how many settings were tried.
    """

    settings: Mapping[str, Any]
    is_better: bool
    n_trials: int


def tuned(agent: str, scenario: Scenario) -> Tuned:
    """Returns what was found of an agent in a scenario, whichever its `world_seed`.

    Args:
      agent: its name, or ``"module:Class"``.
      scenario: with its settings.

    Raises:
      NotTuned: nothing is known of these; says of what it is.
    """
    name, digest = registered_name(agent), digest_of(scenario)
    own = [each for each in entries() if each["agent"] == name]
    for each in own:
        if each["digest"] == digest:
            better = each["is_better"]
            return Tuned(each["settings"] if better else {}, better, each["budget"]["trials"])
    kind = type(scenario).__name__
    remedy = f"`recsim-env tune {kind} {name}` finds settings, to be given as they are"
    if not own:
        known = sorted({each["agent"] for each in entries()})
        raise NotTuned(
            f"{name} has no tuned settings; known are those of {', '.join(known) or 'nobody'}"
            f"{did_you_mean(name, known)}; {remedy}"
        )
    here = [each["scenario"] for each in own if each["kind"] == kind]
    if here:
        raise NotTuned(
            f"{name} was tuned in {here[0]} as it is by default, and this one has other settings; "
            f"{remedy}"
        )
    there = ", ".join(each["scenario"].rpartition("/")[2] for each in own)
    raise NotTuned(f"{name} was not tuned in {kind}, only in {there}; {remedy}")


def digest_of(scenario: Scenario) -> str:
    """Returns 16 digits that change with a scenario's settings, but for its world's seed."""
    settings = {name: each for name, each in scenario.settings.items() if name != "world_seed"}
    kind = f"{type(scenario).__module__}:{type(scenario).__qualname__}"
    text = json.dumps([kind, settings], sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@functools.cache
def entries() -> tuple[dict[str, Any], ...]:
    """Returns what is known of each agent in each scenario."""
    return tuple(json.loads(FILE.read_text(encoding="utf-8")))
