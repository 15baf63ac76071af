"""Where what is watched of an agent's learning goes: trackers of experiments behind one protocol.

A tracker takes what a `LearningMonitor` writes, a quantity at a number of interactions, and is
closed at the end. Another one is a function that returns such an object, in `TRACKERS`.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence

from recsim_env.benchmark.monitoring import Write
from recsim_env.benchmark.trackers import (
    FileTracker,
    MlflowTracker,
    TensorBoardTracker,
    Tracked,
    Tracker,
    WandbTracker,
)
from recsim_env.inputs.spelling import did_you_mean

TRACKERS: dict[str, Callable[[Tracked, str | None], Tracker]] = {
    "file": FileTracker,
    "tensorboard": TensorBoardTracker,
    "wandb": WandbTracker,
    "mlflow": MlflowTracker,
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

    A tracker that fails later than at its beginning gets nothing more, which a RuntimeWarning says
    at once; what is done within the `with`, and the other trackers, go on.

    Args:
      run: what is trained.
      chosen: names of `TRACKERS`, or name=place.

    Raises:
      ValueError: as of `check_trackers`; or one cannot begin.
      ImportError: the library of one is missing.
      RuntimeError: at the end, one failed, and lacks what came after.
    """
    check_trackers(chosen)
    trackers = _Trackers()
    try:
        for each in chosen:
            trackers.begin(run, each)
        yield trackers.write
    except BaseException:
        trackers.close(is_complete=False)
        raise
    trackers.close(is_complete=True)
    if trackers.faults:
        raise RuntimeError(f"{run.path} is saved, but {'; and '.join(trackers.faults)}")


class _Trackers:
    """Trackers side by side, none of which stops another, or what is watched.

    Attributes:
      faults: a sentence on each that failed.
    """

    def __init__(self) -> None:
        self._working: dict[str, Tracker] = {}
        self.faults: list[str] = []

    def begin(self, run: Tracked, chosen: str) -> None:
        kind, _, place = chosen.partition("=")
        try:
            self._working[chosen] = TRACKERS[kind](run, place or None)
        except Exception as error:  # of whatever kind a library has
            if isinstance(error, ImportError) or getattr(error, "errno", None) is not None:
                raise  # they speak for themselves
            raise ValueError(
                f"--track {chosen} cannot begin ({_told(error)}); nothing is trained"
            ) from error

    def write(self, name: str, value: float, n_interactions: int) -> None:
        for chosen, tracker in list(self._working.items()):
            try:
                tracker(name, value, n_interactions)
            except Exception as error:
                self._fail(chosen, error, f"from {n_interactions:,} interactions on")
                with contextlib.suppress(Exception):  # it is known to have failed
                    tracker.close(is_complete=False)

    def close(self, *, is_complete: bool) -> None:
        for chosen, tracker in list(self._working.items()):
            try:
                tracker.close(is_complete=is_complete)
            except Exception as error:
                self._fail(chosen, error, "at its end")

    def _fail(self, chosen: str, error: Exception, when: str) -> None:
        del self._working[chosen]
        self.faults.append(f"--track {chosen} failed {when} ({_told(error)})")
        warnings.warn(f"{self.faults[-1]}; training goes on", RuntimeWarning, stacklevel=2)


def _told(error: Exception) -> str:
    said = " ".join(str(error).split())
    return said if isinstance(error, ValueError) else f"{type(error).__name__}: {said}"
