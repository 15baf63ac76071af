"""A study on disk: which trials there were, and which come next, whoever was killed meanwhile."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recsim_env.benchmark.runs.kept import plain
from recsim_env.benchmark.training import differing
from recsim_env.benchmark.tuning.optimizer import distributions, optuna, quiet, sampler
from recsim_env.benchmark.tuning.settings import TuningSettings
from recsim_env.benchmark.tuning.trial import Trial
from recsim_env.formats.files import check_writable
from recsim_env.formats.locks import held_folder
from recsim_env.results.layout import Row

_FILE, _NAME = "study.db", "tuning"


class Study:
    """The trials of a folder, in an SQLite file that the tools of Optuna read too.

    Attributes:
      settings: what is looked for.
    """

    def __init__(self, settings: TuningSettings, study: Any) -> None:
        self.settings = settings
        self._study = study
        self._space = distributions(settings.space, settings.default)

    # What there is -------------------------------------------------------------------------------

    def trials(self) -> list[Any]:
        """Returns all trials that were chosen, in their order."""
        return [each for each in self._study.get_trials(deepcopy=False) if self._is_whole(each)]

    def count(self, *names: str) -> int:
        """Returns how many trials are in one of these states, by Optuna's names."""
        return sum(each.state.name in names for each in self.trials())

    @property
    def n_ended(self) -> int:
        """How many trials are over, however they ended."""
        return sum(each.state.is_finished() for each in self.trials())

    def best(self) -> Any:
        """Returns the complete trial of the highest value, of equals the first.

        Raises:
          RuntimeError: none is complete.
        """
        complete = [each for each in self.trials() if each.state.name == "COMPLETE"]
        if not complete:
            raise RuntimeError("no trial was completed")
        return max(complete, key=lambda each: (each.value, -each.number))

    def default(self) -> Any:
        """Returns the first trial, of the default settings."""
        return self.trials()[0]

    def _is_whole(self, trial: Any) -> bool:
        """Returns whether all settings of a trial were chosen before a kill, if there was one."""
        return set(trial.params) == set(self._space)

    # What comes next -----------------------------------------------------------------------------

    def next_round(self, size: int) -> list[Trial]:
        """Returns the trials to be played now: those that a kill interrupted, or new ones.

        Trials of a round know of those before it alone, so that it does not matter in which order
        they end, nor whether some are played later.

        Args:
          size: how many new ones.
        """
        unfinished = [
            e for e in self._study.get_trials(deepcopy=False) if not e.state.is_finished()
        ]
        waiting = [each for each in unfinished if self._is_whole(each)]
        for each in unfinished:
            if not self._is_whole(each) and each.state.name == "RUNNING":
                self._study.tell(each.number, state=optuna().trial.TrialState.FAIL)
        if not waiting:
            first = len(self.trials())
            numbers = [self._ask(first, first + place) for place in range(size)]
            waiting = [each for each in self.trials() if each.number in numbers]
        return [self._playable(each) for each in waiting]

    def _ask(self, first: int, index: int) -> int:
        """Chooses a trial, the `index`-th, of the round that begins with `first`."""
        if not self._study.get_trials(deepcopy=False):
            self._study.enqueue_trial(self.settings.default)
        with quiet():
            self._study.sampler = sampler(self.settings.search_seed, index)
            asked = self._study.ask(self._space)
        asked.set_user_attr("round", first)
        return int(asked.number)

    def _playable(self, trial: Any) -> Trial:
        trials = self.trials()
        first = trial.user_attrs.get("round", trials.index(trial))
        finished = tuple(each for each in trials[:first] if each.state.name == "COMPLETE")
        return Trial(trial.number, self.settings.tuning_runs(trial.params), finished)

    def tell(self, trial: Trial, row: Row) -> None:
        """Writes down what a trial was worth."""
        found = next(each for each in self.trials() if each.number == trial.number)
        states = optuna().trial.TrialState
        with quiet():
            told = optuna().trial.Trial(self._study, found._trial_id)
            for step, value in enumerate(row.get("values", ()), start=1):
                if step not in found.intermediate_values:
                    told.report(value, step)
            told.set_user_attr("wall_seconds", row["wall_seconds"])
            if "error" in row:
                told.set_user_attr("error", row["error"])
                self._study.tell(trial.number, state=states.FAIL)
            elif row["is_pruned"]:
                self._study.tell(trial.number, state=states.PRUNED)
            else:
                self._study.tell(trial.number, row["values"][-1])


