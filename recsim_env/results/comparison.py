"""Two folders of results: in what their runs differ, and who got better by how much."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from recsim_env.agent_registry import is_reference
from recsim_env.results.intervals import Estimate, estimate, paired_difference, paired_values
from recsim_env.results.measured import metric_by_seed
from recsim_env.results.metrics import METRICS, metric_table
from recsim_env.results.pairs import BySeed, better, holm
from recsim_env.results.recorded import differing, flat
from recsim_env.results.standings import ALWAYS_RUN, final_by_seed
from recsim_env.results.table import ResultTable
from recsim_env.results.unpaired import unpaired_difference

BETTER, WORSE, SAME, OPEN, UNKNOWN = "better", "worse", "the same", "not significant", "one seed"
MORE, LESS = "more", "less"
"""What may be said of a change: significant, all comparisons considered (more or less where neither
is better); equal to the last digit; not significant; and what a single seed leaves open."""


@dataclass(frozen=True)
class Change:
    """How much more an agent earns in the second folder than in the first, or than another there.

    Attributes:
      agent: label of the agent.
      before, after: mean return of an episode, or mean of the metric, in each folder; None in one
        that lacks the agent.
      rival: the agent of the first folder that it is compared with: itself, or the best there.
      difference: after less before (of the rival), with its interval.
      is_paired: whether by seed, on the same people; else both sides are independent.
      verdict: `BETTER`, `WORSE`, `MORE`, `LESS`, `SAME`, `OPEN` or `UNKNOWN`.
      has_other_settings: whether the settings of its runs differ; None where that is not recorded.
    """

    agent: str
    before: Estimate | None
    after: Estimate
    rival: str
    difference: Estimate
    is_paired: bool
    verdict: str
    has_other_settings: bool | None
    p_value: float


@dataclass(frozen=True)
class ScenarioComparison:
    """A scenario in two folders.

    Attributes:
      scenario: its label.
      are_same_people: whether agents were judged on the same people; None where the folders do not
        record what decides that.
      did_people_change: whether uniform earns something else with the same settings and seed: the
        code, or what it stands on, changed what people do.
      settings: name to the values in the first and the second folder, where they differ; those of
        agents that both have stand under their names.
      changes: of agents in both folders, then of those that only the second has.
      only_before: agents that only the first folder has.
      seeds: seeds that only the first, and only the second folder has.
      failed: runs that failed, in each folder: agent and seed.
    """

    scenario: str
    are_same_people: bool | None
    did_people_change: bool
    settings: Mapping[str, tuple[Any, Any]]
    changes: tuple[Change, ...]
    only_before: tuple[str, ...]
    seeds: tuple[tuple[int, ...], tuple[int, ...]]
    failed: tuple[tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]


@dataclass(frozen=True)
class Comparison:
    """Two folders of results.

    Attributes:
      versions: package to its version in the first and the second folder, where they differ.
      scenarios: of those that both have.
      only_before, only_after: scenarios that one folder has.
    """

    versions: Mapping[str, tuple[Any, Any]]
    scenarios: tuple[ScenarioComparison, ...]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]


def compare_tables(
    before: ResultTable, after: ResultTable, level: float = 0.05, *, metric: str | None = None
) -> Comparison:
    """Returns in what two folders differ, and how much better agents are in the second.

    Agents are compared on the same people, seed by seed, where the scenario, its settings and the
    number of episodes of an evaluation are the same; else both sides are taken as independent.
    Verdicts hold of all agents in all scenarios together, by Holm's method.

    Args:
      before, after: the folders.
      level: accepted probability of any wrong verdict.
      metric: of `recsim_env.results.metrics.METRICS`, to compare instead of returns.

    Raises:
      ValueError: a folder has no finished run, they have no scenario in common, or none in which
        both have the metric.
    """
    for table in (before, after):
        if not table.rows(phase="final"):
            raise ValueError(f"{table.folder} has no finished run; finish the benchmark there")
    ours, theirs = _finished(before), _finished(after)
    shared = [name for name in ours if name in theirs]
    if not shared:
        raise ValueError(
            f"no scenario is in both: {before.folder} has {', '.join(ours)}, {after.folder} has "
            f"{', '.join(theirs)}"
        )
    read = _returns if metric is None else functools.partial(_metric, metric=metric)
    found = [_scenario(before, after, name, read) for name in shared]
    if metric is not None and not any(each.changes for each in found):
        raise ValueError(
            f"no scenario has {metric!r} in both folders; measure what is missing with "
            "recsim-env benchmark --measure (recsim-env metrics says which scenario has what)"
        )
    return Comparison(
        versions=_values(before.read_versions(), after.read_versions()),
        scenarios=tuple(
            _judged(found, level, "higher" if metric is None else METRICS[metric].better)
        ),
        only_before=tuple(name for name in ours if name not in theirs),
        only_after=tuple(name for name in theirs if name not in ours),
    )


def _finished(table: ResultTable) -> list[str]:
    return list(dict.fromkeys(row["scenario"] for row in table.rows(phase="final")))


def _values(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {name: (one.get(name), other.get(name)) for name in differing(one, other)}


def _returns(table: ResultTable, scenario: str) -> dict[str, BySeed]:
    return dict(final_by_seed(table, scenario))


def _metric(table: ResultTable, scenario: str, metric: str) -> dict[str, BySeed]:
    return dict(metric_by_seed(metric_table(table.folder), scenario, metric))


def _scenario(
    before: ResultTable,
    after: ResultTable,
    scenario: str,
    read: Callable[[ResultTable, str], dict[str, BySeed]],
) -> ScenarioComparison:
    one, other = (read(table, scenario) for table in (before, after))
    returns, returns_after = (final_by_seed(table, scenario) for table in (before, after))
    are_same = _are_same_people(before, after, scenario)
    is_paired = bool(are_same)
    hashes = [_hashes(table, scenario) for table in (before, after)]
    best = _best({agent: of for agent, of in returns.items() if agent in one})
    changes = []
    for agent, values in sorted(other.items(), key=lambda item: item[0] not in one):
        rival = agent if agent in one else best
        if rival is not None:
            has_other = hashes[0].get(agent) != hashes[1][agent] if agent in one else None
            change = _change(agent, rival, one[rival], values, is_paired=is_paired)
            changes.append(replace(change, has_other_settings=has_other))
            if agent not in one:
                changes[-1] = replace(changes[-1], before=None)
    seeds = [{seed for of in found.values() for seed in of} for found in (one, other)]
    return ScenarioComparison(
        scenario=scenario,
        are_same_people=are_same,
        did_people_change=is_paired and _did_people_change(returns, returns_after, hashes),
        settings=_setting_differences(before, after, scenario, [a for a in one if a in other]),
        changes=tuple(changes),
        only_before=tuple(agent for agent in one if agent not in other),
        seeds=(tuple(sorted(seeds[0] - seeds[1])), tuple(sorted(seeds[1] - seeds[0]))),
        failed=(_failed(before, scenario), _failed(after, scenario)),
    )


def _change(agent: str, rival: str, before: BySeed, after: BySeed, *, is_paired: bool) -> Change:
    shared = set(before) & set(after)
    # A single pair says less than several values on either side.
    is_paired = bool(is_paired and shared and (len(shared) > 1 or len(before) == 1))
    is_same = agent == rival and shared and all(before[s] == after[s] for s in shared)
    if is_paired:
        difference = paired_difference(after, before)
        above = float(better([paired_values(after, before)])[0])
        p_value = 2.0 * min(above, 1.0 - above)
    else:
        difference, p_value = unpaired_difference([*after.values()], [*before.values()])
    return Change(
        agent=agent,
        before=estimate([*before.values()]),
        after=estimate([*after.values()]),
        rival=rival,
        difference=difference,
        is_paired=is_paired,
        verdict=SAME if is_same else UNKNOWN,
        has_other_settings=None,
        p_value=p_value,
    )


def _judged(
    found: Sequence[ScenarioComparison], level: float, direction: str
) -> list[ScenarioComparison]:
    """Returns the same with verdicts, which hold of all that were compared together."""
    open_ones = [c.p_value for each in found for c in each.changes if c.verdict != SAME]
    adjusted = iter(holm(open_ones).tolist())
    judged = []
    for each in found:
        changes = [
            c if c.verdict == SAME else _verdict(c, next(adjusted), level, direction)
            for c in each.changes
        ]
        judged.append(replace(each, changes=tuple(changes)))
    return judged


def _verdict(change: Change, p_value: float, level: float, direction: str) -> Change:
    if p_value != p_value:
        return change
    if p_value > level:
        return replace(change, verdict=OPEN)
    words = {"higher": (WORSE, BETTER), "lower": (BETTER, WORSE)}.get(direction, (LESS, MORE))
    return replace(change, verdict=words[change.difference.mean > 0])


def _best(returns: Mapping[str, BySeed]) -> str | None:
    """Returns the agent with the highest mean return of those that are no references."""
    means = {a: estimate([*of.values()]).mean for a, of in returns.items() if not is_reference(a)}
    return max(means, key=means.__getitem__) if means else None


def _hashes(table: ResultTable, scenario: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for (world, agent, _), value in table.config_hashes().items():
        if world == scenario:
            found.setdefault(agent, set()).add(value)
    return found


def _are_same_people(before: ResultTable, after: ResultTable, scenario: str) -> bool | None:
    """Returns whether agents were judged on the same people, as far as the folders record it."""
    one, other = (_hashes(table, scenario) for table in (before, after))
    if any(one[agent] == other[agent] and len(one[agent]) == 1 for agent in set(one) & set(other)):
        return True  # what decides a run decides its people too
    records = [_people(table, scenario) for table in (before, after)]
    if None in records:
        return None
    return records[0] == records[1]


def _people(table: ResultTable, scenario: str) -> dict[str, Any] | None:
    """Returns what decides whom agents are judged on; None where it is not recorded."""
    config = table.read_settings().get("runs", {}).get(scenario)
    if config is None:
        return None
    known = {k: v for k, v in config.items() if k not in ("agents", "protocol")}
    return known | {"eval_episodes": config.get("protocol", {}).get("eval_episodes")}


def _did_people_change(
    one: Mapping[str, BySeed], other: Mapping[str, BySeed], hashes: Sequence[Mapping[str, Any]]
) -> bool:
    """Returns whether an agent that learns nothing earns something else with all the same."""
    for agent in ALWAYS_RUN:
        if agent in one and agent in other and hashes[0].get(agent) == hashes[1].get(agent):
            shared = set(one[agent]) & set(other[agent])
            if any(one[agent][seed] != other[agent][seed] for seed in shared):
                return True
    return False


def _setting_differences(
    before: ResultTable, after: ResultTable, scenario: str, agents: Sequence[str]
) -> dict[str, tuple[Any, Any]]:
    configs = [table.read_settings().get("runs", {}).get(scenario) for table in (before, after)]
    if None in configs:
        return {}
    one, other = (flat(config) for config in configs)
    for agent in agents:
        if all(agent in config.get("agents", {}) for config in configs):
            one |= flat(configs[0], agent)
            other |= flat(configs[1], agent)
    return _values(one, other)


def _failed(table: ResultTable, scenario: str) -> tuple[tuple[str, int], ...]:
    rows = table.rows(phase="failed", scenario=scenario)
    return tuple((row["agent"], row["seed"]) for row in rows)
