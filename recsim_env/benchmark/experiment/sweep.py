"""Sweeps: one comparison at several values of settings, each combination an entry of its own."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from recsim_env.agent_registry import SIGHTED, is_reference
from recsim_env.agents import agent_class
from recsim_env.core.settings import as_type_of, quoted
from recsim_env.envs.resolving import settings_of
from recsim_env.inputs.spelling import did_you_mean, fitted
from recsim_env.results.standings import CEILINGS
from recsim_env.results.sweeps import SWEPT, shown_value
from recsim_env.results.table import ResultTable

Entries = Mapping[str, Mapping[str, Any]]

Swept = dict[str, dict[str, dict[str, Any]]]
"""Under `scenarios` and `agents`: label to `of`, the label that it is made of, and `settings`."""

AGENT = "agent."
"""How the name of an agent's setting begins: ``agent.linucb.alpha``."""

#: Combinations of values of one scenario or agent: more are a mistake.
_MOST_POINTS = 10_000


def as_sweep(given: Any) -> dict[str, tuple[Any, ...]]:
    """Returns the values of each swept setting by its full name, however tables are nested.

    >>> as_sweep({"n_candidates": [10, 50], "agent": {"linucb": {"alpha": [0.3, 1.0]}}})
    {'n_candidates': (10, 50), 'agent.linucb.alpha': (0.3, 1.0)}

    Raises:
      ValueError: values that are none, one, or the same twice; or of no type that settings have.
    """
    if not isinstance(given, Mapping):
        raise ValueError(
            f"sweep={quoted(given)} is not a table of settings and their values, such as "
            "n_candidates = [10, 50]"
        )
    return {name: _checked(name, values) for name, values in _flat(given)}


