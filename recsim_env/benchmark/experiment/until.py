"""A benchmark that adds seeds until it is decided which agent is the best, or there are enough."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from recsim_env.agent_registry import is_reference
from recsim_env.benchmark.experiment.plan import make_plan
from recsim_env.benchmark.experiment.run import Run
from recsim_env.benchmark.experiment.runner import BenchmarkOutcome, run_benchmark
from recsim_env.benchmark.experiment.settings import MAX_SEED, BenchmarkSettings
from recsim_env.results.sequential import UNTIL, Decision, StoppingRule, decisions
from recsim_env.results.standings import BASELINE
from recsim_env.results.table import ResultTable


def run_until_decided(
    settings: BenchmarkSettings,
    folder: str | Path,
    *,
    max_seeds: int = 20,
    tell: Callable[[str], None] = lambda sentence: None,
    **options: Any,
) -> tuple[BenchmarkOutcome, list[Decision]]:
    """Plays a benchmark with more and more seeds, and returns what it decided in each scenario.

    The settings' seeds are the first group, and each further look adds as many. Agents that are
    left out, and scenarios that are decided, are not played further; see `StoppingRule` for when
    that is. Interrupted, the same call goes on: looks are taken again from the table.

    Args:
      settings: what to compare; its seeds are those of the first look.
      folder: where results are kept.
      max_seeds: of the last look.
      tell: called after each look with a sentence.
      **options: further arguments of `run_benchmark`.

    Raises:
      ValueError: no scenario has two agents to compare, there are too few or too many seeds, the
        folder's looks were planned otherwise, or as in `run_benchmark`.
      OSError, RuntimeError: as in `run_benchmark`.
    """
    rule = StoppingRule(_seeds(settings.seeds, max_seeds), len(settings.seeds))
    _check_rule(rule, folder)
    chosen = Chosen.of_first_look(rule, _asked(settings))
    notes = {UNTIL: dataclasses.asdict(rule) | {"agents": chosen.agents}}
    n_played = 0
    while True:
        outcome = run_benchmark(
            dataclasses.replace(settings, seeds=rule.seeds[: chosen.n_seeds]),
            folder,
            choose=chosen,
            notes=notes,
            **options,
        )
        n_played += outcome.n_runs - outcome.n_kept
        found = decisions(ResultTable(folder), rule, chosen.agents)
        going_on = [each for each in found if not (each.is_decided or each.is_last)]
        if outcome.failed or not going_on:
            return _with_all_looks(outcome, settings, rule, n_played), found
        tell(_sentence(chosen.n_seeds, going_on, len(found)))
        for each in going_on:
            chosen.add_look(each)


def _with_all_looks(
    outcome: BenchmarkOutcome, settings: BenchmarkSettings, rule: StoppingRule, n_played: int
) -> BenchmarkOutcome:
    """Returns an outcome that counts the runs of looks that an earlier call took, too."""
    asked = {(run.scenario_label, run.agent_label) for run in make_plan(settings).runs}
    later = {
        (scenario, agent, seed)
        for scenario, agent, seed in outcome.foreign
        if (scenario, agent) in asked and seed in rule.seeds
    }
    n_runs = outcome.n_runs + len(later)
    foreign = tuple(run for run in outcome.foreign if run not in later)
    return dataclasses.replace(outcome, n_runs=n_runs, n_kept=n_runs - n_played, foreign=foreign)


@dataclasses.dataclass
class Chosen:
    """Which runs are played: the agents in question with the seeds that they need so far.

    Attributes:
      rule: when to look.
      due: scenario to agent to how many of the rule's seeds it is played with.
    """

    rule: StoppingRule
    due: dict[str, dict[str, int]]

    @classmethod
    def of_first_look(cls, rule: StoppingRule, asked: Mapping[str, list[str]]) -> "Chosen":
        """Returns the choice of everybody asked for, with the seeds of the first look."""
        return cls(rule, {name: dict.fromkeys(each, rule.looks[0]) for name, each in asked.items()})

    def __call__(self, run: Run) -> bool:
        """Whether a run is played; uniform and the ceilings are as long as anybody is."""
        due = self.due.get(run.scenario_label, {})
        n = due.get(run.agent_label, max(due.values(), default=self.rule.looks[0]))
        return run.seed in self.rule.seeds[:n]

    def add_look(self, decision: Decision) -> None:
        """Adds the next look at the agents of a scenario that may be the best."""
        n = min(each for each in self.rule.looks if each > decision.n_seeds)
        self.due[decision.scenario] |= dict.fromkeys(decision.possible, n)

    @property
    def agents(self) -> dict[str, list[str]]:
        """Scenario to the agents in question."""
        return {scenario: list(due) for scenario, due in self.due.items()}

    @property
    def n_seeds(self) -> int:
        """The most seeds that anybody is played with."""
        return max(n for due in self.due.values() for n in due.values())


def _asked(settings: BenchmarkSettings) -> dict[str, list[str]]:
    """Returns scenario to the agents in question: those that suit it and are no references.

    Raises:
      ValueError: no scenario has two.
    """
    found: dict[str, list[str]] = {}
    for run in make_plan(settings).runs:
        asked = found.setdefault(run.scenario_label, [])
        if not is_reference(run.agent_label) and run.agent_label not in asked:
            asked.append(run.agent_label)
    found = {scenario: agents for scenario, agents in found.items() if len(agents) > 1}
    if not found:
        raise ValueError(
            f"there is nothing to decide between fewer than two agents beside {BASELINE} and the "
            "references; name two or more that suit the scenario (--agents)"
        )
    return found


def _seeds(first: tuple[int, ...], most: int) -> tuple[int, ...]:
    """Returns the seeds in the order in which they are added: the first, and then what is left."""
    if not 1 <= most <= MAX_SEED:
        raise ValueError(f"max_seeds={most} is not allowed; use 1 to {MAX_SEED:,}")
    rest = (seed for seed in range(MAX_SEED) if seed not in first)
    return (
        (*first, *itertools.islice(rest, most - len(first))) if most > len(first) else first[:most]
    )


def _check_rule(rule: StoppingRule, folder: str | Path) -> None:
    """Raises where looks have been taken by another rule: together they may err more than either.

    Raises:
      ValueError: naming the seeds that were planned.
    """
    known = ResultTable(folder).read_settings().get(UNTIL)
    if known and (tuple(known["seeds"]), known["group"]) != (rule.seeds, rule.group):
        planned = f"{known['group']} at a time, at most {len(known['seeds'])}"
        raise ValueError(
            f"{folder} adds seeds by another plan ({planned}), and looking again by a new one "
            "would err more often than is said; use that (--seeds, --max-seeds), or another folder"
        )


def _sentence(n_seeds: int, going_on: list[Decision], n_scenarios: int) -> str:
    where = "; ".join(f"{', '.join(each.possible)} in {each.scenario}" for each in going_on)
    return (
        f"after {n_seeds} seeds, {n_scenarios - len(going_on)} of {n_scenarios} scenarios are "
        f"decided; may still be the best: {where}"
    )
