"""A study from its first trial to its verdict: are the best settings better for other people?"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from joblib import effective_n_jobs

from recsim_env.agent_registry import TUNED
from recsim_env.benchmark.experiment.run import play
from recsim_env.benchmark.experiment.runner import warm_up
from recsim_env.benchmark.provenance import versions
from recsim_env.benchmark.runs.backends import play_all
from recsim_env.benchmark.runs.kept import joinable, plain
from recsim_env.benchmark.runs.processes import keep, keep_trace, noted_on
from recsim_env.benchmark.tuning.optimizer import optuna
from recsim_env.benchmark.tuning.settings import TuningSettings
from recsim_env.benchmark.tuning.study import Study, opened
from recsim_env.benchmark.tuning.trial import Trial, play_trial
from recsim_env.formats.files import check_folder, replace_file
from recsim_env.progress import progress
from recsim_env.results.intervals import Estimate, estimate, paired_difference
from recsim_env.results.layout import Row
from recsim_env.results.standings import final_by_seed

#: What was found, in the folder of a study.
FOUND = "tuned.json"


@dataclass(frozen=True)
class Validation:
    """The best settings beside the default ones, on people whom no trial met.

    Attributes:
      tuned: mean return with the best settings, over seeds.
      default: mean return with the default settings, over the same seeds.
      difference: of the two, paired.
    """

    tuned: Estimate
    default: Estimate
    difference: Estimate

    @property
    def is_better(self) -> bool:
        """Whether the best settings earned more: the interval of the difference lies above 0."""
        return self.difference.low > 0


@dataclass(frozen=True)
class TuningOutcome:
    """What a study found.

    Attributes:
      folder: where the study, its runs and `tuned.json` are.
      settings: the best ones, of those that were searched.
      default: the same settings as they are by default.
      best_value: mean return of the best trial; of many it is too high, as luck chose it too.
      default_value: mean return of the first trial, with the default settings.
      n_complete, n_pruned, n_failed: trials, by how they ended.
      n_kept: trials that were there before this call.
      validation: None where no settings were better than the default ones.
    """

    folder: Path
    settings: dict[str, Any]
    default: dict[str, Any]
    best_value: float
    default_value: float
    n_complete: int
    n_pruned: int
    n_failed: int
    n_kept: int
    validation: Validation | None


def tune(
    settings: TuningSettings,
    folder: str | Path,
    *,
    jobs: int = 1,
    progress_bar: bool = False,
    overwrite: bool = False,
) -> TuningOutcome:
    """Tries settings, judges the best of them on other people, and writes down what was found.

    Every trial that ended is on disk before the next begins: whoever is interrupted and calls again
    with the same settings loses the trials in progress alone, which are played again, and finds the
    same. More trials may be asked for later.

    Args:
      settings: what is looked for.
      folder: where it is kept; made if need be.
      jobs: trials side by side, in processes; -1 is one per core. More than one are chosen without
        knowing of each other, so that they find something else than one by one.
      progress_bar: whether to show a line, on a terminal.
      overwrite: whether a study of other settings, or a damaged one, is replaced.

    Raises:
      ImportError: Optuna is not installed.
      ValueError: the folder holds a study of other settings.
      OSError: the folder cannot be written.
      RuntimeError: the default settings failed, or another process adds trials.
    """
    folder = Path(folder)
    check_folder(folder)
    with opened(settings, folder, overwrite=overwrite) as study:
        n_kept = study.n_ended
        _play(study, folder, jobs=jobs, progress_bar=progress_bar)
        best, default = study.best(), study.default()
        validation = None
        if best.number != default.number:
            validation = validated(
                settings, best.params, folder, jobs=jobs, progress_bar=progress_bar
            )
        outcome = TuningOutcome(
            folder=folder,
            settings=dict(best.params),
            default=settings.default,
            best_value=best.value,
            default_value=default.value,
            n_complete=study.count("COMPLETE"),
            n_pruned=study.count("PRUNED"),
            n_failed=study.count("FAIL"),
            n_kept=n_kept,
            validation=validation,
        )
        _write(settings, outcome)
    return outcome


def _play(study: Study, folder: Path, *, jobs: int, progress_bar: bool) -> None:
    """Plays what is left of a study's trials, round by round."""
    wanted = study.settings.trials
    if study.n_ended >= wanted:
        return
    warm_up([study.settings.where])
    with progress(total=wanted, initial=study.n_ended, unit="trial", shown=progress_bar) as shown:

        def ended(trial: Trial, rows: list[Row], trace: str) -> None:
            keep_trace(folder, trial.key, trace)
            if trial.number == 0 and trace:  # is played again by the next call
                error = rows[-1]["error"]
                raise RuntimeError(
                    f"the default settings failed ({error}); see {folder / 'errors'}"
                )
            study.tell(trial, rows[-1])
            shown.set_postfix_str(f"best {study.best().value:.4g}")
            shown.update()

        while study.n_ended < wanted:
            size = 1 if not study.n_ended else min(effective_n_jobs(jobs), wanted - study.n_ended)
            trials = study.next_round(size)
            play_all(trials, play_trial, jobs=jobs, ended=ended, note=noted_on(progress_bar))


