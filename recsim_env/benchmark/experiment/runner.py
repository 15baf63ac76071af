"""Plays what a folder of results lacks of a benchmark, and says what happened."""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from recsim_env.agents import make_agent
from recsim_env.benchmark.experiment.measuring import KeptMetrics
from recsim_env.benchmark.experiment.plan import make_plan
from recsim_env.benchmark.experiment.run import Run, play
from recsim_env.benchmark.experiment.settings import BenchmarkSettings
from recsim_env.benchmark.experiment.showing import KeptVisits
from recsim_env.benchmark.experiment.sweep import noted_sweep
from recsim_env.benchmark.provenance import versions
from recsim_env.benchmark.runs.described import LeftOut
from recsim_env.benchmark.runs.kept import check_joinable, joinable, noted, plain
from recsim_env.benchmark.runs.processes import foreign, keep, missing
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.results.sequential import UNTIL
from recsim_env.results.sweeps import SWEPT


@dataclass(frozen=True)
class BenchmarkOutcome:
    """What a call of `run_benchmark` did.

    Attributes:
      folder: where table, settings and versions are.
      n_runs: runs that the settings ask for.
      n_kept: of them, finished before, with these settings.
      failed: (scenario, agent, seed) of the runs that failed; the table has their errors.
      left_out: agents that do not suit a scenario.
      foreign: (scenario, agent, seed) of runs in the folder that these settings do not ask for.
      damage: what was wrong with the folder's table, where it was overwritten.
      n_unmeasured: of the runs, finished without metrics: an earlier version played them, or they
        did not come out as before.
      n_measured: of the runs, finished before and played again for their metrics.
    """

    folder: Path
    n_runs: int
    n_kept: int
    failed: tuple[tuple[str, str, int], ...]
    left_out: tuple[LeftOut, ...]
    foreign: tuple[tuple[str, str, int], ...]
    damage: tuple[str, ...] = ()
    n_unmeasured: int = 0
    n_measured: int = 0


def run_benchmark(
    settings: BenchmarkSettings,
    folder: str | Path,
    *,
    command: str = "",
    progress_bar: bool = False,
    overwrite: bool = False,
    measure: bool = False,
    choose: Callable[[Run], bool] | None = None,
    notes: Mapping[str, Any] | None = None,
) -> BenchmarkOutcome:
    """Plays what is not yet in the folder's table, and returns what happened.

    Every finished run is on disk before the next is awaited: whoever is interrupted and calls again
    with the same settings loses the runs that were in progress. A run that raises becomes a
    `failed` row, its traceback a file in `errors/`, and is tried again by the next call. Scenarios,
    agents and seeds may be added to a folder by later calls.

    Args:
      settings: what to compare.
      folder: where results are kept; made if need be.
      command: what a person would type to repeat this; kept with the settings.
      progress_bar: whether to show a line with rate and time left, on a terminal.
      overwrite: whether finished runs of other settings are replaced, and damaged ones.
      measure: whether finished runs without metrics are played again for them; rows stay.
      choose: which runs of the settings are asked for; by default all.
      notes: what else is kept with the settings.

    Raises:
      ValueError: settings that a scenario or an agent does not have, or a folder that holds
        something else, runs of other settings among it.
      OSError: the folder cannot be written.
      RuntimeError: a process of a run was killed, or another one adds runs to the folder.
    """
    plan = make_plan(settings)
    if choose is not None:
        plan = dataclasses.replace(plan, runs=tuple(filter(choose, plan.runs)))
    before, _ = check_joinable(folder, plan.runs, plan.configs, overwrite=overwrite)
    check_agent_settings(missing(before, plan.runs))
    with joinable(folder, plan.runs, plan.configs, overwrite=overwrite) as table:
        asked = settings.as_dict() | {"command": command}
        asked |= noted(table, plan.runs, plan.configs, plan.left_out, command)
        asked |= {SWEPT: noted_sweep(table, plan.swept)}
        asked |= {UNTIL: table.read_settings().get(UNTIL)} | dict(notes or {})
        table.write_settings(plain(asked), versions())
        waiting = missing(table, plan.runs)
        warm_up({id(run.scenario): run.scenario for run in waiting}.values())
        metrics, visits = KeptMetrics(table, overwrite=overwrite), KeptVisits(table, plan.runs)
        failed = keep(
            table,
            plan.runs,
            functools.partial(play, measured=True),
            jobs=settings.jobs,
            progress_bar=progress_bar,
            beside=lambda rows: metrics.beside(visits.beside(rows)),
        )
        n_before = len(metrics.unmeasured(plan.runs))
        if measure:
            metrics.measure(
                plan.runs, jobs=settings.jobs, progress_bar=progress_bar, beside=visits.beside
            )
        n_after = len(metrics.unmeasured(plan.runs))
    return BenchmarkOutcome(
        folder=table.folder,
        n_runs=len(plan.runs),
        n_kept=len(plan.runs) - len(waiting),
        failed=failed,
        left_out=plan.left_out,
        foreign=foreign(table, plan.runs),
        damage=table.damage,
        n_unmeasured=n_after,
        n_measured=n_before - n_after,
    )


def check_agent_settings(runs: Iterable[Run]) -> None:
    """Makes every agent once whose settings are given, so that wrong ones are told before the work.

    Raises:
      ValueError: a setting out of range.
    """
    checked: list[Any] = []
    for run in runs:
        one = (run.scenario_label, run.agent_label)
        if run.agent_settings and one not in checked:
            checked.append(one)
            env = RecommendationVectorEnv(run.scenario, num_envs=1)
            try:
                make_agent(run.agent, env, **run.agent_settings)
            except ValueError as error:
                raise ValueError(f"agent {run.agent_label}: {error}") from error
            finally:
                env.close()


def warm_up(scenarios: Iterable[Scenario]) -> None:
    """Compiles the loops of scenarios once, so that other processes find them on disk."""
    for scenario in scenarios:
        env = RecommendationVectorEnv(scenario, num_envs=1)
        env.reset(seed=0)
        env.step(env.action_space.sample())
        for name in ("expected_reward", "long_term_value"):
            if scenario.outlook(name) is not None:
                getattr(env, name)()
        env.liking(np.zeros((1, scenario.slate_size), np.int64))
        env.liking_of(env.users, env.items[0])
        env.close()
