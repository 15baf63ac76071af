"""Feedback loops: what becomes of an agent, and of people, when it learns from what it caused.

An agent that is retrained again and again on the log of its own slates sees what people did with
what it had shown them. The same agent, retrained as often on as many uniform slates, does not.
"""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from recsim_env.agents import AGENTS, agent_class
from recsim_env.benchmark.experiment.runner import run_benchmark
from recsim_env.benchmark.experiment.settings import BenchmarkSettings
from recsim_env.envs.resolving import resolve_scenario, scenario_id
from recsim_env.formats.files import replace_file
from recsim_env.inputs.spelling import did_you_mean
from recsim_env.results.loops import LOGS, OWN, Loop, label_of, loops_in
from recsim_env.results.metrics import metric_table
from recsim_env.results.table import ResultTable
from recsim_env.results.wording import with_interval

#: Agents that are compared unless others are named.
DEFAULT_AGENTS = ("popularity", "item_knn", "ials")

_NEEDED = ("exploration", "refit_every")


def feedback_settings(
    scenario: str,
    agents: Sequence[str] = DEFAULT_AGENTS,
    *,
    scenario_settings: Mapping[str, Any] | None = None,
    interactions: int = 20_000,
    rounds: int = 10,
    **settings: Any,
) -> BenchmarkSettings:
    """Returns the benchmark of agents that learn from their own slates, and from uniform ones.

    In the first round all slates are uniform. Then one of each two runs shows what it would
    recommend, and the other goes on with uniform slates; both are trained on all of their log after
    every round, and evaluated frozen, on the same people.

    Args:
      scenario: where, by name or class.
      agents: which fit a model to their log.
      scenario_settings: of the scenario.
      interactions: that each learns from in the end.
      rounds: after which it is trained.
      **settings: further ones of `BenchmarkSettings`.

    Raises:
      ValueError: an agent fits no model to its log, or does not suit the scenario; the scenario
        cannot say whom people are like; or a setting outside its range.
    """
    place = resolve_scenario(scenario, **(scenario_settings or {}))
    if not (place.n_items and place.is_one_person and place.state_groups.get("taste")):
        raise ValueError(
            f"{type(place).__name__} does not say which items one person consumes, and likes; "
            "homogeneity needs a catalogue (n_items), episodes of one person each, and "
            "state_groups['taste']"
        )
    if rounds < 2 or interactions < rounds:
        raise ValueError(
            f"rounds={rounds} is not allowed; use at least 2, and at most interactions="
            f"{interactions}"
        )
    entries: dict[str, dict[str, Any]] = {}
    for agent in dict.fromkeys(agents):
        kind = _fitted_agent(agent)
        if reason := kind.unsuitable(place):
            raise ValueError(reason)
        for log in LOGS:
            share = 0.0 if log == OWN else 1.0
            fitting = {"exploration": share, "refit_every": max(1, interactions // rounds)}
            entries[label_of(agent, log)] = {"agent": agent, **fitting}
    return BenchmarkSettings.create(
        scenarios={scenario_id(scenario): dict(scenario_settings or {})},
        agents=entries,
        interactions=interactions,
        checkpoints=rounds,
        **settings,
    )


def _fitted_agent(agent: str) -> Any:
    """Returns the class of an agent that fits a model to its log.

    Raises:
      ValueError: there is none of this name, or it does not.
    """
    kind = agent_class(agent)
    if not set(_NEEDED) <= set(kind.Settings.defaults()):
        known = _fitted_agents()
        raise ValueError(
            f"{agent} fits no model to a log of slates, its own or uniform ones; use any of "
            f"{', '.join(known)}{did_you_mean(agent, known)}"
        )
    return kind


@functools.cache
def _fitted_agents() -> list[str]:
    return [n for n in AGENTS if set(_NEEDED) <= set(agent_class(n).Settings.defaults())]


def run_feedback(settings: BenchmarkSettings, folder: str | Path, **running: Any) -> Path:
    """Plays the runs that are missing in a folder, and writes its page, which it returns.

    Args:
      settings: of `feedback_settings`.
      folder: where runs are kept; a repeated call goes on with what is missing.
      **running: as of `run_benchmark`.

    Raises:
      RuntimeError: a run failed.
    """
    outcome = run_benchmark(settings, folder, **running)
    if outcome.failed:
        raise RuntimeError(f"runs failed; see {outcome.folder / 'errors'}")
    return write_feedback(outcome.folder)


def write_feedback(folder: str | Path) -> Path:
    """Writes `feedback.md`, and a figure if Matplotlib is there, from the tables in a folder.

    Raises:
      ValueError: it holds no loops, or those of several scenarios.
    """
    table, metrics = ResultTable(folder), metric_table(folder)
    scenario, *others = table.scenarios() or [""]
    if others:
        raise ValueError(
            f"{folder} holds loops in {len(others) + 1} scenarios ({', '.join([scenario, *others])}"
            "); keep those of each in a folder of its own (--out)"
        )
    loops = loops_in(table, metrics, scenario)
    lines = [f"# Feedback loops in {scenario}", ""]
    if _draw(loops, scenario, Path(folder) / "feedback.png"):
        lines += ["![Utility and homogeneity along rounds of training](feedback.png)", ""]
    lines += as_markdown(loops)
    command = table.read_settings().get("command", "")
    lines += ["", f"    {command}", ""] if command else [""]
    page = Path(folder) / "feedback.md"
    replace_file(page, "\n".join(lines))
    return page


def _draw(loops: list[Loop], scenario: str, file: Path) -> bool:
    """Draws the figure and returns True, or False where the plots extra is missing."""
    try:
        from recsim_env.plots.loops import draw_loops
        from recsim_env.plots.style import write_figure
    except ImportError:
        return False
    write_figure(draw_loops(loops, scenario)[0], file)
    return True


def as_markdown(loops: list[Loop]) -> list[str]:
    """Returns the lines of a table of what the loops did, and of what it means."""
    first = loops[0]
    lines = [
        "| agent | | own log | uniform log | own less uniform | own log, last less first round |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for loop in loops:
        for name, found in (("utility", loop.utility), ("homogeneity", loop.homogeneity)):
            cells = (found.own[-1], found.random[-1], found.excess, found.change)
            line = " | ".join(with_interval(cell) for cell in cells)
            lines.append(f"| {loop.agent} | {name} | {line} |")
    n_rounds, spent, excess = len(first.interactions), first.interactions[-1], first.utility.excess
    return [
        *lines,
        "",
        f"After {spent:,} interactions in {n_rounds} rounds, each followed by training on the "
        "whole log. Utility is the return of an episode less the oracle's with the same people; "
        "homogeneity the overlap (Jaccard) of what people of similar taste consume, less that "
        "under the oracle: above 0 they are made more alike than their tastes call for. All are "
        f"frozen evaluations. Mean of {excess.n} seeds, intervals: {excess.method}; differences "
        "are paired by seed.",
    ]