@contextlib.contextmanager
def opened(settings: TuningSettings, folder: Path, *, overwrite: bool = False) -> Iterator[Study]:
    """Yields the study of a folder, new or gone on with, which no other process changes meanwhile.

    Args:
      settings: what is looked for.
      folder: where it is kept; made if need be.
      overwrite: whether a study of other settings, or a damaged one, is replaced.

    Raises:
      ImportError: Optuna is not installed.
      ValueError: there is a study of other settings, or a damaged one.
      OSError: the folder cannot be written.
      RuntimeError: another process adds trials.
    """
    library = optuna()
    file = folder / _FILE
    check_writable(file)
    folder.mkdir(parents=True, exist_ok=True)
    with held_folder(folder) as is_free, _full_disk_told(file):
        if not is_free:
            raise RuntimeError(
                f"another process adds trials to {folder}; wait for its end, or choose another "
                "folder"
            )
        if overwrite and _is_other(settings, file):
            file.unlink()
        with quiet():
            storage = _storage(library, file)
            study = library.create_study(
                storage=storage, study_name=_NAME, direction="maximize", load_if_exists=True
            )
        try:
            _check_same(settings, study, file)
            yield Study(settings, study)
        finally:
            storage.remove_session()
            storage.engine.dispose()


@contextlib.contextmanager
def _full_disk_told(file: Path) -> Iterator[None]:
    """Raises OSError, as other files do, where SQLite finds no room for a study."""
    try:
        yield
    except Exception as error:  # of SQLAlchemy's, Optuna's, or ours, raised from one of theirs
        causes: list[BaseException] = [error]
        while causes[-1].__cause__ is not None:
            causes.append(causes[-1].__cause__)
        if any("database or disk is full" in str(each) for each in causes):
            full = errno.ENOSPC
            raise OSError(full, os.strerror(full), str(file)) from error
        raise


def _storage(library: Any, file: Path) -> Any:
    """Returns Optuna's view of a file.

    Raises:
      ValueError: the file is no study.
    """
    try:
        return library.storages.RDBStorage(f"sqlite:///{file}")
    except Exception as error:  # of SQLAlchemy's, or of Optuna's where its version is another
        raise ValueError(
            f"{file} is no study that this version of Optuna reads ({error}); restore the file, "
            "choose another folder, or give overwrite (--overwrite) to begin anew"
        ) from error


def _check_same(settings: TuningSettings, study: Any, file: Path) -> None:
    """Raises ValueError where a study is of other settings."""
    asked = plain(settings.described())
    if "described" not in study.user_attrs:
        if study.get_trials(deepcopy=False):
            raise ValueError(f"{file} holds a study made elsewhere; choose another folder")
        study.set_user_attr("described", asked)
    differences = differing(asked, study.user_attrs["described"])
    if differences:
        raise ValueError(
            f"{file.parent} holds a study with other settings ({differences}); choose another "
            "folder, or give overwrite (--overwrite) to begin anew"
        )


def _is_other(settings: TuningSettings, file: Path) -> bool:
    """Returns whether a file holds anything but a study of these settings."""
    if not file.exists():
        return False
    library = optuna()
    try:
        with quiet():
            storage = _storage(library, file)
            try:
                study = library.load_study(storage=storage, study_name=_NAME)
                _check_same(settings, study, file)
            finally:
                storage.remove_session()
                storage.engine.dispose()
    except (KeyError, ValueError):
        return True
    return False
