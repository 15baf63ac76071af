"""What a benchmark compares, and how: from keyword arguments or a TOML file."""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from recsim_env.agents import AGENTS, agent_class
from recsim_env.benchmark.evaluation import N_SLOTS
from recsim_env.benchmark.experiment.sweep import (
    Entries,
    Swept,
    checked_sweep,
    swept,
)
from recsim_env.benchmark.experiment.toml_file import read_toml
from recsim_env.core.settings import check_settings, setting
from recsim_env.envs.registry import NAMESPACE
from recsim_env.envs.resolving import scenario_id, settings_of
from recsim_env.inputs.spelling import check_known, fitted
from recsim_env.results.standings import CEILINGS

DEFAULT_SCENARIO = "recsim_env/MusicStreaming-v0"

#: Stands for every agent of ours that learns.
ALL = "all"

DEFAULT_AGENTS = (
    "uniform",
    *("popularity", "content", "ials", "two_tower"),
    *("linucb", "dqn", "ppo"),
    "oracle",
)

#: Every run's people have environment seeds of their own: seeds and slots stay below these. As many
#: seeds beyond are for tuning, so that it meets nobody whom a benchmark simulates.
MAX_SEED, MAX_ENVS = 2**10, 2**20

# Beyond so many scenarios, their folder is named after the first and the number of the others.
_MOST_NAMES = 3

#: How checkpoints are spread; logarithmically from so many interactions on.
EVEN, LOGARITHMIC = "even", "logarithmic"
_FIRST = 1_000

# Of one run, in the table: more would fill memory before the first is played.
_MOST_ROWS = 10_000


