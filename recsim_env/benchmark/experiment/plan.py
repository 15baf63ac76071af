"""The plan of a benchmark: its runs, what decides their results, and which agents do not suit."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsim_env.agent_registry import TUNED, registered_name
from recsim_env.agents import AGENTS, agent_class, is_frozen
from recsim_env.agents.tuned import NotTuned, tuned
from recsim_env.agents.tuned import entries as tuned_entries
from recsim_env.benchmark.experiment.run import Protocol, Run
from recsim_env.benchmark.experiment.settings import BenchmarkSettings
from recsim_env.benchmark.experiment.sweep import Swept
from recsim_env.benchmark.runs.described import LeftOut, full_settings, hash_of
from recsim_env.compiler.code_digest import code_digest, is_ours
from recsim_env.core.reward import REWARDS, digest_of, name_of
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import telling
from recsim_env.envs.resolving import resolve_scenario
from recsim_env.inputs.importing import code_named
from recsim_env.results.standings import ALWAYS_RUN, REFERENCE


@dataclass(frozen=True)
class Plan:
    """All runs of a benchmark, references first, and what is left out.

    Attributes:
      runs: in the order in which they are started.
      left_out: agents that do not suit a scenario; the oracle also where nobody asked for it.
      scenarios: label to scenario.
      configs: label to what decides its runs, and those of each of its agents.
      swept: which scenarios and agents a sweep made, of which label and with which values.
    """

    runs: tuple[Run, ...]
    left_out: tuple[LeftOut, ...]
    scenarios: dict[str, Scenario]
    configs: dict[str, dict[str, Any]]
    swept: Swept


def make_plan(settings: BenchmarkSettings) -> Plan:
    """Returns the runs that the settings ask for; nothing is played yet.

    Raises:
      ValueError: a scenario or an agent has no such setting; the known ones are listed.
    """
    settings, swept = settings.expanded()
    protocol = Protocol(
        checkpoints=settings.checkpoint_interactions,
        bin_edges=settings.bin_edges,
        num_envs=settings.num_envs,
        eval_episodes=settings.eval_episodes,
    )
    runs: list[Run] = []
    left_out: list[LeftOut] = []
    scenarios: dict[str, Scenario] = {}
    configs: dict[str, dict[str, Any]] = {}
    for label, entry in settings.scenarios.items():
        scenario = _scenario(label, entry)
        scenarios[label] = scenario
        configs[label] = described(scenario, settings.protocol) | {"agents": {}}
        entries = _with_references(settings)
        if settings.tuned:
            entries, untuned = _with_tuned(entries, label, scenario)
            left_out += untuned
        for agent_label, agent_entry in entries.items():
            given = dict(agent_entry)
            agent = given.pop("agent", agent_label)
            kind = agent_class(agent)
            reason = kind.unsuitable(scenario)
            if reason is None:
                full = full_settings(agent_label, kind.Settings.defaults(), given)
                own = described_agent(agent, full)
                configs[label]["agents"][agent_label] = own
                common = {k: v for k, v in configs[label].items() if k != "agents"}
                runs += [
                    Run(
                        scenario_label=label,
                        agent_label=agent_label,
                        scenario=scenario,
                        agent=agent,
                        agent_settings=given,
                        seed=seed,
                        protocol=protocol,
                        config_hash=hash_of(common | own),
                        is_shown=seed == settings.seeds[0],
                    )
                    for seed in settings.seeds
                ]
            elif agent_label in settings.agents or agent_label == REFERENCE:  # nothing has a score
                left_out.append(LeftOut(label, agent_label, reason))
    return Plan(tuple(runs), tuple(left_out), scenarios, configs, swept)


def _scenario(label: str, entry: Any) -> Scenario:
    given = dict(entry)
    return resolve_scenario(given.pop("scenario", label), **given)


def _with_references(settings: BenchmarkSettings) -> dict[str, Any]:
    """Returns the agents, references first: with them, an unfinished benchmark has a scale."""
    references = {name: settings.agents.get(name, {}) for name in ALWAYS_RUN}
    return references | {k: v for k, v in settings.agents.items() if k not in references}


def _with_tuned(
    entries: Mapping[str, Any], label: str, scenario: Scenario
) -> tuple[dict[str, Any], list[LeftOut]]:
    """Returns the agents, after each that was tuned in a scenario itself with those settings.

    Settings that are given count in both. Of those that learn, and have none, it says why; those
    that were tuned nowhere are named together.

    Args:
      entries: the agents.
      label: of the scenario.
      scenario: where they run.
    """
    found: dict[str, Any] = {}
    left_out, nowhere = list[LeftOut](), list[str]()
    for agent_label, entry in entries.items():
        found[agent_label] = entry
        agent, name = entry.get("agent", agent_label), f"{agent_label}{TUNED}"
        kind = agent_class(agent)
        if is_frozen(agent) or not kind.learns or kind.unsuitable(scenario):
            continue
        try:
            best = tuned(agent, scenario)
        except NotTuned as error:
            if registered_name(agent) in {each["agent"] for each in tuned_entries()}:
                left_out.append(LeftOut(label, name, str(error)))
            else:
                nowhere.append(agent_label)
            continue
        if best.is_better and name not in entries:
            found[name] = {"agent": agent, **best.settings, **entry}
        else:
            reason = f"of {best.n_trials} settings of {agent}, none was better than the default"
            left_out.append(LeftOut(label, name, reason))
    if nowhere:
        reason = f"{', '.join(nowhere)}: `recsim-env tune` finds settings, to be given as they are"
        left_out.append(LeftOut(label, f"others{TUNED}", reason))
    return found, left_out


def described(scenario: Scenario, protocol: dict[str, int]) -> dict[str, Any]:
    """Returns what decides the results of all agents; code and files count by their content."""
    settings = {k: _content(v) for k, v in scenario.settings.items()}
    if not scenario.pays_own and scenario.reward not in REWARDS:
        settings["reward"] = f"{name_of(scenario.reward)} ({digest_of(scenario.reward)})"
    kind = type(scenario)
    if is_ours(kind):  # a class, wherever its file lies
        named = {"scenario": kind.__qualname__}
    else:
        named = {"scenario": f"{kind.__module__}:{kind.__qualname__}", "code": code_digest(kind)}
    return {**named, "scenario_settings": settings, "protocol": protocol}


def described_agent(agent: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Returns what, beside its scenario, decides the results of an agent, of all its settings."""
    settings = telling(agent_class(agent).Settings, settings)
    return {
        "agent": _agent_name(agent),
        "agent_settings": {k: _content(v) for k, v in settings.items()},
    }


def _agent_name(agent: str) -> str:
    """Returns what an agent is called; of one that is a file, or somebody's code, its content."""
    name = registered_name(agent)
    if name in AGENTS:
        return name
    return str(_content(agent if ":" in agent else agent.rpartition("@")[2]))


def _content(value: Any) -> Any:
    """Returns a digest of the file, or of somebody's own code, that a value names; else it."""
    if not isinstance(value, str | Path) or not value:
        return value
    if Path(value).is_file():
        return hashlib.sha256(Path(value).read_bytes()).hexdigest()
    code = code_named(value) if isinstance(value, str) else None
    if code is None or is_ours(code):
        return value
    return f"{code.__qualname__} ({code_digest(code)})"
