"""Trackers of experiments: a plain file, TensorBoard, Weights & Biases and MLflow.

Each takes a training run and where it is to keep it, if that is given.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from recsim_env.agents.core.requirements import extra
from recsim_env.formats.files import check_absent, check_folder, replacing

_PROJECT = "recsim-env"
_INSTALL = "recsim-env[track]"
_FILE_COLUMNS = ("interactions", "name", "value")


class Tracker(Protocol):
    """Something that keeps what is watched."""

    def __call__(self, name: str, value: float, n_interactions: int) -> None:
        """Keeps the mean of a quantity since it was kept last."""

    def close(self, *, is_complete: bool = True) -> None:
        """Brings everything to where it belongs, of a run that was carried out or broke off."""


@dataclass(frozen=True)
class Tracked:
    """A training run, as trackers describe it.

    Attributes:
      name: of the run; that of the agent's file.
      path: the agent's file.
      about: settings and versions of the run, as JSON values.
      n_before: interactions that were taken before, by an agent that goes on.
      may_replace: whether a file that an earlier run left may be replaced.
    """

    name: str
    path: Path
    about: Mapping[str, Any]
    n_before: int
    may_replace: bool = False


class FileTracker:
    """Keeps a .csv file of interactions, name and value, through every resumption."""

    def __init__(self, run: Tracked, place: str | None) -> None:
        self._file = Path(place) if place else run.path.with_name(f"{run.path.name}.track.csv")
        check_absent(self._file, overwrite=run.may_replace or run.n_before > 0)
        self._rows: list[Sequence[Any]] = []
        if run.n_before and self._file.exists():
            self._rows = [row for row in self._read() if int(row[0]) <= run.n_before]

    def _read(self) -> list[list[str]]:
        with self._file.open(encoding="utf-8", newline="") as file:
            head, *rows = list(csv.reader(file)) or [[]]
        if tuple(head) != _FILE_COLUMNS or any(len(row) != len(head) for row in rows):
            raise ValueError(f"{self._file} is no file of --track file; name another one")
        return rows

    def __call__(self, name: str, value: float, n_interactions: int) -> None:
        """Keeps a quantity; the file has all of those before."""
        if self._rows and int(self._rows[-1][0]) != n_interactions:
            self.close()
        self._rows.append((n_interactions, name, repr(float(value))))

    def close(self, *, is_complete: bool = True) -> None:
        """Writes the file in the place of what was there."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with replacing(self._file) as draft, draft.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_FILE_COLUMNS)
            writer.writerows(self._rows)


class TensorBoardTracker:
    """Writes scalars into a folder; over what was lost or is replaced."""

    def __init__(self, run: Tracked, place: str | None) -> None:
        folder = place or f"runs/{run.name}"
        check_folder(folder)
        tensorboard = extra("torch.utils.tensorboard", needed_by="--track tensorboard")
        self._writer = tensorboard.SummaryWriter(folder, purge_step=run.n_before + 1)

    def __call__(self, name: str, value: float, n_interactions: int) -> None:
        """Keeps a quantity."""
        self._writer.add_scalar(name, value, n_interactions)

    def close(self, *, is_complete: bool = True) -> None:
        """Closes the file."""
        self._writer.close()


class WandbTracker:
    """A run of Weights & Biases, in a project; WANDB_MODE=offline keeps it on this machine.

    A run that goes on is a run of its own, in the same group.
    """

    def __init__(self, run: Tracked, place: str | None) -> None:
        wandb = extra("wandb", needed_by="--track wandb", install=_INSTALL)
        self._run = wandb.init(
            project=place or _PROJECT, name=run.name, group=run.name, config=dict(run.about)
        )

    def __call__(self, name: str, value: float, n_interactions: int) -> None:
        """Keeps a quantity."""
        self._run.log({name: value}, step=n_interactions)

    def close(self, *, is_complete: bool = True) -> None:
        """Ends the run."""
        self._run.finish(exit_code=0 if is_complete else 1)


class MlflowTracker:
    """A run of MLflow, in the store of a URI such as sqlite:///runs.db, or where MLflow is set to.

    A run that goes on is a run of its own, of the same name.
    """

    def __init__(self, run: Tracked, place: str | None) -> None:
        self._mlflow = extra("mlflow", needed_by="--track mlflow", install=_INSTALL)
        if place:
            self._mlflow.set_tracking_uri(place)
        self._mlflow.set_experiment(_PROJECT)
        self._mlflow.start_run(run_name=run.name)
        try:
            self._mlflow.log_params(dict(_flat(run.about)))
        except Exception:
            self.close(is_complete=False)
            raise

    def __call__(self, name: str, value: float, n_interactions: int) -> None:
        """Keeps a quantity."""
        self._mlflow.log_metric(name, value, step=n_interactions)

    def close(self, *, is_complete: bool = True) -> None:
        """Ends the run."""
        self._mlflow.end_run("FINISHED" if is_complete else "FAILED")


def _flat(about: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yields values by dotted names, as MLflow takes no others."""
    for name, value in about.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)
