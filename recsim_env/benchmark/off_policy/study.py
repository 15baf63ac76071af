"""Which estimator to trust: all of them, on logs written again and again, and the truth."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from recsim_env.benchmark.off_policy.report import write_page
from recsim_env.benchmark.off_policy.study_run import StudyRun, StudyWorld, play
from recsim_env.benchmark.off_policy.study_settings import StudySettings
from recsim_env.benchmark.provenance import versions
from recsim_env.benchmark.runs.kept import joinable, noted, plain
from recsim_env.benchmark.runs.processes import keep
from recsim_env.results.estimator_quality import Trial
from recsim_env.results.layout import RunKey
from recsim_env.results.table import ResultTable
from recsim_env.results.trials import TRIALS, trials_of


@dataclass(frozen=True)
class StudyOutcome:
    """What a call of `run_study` did.

    Attributes:
      trials: every estimate of every policy by every log, beside the truth.
      failed: (scenario, logger, number) of the logs that failed.
      errors: sentences on these.
      files: paths of the page and the figures.
    """

    trials: list[Trial]
    failed: tuple[RunKey, ...]
    errors: tuple[str, ...]
    files: tuple[Path, ...]


def run_study(
    settings: StudySettings,
    folder: str | Path,
    *,
    command: str = "",
    jobs: int = 1,
    progress_bar: bool = False,
    overwrite: bool = False,
) -> StudyOutcome:
    """Judges policies by logs that are written again and again, beside the truth.

    What each log says is on disk before the next is written; whoever is interrupted and calls again
    with the same folder goes on with what is left. Repeats may be added by later calls.

    Args:
      settings: what is studied.
      folder: where `rows.csv`, settings, `study.md` and figures go.
      command: what a person would type to repeat this; kept with the settings.
      jobs: processes; -1 is one per core.
      progress_bar: whether to show a line, on a terminal.
      overwrite: whether finished logs of other settings are replaced, and damaged ones.

    Raises:
      UnsuitableScenario, ValueError: a policy cannot act in the scenario, or be judged; or the
        folder holds something else, or logs of other settings.
      OSError: the folder cannot be written.
    """
    worlds = [StudyWorld.of(scenario, settings) for scenario in settings.variants()]
    runs = [StudyRun(world, number) for world in worlds for number in range(settings.repeats)]
    with _joinable(folder, runs, overwrite=overwrite) as table:
        asked = asdict(settings) | {"command": command}
        asked |= noted(table, runs, _configs(runs), (), command)
        table.write_settings(plain(asked), versions())
        failed = keep(table, runs, play, jobs=jobs, progress_bar=progress_bar, unit="log")
        labels = {world.label for world in worlds}
        rows = [row for row in table.rows() if row["scenario"] in labels]
        trials = trials_of(rows)
        errors = dict.fromkeys(row["error"] for row in rows if row["phase"] == "failed")
        files = write_page(trials, settings, table.folder, command=command) if trials else []
    return StudyOutcome(trials, failed, tuple(errors), tuple(files))


def _joinable(
    folder: str | Path, runs: Sequence[StudyRun], *, overwrite: bool
) -> AbstractContextManager[ResultTable]:
    return joinable(folder, runs, _configs(runs), layout=TRIALS, overwrite=overwrite)


def _configs(runs: Sequence[StudyRun]) -> dict[str, dict[str, Any]]:
    """Returns what decides the runs; see `joinable`."""
    return {
        run.world.label: {"scenario": run.world.described, "agents": {run.key[1]: run.world.asked}}
        for run in runs
    }