@dataclass(frozen=True, kw_only=True)
class BenchmarkSettings:
    """A benchmark: every agent in every scenario with every seed.

    Attributes:
      scenarios: label to the scenario's settings. The label is its name, unless the settings have
        `scenario`, which then is: so a scenario can stand in a benchmark twice (MusicStreaming).
      agents: likewise, label to the agent's settings, and `agent`. Uniform and the oracle are
        added, and the far-sighted reference where a scenario has one (a few of each kind).
      sweep: setting to its values, two or more: of every scenario by its name (`n_candidates`), of
        an agent as `agent.linucb.alpha`. Each combination is an entry of its own (none).
      seeds: seeds of the runs; two agents with one seed meet the same people (0, 1, 2).
      interactions: interactions of learning per run (20,000).
      checkpoints: frozen evaluations during learning, the last at its end (5).
      spacing: how they are spread: even, or logarithmic, by equal factors from 1,000 interactions
        on (even).
      bins: bins of the reward while learning (20).
      num_envs: people who are served side by side while learning (16).
      eval_episodes: episodes of a frozen evaluation; beyond 100 a multiple of that (1,000).
      jobs: processes; -1 is one per core (-1). Results do not depend on it.
      tuned: whether each agent that learns also runs with the settings that were tuned in a
        scenario, as another agent, "linucb (tuned)" (false).

    Raises:
      ValueError: a setting outside its range or an unknown name; the known ones are listed.
    """

    scenarios: Entries = field(default_factory=lambda: {DEFAULT_SCENARIO: {}})
    agents: Entries = field(default_factory=lambda: {name: {} for name in DEFAULT_AGENTS})
    sweep: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    seeds: tuple[int, ...] = (0, 1, 2)
    interactions: int = setting(20_000, low=1)
    checkpoints: int = setting(5, low=1, high=_MOST_ROWS)
    spacing: str = setting(EVEN, choices=(EVEN, LOGARITHMIC))
    bins: int = setting(20, low=1, high=_MOST_ROWS)
    num_envs: int = setting(16, low=1, high=MAX_ENVS)
    eval_episodes: int = setting(1_000, low=1, high=10**7)
    jobs: int = -1
    tuned: bool = False

    def __post_init__(self) -> None:
        check_settings(self)
        is_even = self.eval_episodes <= N_SLOTS or self.eval_episodes % N_SLOTS == 0
        self._require("eval_episodes", is_even, f"up to {N_SLOTS}, or a multiple of it")
        self._require("jobs", self.jobs >= 1 or self.jobs == -1, "-1, or 1 or more")
        for name in ("checkpoints", "bins"):
            allowed = f"at most interactions={self.interactions}"
            self._require(name, getattr(self, name) <= self.interactions, allowed)
        is_long = self.spacing == EVEN or self.interactions >= _FIRST + self.checkpoints
        self._require("spacing", is_long, f"even, or interactions of more than {_FIRST}")
        is_seed = [type(seed) is int and 0 <= seed < MAX_SEED for seed in self.seeds]
        is_good = bool(self.seeds) and all(is_seed) and len(set(self.seeds)) == len(self.seeds)
        self._require("seeds", is_good, f"different whole numbers from 0 to {MAX_SEED - 1}")
        self._require("scenarios", bool(self.scenarios), "at least one")
        for label, entry in self.scenarios.items():
            scenario_id(_name(label, entry, "scenario"))
        for label, entry in self.agents.items():
            _check_agent(_name(label, entry, "agent"))
        sweep = checked_sweep(self.sweep, self.scenarios, self.agents)
        object.__setattr__(self, "sweep", sweep)
        if self.tuned and self.sweep:
            raise ValueError(
                "tuned=True (--tuned) and a sweep do not go together: settings are tuned for a "
                "scenario as it is by default; leave out one of them"
            )

    def _require(self, name: str, holds: bool, allowed: str) -> None:
        if not holds:
            raise ValueError(f"{name}={getattr(self, name)!r} is not allowed; use {allowed}")

    @classmethod
    def create(cls, **settings: Any) -> "BenchmarkSettings":
        """Returns settings given as people write them.

        Scenarios and agents may be one name, several, or a mapping of names to settings, and the
        agent "all" stands for all of ours that learn; seeds may be a number of seeds. An unknown
        name lists the known ones.
        """
        check_known("a benchmark", settings, [each.name for each in dataclasses.fields(cls)])
        given = dict(settings)
        if "scenarios" in given:
            entries = _entries("scenarios", given["scenarios"])
            given["scenarios"] = {_label(name, entry): entry for name, entry in entries.items()}
        if "agents" in given:
            given["agents"] = _with_all(_entries("agents", given["agents"]))
        if "seeds" in given:
            given["seeds"] = _seeds(given["seeds"])
        return cls(**given)

    @classmethod
    def from_toml(cls, path: str | Path, **overrides: Any) -> "BenchmarkSettings":
        """Returns the settings in a TOML file; `overrides` replace whole entries.

        Scenarios and agents among the overrides that the file knows by these names keep the
        settings that they have there.

        Raises:
          OSError: it cannot be read.
          ValueError: not TOML, or as in `create`; the message names the file.
        """
        try:
            content = read_toml(Path(path))
            for what in ("scenarios", "agents"):
                if what in content and what in overrides:
                    overrides[what] = _picked(what, overrides[what], content[what])
            defaults = {each.name: each.default for each in dataclasses.fields(cls)}
            given = {name: fitted(each, defaults.get(name)) for name, each in content.items()}
            return cls.create(**(given | overrides))._fitted()
        except ValueError as error:  # TOMLDecodeError is one
            raise ValueError(f"{path}: {error}") from error

    def expanded(self) -> tuple["BenchmarkSettings", Swept]:
        """Returns the same with an entry for each combination of the sweep, and which these are."""
        entries, found = swept(self.sweep, self.scenarios, self.agents)
        scenarios, agents = entries["scenarios"], entries["agents"]
        return dataclasses.replace(self, scenarios=scenarios, agents=agents, sweep={}), found

    def _fitted(self) -> "BenchmarkSettings":
        """Returns the same, with numbers of scenarios and agents as their defaults are."""
        scenarios = {
            label: _entry(entry, settings_of(entry.get("scenario", label))) if entry else {}
            for label, entry in self.scenarios.items()
        }
        agents = {
            label: _entry(entry, agent_class(entry.get("agent", label)).Settings.defaults())
            if entry
            else {}
            for label, entry in self.agents.items()
        }
        return dataclasses.replace(self, scenarios=scenarios, agents=agents)

    @property
    def checkpoint_interactions(self) -> tuple[int, ...]:
        """The interactions after which the agents are evaluated."""
        n = self.checkpoints
        if self.spacing == LOGARITHMIC:
            factor = _FIRST / self.interactions
            found = (round(self.interactions * factor ** (1 - k / (n - 1 or 1))) for k in range(n))
            return tuple(found) if n > 1 else (self.interactions,)
        return tuple(self.interactions * place // n for place in range(1, n + 1))

    @property
    def bin_edges(self) -> tuple[int, ...]:
        """The interactions at which the bins of the reward while learning end."""
        return tuple(self.interactions * place // self.bins for place in range(1, self.bins + 1))

    @property
    def protocol(self) -> dict[str, Any]:
        """What, beside scenario and agent, decides the rows of a run."""
        names = ["interactions", "checkpoints", "bins", "num_envs", "eval_episodes"]
        if self.spacing != EVEN:  # results were kept before there was a choice
            names.append("spacing")
        return {name: getattr(self, name) for name in names}

    @property
    def folder_name(self) -> str:
        """What its folder of results is called: after its scenarios in any order, and its sweep."""
        names = sorted(label.removeprefix(f"{NAMESPACE}/") for label in self.scenarios)
        if len(names) > _MOST_NAMES:
            names = [*names[:_MOST_NAMES], f"{len(names) - _MOST_NAMES}-more"]
        by = "".join(f"-by-{_plain(name.removeprefix('agent.'))}" for name in self.sweep)
        return "+".join(map(_plain, names)) + by

    def as_dict(self) -> dict[str, Any]:
        """Returns the settings as JSON values, which `create` takes back."""
        return dataclasses.asdict(self) | {"seeds": list(self.seeds)}


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")


def _entry(entry: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {name: fitted(value, defaults.get(name)) for name, value in entry.items()}
    except ValueError as error:
        raise ValueError(f"{dict(entry)}: {error}") from error


def _name(label: str, entry: Mapping[str, Any], what: str) -> str:
    name = entry.get(what, label)
    if not isinstance(name, str):
        raise ValueError(f"{what}={name!r} of {label!r} is no name")
    return name


def _check_agent(name: str) -> None:
    if name not in AGENTS and ":" not in name:
        agent_class(name)  # raises, naming those that are known


def _label(name: str, entry: Mapping[str, Any]) -> str:
    """Returns the full id where the label is the scenario's name."""
    return name if "scenario" in entry else scenario_id(name)


def _entries(what: str, given: Any) -> dict[str, dict[str, Any]]:
    if isinstance(given, str):
        given = [given]
    if isinstance(given, Mapping):
        for label, entry in given.items():
            if not isinstance(entry, Mapping):
                raise ValueError(f"{what}.{label}={entry!r} is not a table of settings")
        return {str(label): dict(entry) for label, entry in given.items()}
    if isinstance(given, Iterable) and all(isinstance(name, str) for name in given):
        return {name: {} for name in given}
    raise ValueError(f"{what}={given!r} is not names, or a table of names with settings")


def _picked(what: str, wanted: Any, known: Any) -> dict[str, dict[str, Any]]:
    """Returns the entries wanted; those without settings have the settings of a known one."""
    entries = _entries(what, known)
    if what == "scenarios":
        entries |= {_label(name, entry): entry for name, entry in entries.items()}
    return {name: entry or entries.get(name, {}) for name, entry in _entries(what, wanted).items()}


def _with_all(agents: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Returns the agents, with those that `ALL` stands for in its place."""
    if ALL not in agents:
        return agents
    learners: dict[str, dict[str, Any]] = {name: {} for name in AGENTS if name not in CEILINGS}
    return {name: agents.get(name, {}) for name in {**learners, **agents} if name != ALL}


def _seeds(given: Any) -> tuple[Any, ...]:
    if type(given) is int:
        return tuple(range(given))
    return tuple(given) if isinstance(given, Iterable) else (given,)
