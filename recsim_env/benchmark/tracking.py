"""Where what is watched of an agent's learning goes: trackers of experiments behind one protocol.

A tracker takes what a `LearningMonitor` writes, a quantity at a number of interactions, and is
closed at the end. Another one is a function that returns such an object, in `TRACKERS`.
"""

import contextlib
import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from recsim_env.agents.core.requirements import extra
from recsim_env.benchmark.monitoring import Write
from recsim_env.formats.files import check_absent, check_folder, replacing
from recsim_env.inputs.spelling import did_you_mean

_FILE_COLUMNS = ("interactions", "name", "value")


class Tracker(Protocol):
    """Something that keeps what is watched."""

    def __call__(self, name: str, value: float, n_interactions: int) -> None:
        """Keeps the mean of a quantity since it was kept last."""

    def close(self) -> None:
        """Brings everything to where it belongs."""


@dataclass(frozen=True)
class Tracked:
    """A training run, as trackers describe it.

    Attributes:
      name: of the run; that of the agent's file.
      path: the agent's file.
      about: settings of the run, as JSON values.
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

    def close(self) -> None:
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

    def close(self) -> None:
        """Closes the file."""
        self._writer.close()


TRACKERS: dict[str, Callable[[Tracked, str | None], Tracker]] = {
    "file": FileTracker,
    "tensorboard": TensorBoardTracker,
}
"""Name to what makes a tracker of a run and of where it is to keep it, if that is given."""


def check_trackers(chosen: Sequence[str]) -> None:
    """Raises ValueError for a name, or name=place, of no tracker, or for one twice."""
    kinds = [each.partition("=")[0] for each in chosen]
    for kind in kinds:
        if kind not in TRACKERS:
            raise ValueError(
                f"--track {kind} is unknown; known are {', '.join(TRACKERS)}"
                f"{did_you_mean(kind, TRACKERS)}"
            )
    if len(set(kinds)) < len(kinds):
        raise ValueError(f"--track {' --track '.join(chosen)} names one twice")


@contextlib.contextmanager
def tracking(run: Tracked, chosen: Sequence[str]) -> Iterator[Write]:
    """Yields what writes to all trackers that are chosen, and closes them, whatever happens.

    Args:
      run: what is trained.
      chosen: names of `TRACKERS`, or name=place.

    Raises:
      ValueError: as of `check_trackers`.
      ImportError: the library of one is missing.
    """
    check_trackers(chosen)
    with contextlib.ExitStack() as stack:
        trackers: list[Tracker] = []
        for each in chosen:
            kind, _, place = each.partition("=")
            trackers.append(TRACKERS[kind](run, place or None))
            stack.callback(trackers[-1].close)

        def write(name: str, value: float, n_interactions: int) -> None:
            for tracker in trackers:
                tracker(name, value, n_interactions)

        yield write