def validated(
    settings: TuningSettings,
    best: Mapping[str, Any],
    folder: Path,
    *,
    jobs: int,
    progress_bar: bool,
) -> Validation:
    """Returns how the best settings do beside the default ones, for people whom no trial met.

    The runs are kept in a folder as a benchmark's are.

    Args:
      settings: of the study.
      best: of the settings that were searched.
      folder: of the study.
      jobs, progress_bar: as in `tune`.

    Raises:
      RuntimeError: a run failed.
    """
    names = settings.agent, f"{settings.agent}{TUNED}"
    runs = [
        *settings.validation_runs(names[0], settings.default),
        *settings.validation_runs(names[1], best),
    ]
    configs = {settings.label: settings.described() | {"agents": {}}}
    for name, values in zip(names, (settings.default, best), strict=True):
        own = {"agent": settings.agent, "agent_settings": dict(values)}
        configs[settings.label]["agents"][name] = own
    with joinable(folder / "validation", runs, configs, overwrite=True) as table:
        table.write_settings(plain({"left_out": [], "runs": configs}), versions())
        failed = keep(table, runs, play, jobs=jobs, progress_bar=progress_bar)
    if failed:
        raise RuntimeError(f"{len(failed)} runs failed; see {table.folder / 'errors'}")
    found = final_by_seed(table, settings.label)
    asked = {run.seed for run in runs}
    default, tuned = ({k: v for k, v in found[name].items() if k in asked} for name in names)
    return Validation(
        tuned=estimate(list(tuned.values())),
        default=estimate(list(default.values())),
        difference=paired_difference(tuned, default),
    )


def _write(settings: TuningSettings, outcome: TuningOutcome) -> None:
    """Writes what was found beside the study, with all that a reader needs to judge it."""
    validation = outcome.validation
    names = ("trials", "interactions", "checkpoints", "num_envs", "eval_episodes", "seeds")
    found = {
        "scenario": settings.label,
        "scenario_settings": dict(settings.scenario_settings),
        "agent": settings.agent,
        "held": dict(settings.agent_settings),
        "settings": outcome.settings,
        "default": outcome.default,
        "is_better": validation is not None and validation.is_better,
        "budget": {name: getattr(settings, name) for name in names},
        "trials": {
            "complete": outcome.n_complete,
            "pruned": outcome.n_pruned,
            "failed": outcome.n_failed,
            "best_value": outcome.best_value,
            "default_value": outcome.default_value,
        },
        "validation": asdict(validation) if validation else None,
        "command": settings.command,
        "versions": versions() | {"optuna": optuna().__version__},
    }
    text = json.dumps(plain(found), indent=2) + "\n"
    replace_file(outcome.folder / FOUND, text)