def _flat(given: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in given.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _checked(name: str, values: Any) -> tuple[Any, ...]:
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        raise ValueError(f"sweep {name}={quoted(values)} is no list; give two or more values")
    for value in values:
        if not isinstance(value, bool | int | float | str):
            raise ValueError(f"sweep {name}: {quoted(value)} is no number, word or true or false")
    if len(values) < 2:
        remedy = "set it instead, for a single one (--set, --agent-set)"
        raise ValueError(f"sweep {name}={quoted(list(values))} needs two or more values; {remedy}")
    shown = [shown_value(value) for value in values]
    twice = [each for place, each in enumerate(shown) if each in shown[:place]]
    if twice:
        raise ValueError(f"sweep {name} has {twice[0]} twice; name each value once")
    return tuple(values)


def checked_sweep(given: Any, scenarios: Entries, agents: Entries) -> dict[str, tuple[Any, ...]]:
    """Returns the values of each swept setting, of the type of its default.

    So results, and what decides them, are those of the same settings without a sweep.

    Raises:
      ValueError: as in `as_sweep`; or it names no agent that runs, an entry sets the same, or a
        value is of another type.
    """
    sweep = as_sweep(given)
    _check_names(sweep, scenarios, agents)
    found = {}
    for name, values in sweep.items():
        default = default_of(name, scenarios, agents)
        found[name] = [as_type_of(default, name, fitted(value, default)) for value in values]
    return as_sweep(found)


def default_of(name: str, scenarios: Entries, agents: Entries) -> Any:
    """Returns the default of a swept setting; None of one that is unknown, as the plan will say."""
    owner, setting = _split(name)
    if name.startswith(AGENT):
        known = [agent_class(a.get("agent", n)).Settings for n, a in agents.items() if n == owner]
        defaults = [kind.defaults() for kind in known]
    else:
        defaults = [settings_of(each.get("scenario", n)) for n, each in scenarios.items()]
    return next((each[setting] for each in defaults if setting in each), None)


def _split(name: str) -> tuple[str, str]:
    """Returns the label of the agent, empty where the setting is of scenarios, and the setting."""
    if not name.startswith(AGENT):
        return "", name
    label, _, setting = name.removeprefix(AGENT).rpartition(".")
    return label, setting


def _check_names(sweep: Mapping[str, Any], scenarios: Entries, agents: Entries) -> None:
    """Raises ValueError where a sweep names no agent that runs, or what an entry sets itself."""
    for name in sweep:
        label, setting = _split(name)
        if name.startswith(AGENT) and label not in agents:
            raise ValueError(
                f"sweep {name} names no agent that runs; use {AGENT}AGENT.NAME with one of "
                f"{', '.join(agents)}{did_you_mean(label or setting, agents)}"
            )
        if setting in ("scenario", "agent"):
            raise ValueError(f"sweep {name} is no setting; name several {setting}s instead")
        owners = {f"agent {label}": agents[label]} if label else {}
        owners |= {} if label else {f"scenario {label}": e for label, e in scenarios.items()}
        for owner, entry in owners.items():
            if setting in entry:
                raise ValueError(
                    f"sweep {name}: {owner} also has {setting}={quoted(entry[setting])}; set it "
                    "in one place"
                )
    for label in ("", *agents):
        axes = _axes(sweep, label)
        n_points = math.prod(map(len, axes.values()))
        if n_points > _MOST_POINTS:
            raise ValueError(
                f"the sweep of {', '.join(axes)} has {n_points:,} combinations; use at most "
                f"{_MOST_POINTS:,}"
            )


def _axes(sweep: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Returns the swept settings of an agent, or of scenarios, by their own names."""
    split = {name: _split(name) for name in sweep}
    return {split[name][1]: v for name, v in sweep.items() if split[name][0] == owner}


def swept(
    sweep: Mapping[str, Any], scenarios: Entries, agents: Entries
) -> tuple[dict[str, Entries], Swept]:
    """Returns the entries of a benchmark with a sweep, and which of them it made.

    Each combination of values is an entry of its own, under the label of the one that it is made
    of and its values. So is an agent that sees the true state, whose label says so: it is a
    reference.

    Returns:
      scenarios and agents by label; and of each label that is new, which label it is made of and
      the values that are its own.
    """
    entries: dict[str, Entries] = {}
    found: Swept = {}
    for what, given, axes_of in (
        ("scenario", scenarios, lambda label: _axes(sweep, "")),
        ("agent", agents, lambda label: _axes(sweep, label)),
    ):
        made: dict[str, Any] = {}
        new = found[f"{what}s"] = {}
        for label, entry in given.items():
            for name, point in points(label, axes_of(label)).items():
                whole = {what: label, **entry, **point} if point else entry
                if what == "agent" and _sees_state({what: label, **whole}):
                    known = name
                    name = _as_reference(name)
                    whole = whole if name == known else {what: label, **whole}
                if name in made or (name != label and name in given):
                    raise ValueError(f"{what} {name!r} is there twice; give one another label")
                made[name] = whole
                new |= {name: {"of": label, "settings": point}} if point else {}
        entries[f"{what}s"] = made
    return entries, found


def _sees_state(entry: Mapping[str, Any]) -> bool:
    """Returns whether an agent is a reference by its settings: it sees the state of people."""
    is_alone = entry["agent"] in CEILINGS and not entry.get("redundancy", True)
    return is_alone or entry.get("observe") == "state"


def _as_reference(label: str) -> str:
    return label if is_reference(label) else f"{label}{SIGHTED}"


def points(label: str, axes: Mapping[str, Sequence[Any]]) -> dict[str, dict[str, Any]]:
    """Returns what each combination of values is called, and its values; of none, the label alone.

    >>> points("linucb", {"alpha": (0.3, 1.0)})
    {'linucb alpha=0.3': {'alpha': 0.3}, 'linucb alpha=1': {'alpha': 1.0}}
    """
    found = {}
    for values in itertools.product(*axes.values()):
        point = dict(zip(axes, values, strict=True))
        said = ", ".join(f"{name}={shown_value(value)}" for name, value in point.items())
        found[f"{label} {said}".strip()] = point
    return found


def noted_sweep(table: ResultTable, new: Swept) -> Swept:
    """Returns which scenarios and agents in a folder a sweep made, those of earlier calls too."""
    before = table.read_settings().get(SWEPT, {})
    return {what: {**before.get(what, {}), **labels} for what, labels in new.items()}
