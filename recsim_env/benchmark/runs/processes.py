"""Plays runs in parallel processes, on one thread each, and keeps each run as it finishes."""

import contextlib
import functools
import os
import re
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from threadpoolctl import threadpool_limits
from tqdm import tqdm

from recsim_env.benchmark.runs.backends import AnyRun, Played, play_all
from recsim_env.benchmark.runs.kept import Playable
from recsim_env.progress import progress
from recsim_env.results.layout import Row, RunKey
from recsim_env.results.table import ResultTable


def missing(table: ResultTable, runs: Sequence[AnyRun]) -> list[AnyRun]:
    """Returns the runs that the table lacks, or holds with other settings, or as failed."""
    finished = {each: table.finished_runs(each) for each in {run.config_hash for run in runs}}
    return [run for run in runs if run.key not in finished[run.config_hash]]


def keep(
    table: ResultTable,
    runs: Sequence[AnyRun],
    play: Callable[[AnyRun], Played],
    *,
    jobs: int,
    progress_bar: bool,
    unit: str = "run",
    beside: Callable[[list[Row]], list[Row]] | None = None,
) -> tuple[RunKey, ...]:
    """Plays the runs that a table lacks, adds each as it ends, and returns those that failed.

    Args:
      table: where rows go; tracebacks go to `errors/` beside it.
      runs: all that are asked for.
      play: plays one; it may run in another process.
      jobs: processes; -1 is one per core.
      progress_bar: whether to show a line, on a terminal.
      unit: what a run is called there.
      beside: keeps elsewhere what the rows of a run hold for other tables, and returns them without
        it. A run counts as finished only afterwards.

    Raises:
      RuntimeError: as in `play_all`.
    """
    waiting, failed = missing(table, runs), list[RunKey]()
    n_kept = len(runs) - len(waiting)
    with progress(total=len(runs), initial=n_kept, unit=unit, shown=progress_bar) as shown:

        def ended(run: AnyRun, rows: list[Row], trace: str) -> None:
            table.append_run(rows if beside is None else beside(rows))
            keep_trace(table.folder, run.key, trace)
            failed.extend([run.key] if trace else [])
            shown.update()

        play_all(waiting, play, jobs=jobs, ended=ended, note=noted_on(progress_bar))
    return tuple(sorted(failed))


def noted_on(terminal: bool) -> Callable[[str], None]:
    """Returns what says a sentence: beside a bar of progress, or as a warning."""
    if terminal:
        return functools.partial(tqdm.write, file=sys.stderr)
    return functools.partial(warnings.warn, category=RuntimeWarning, stacklevel=2)


def keep_trace(folder: Path, key: RunKey, trace: str) -> None:
    """Writes the traceback of a failed run, or removes that of an earlier failure."""
    name = "-".join(re.sub(r"[^A-Za-z0-9._]+", "-", str(part)) for part in key)
    file = folder / "errors" / f"{name}.log"
    if trace:
        file.parent.mkdir(exist_ok=True)
        file.write_text(trace, encoding="utf-8")
    elif file.exists():
        file.unlink()


def foreign(table: ResultTable, runs: Iterable[Playable]) -> tuple[RunKey, ...]:
    """Returns the runs in the table that are not among those asked for."""
    asked = {run.key for run in runs}
    found = {table.layout.key(row) for row in table.rows()}
    return tuple(sorted(found - asked))


def rows_or_error(play: Callable[[], list[Row]]) -> tuple[list[Row], str]:
    """Returns the rows of a run, timed and on one thread; of a failed one a row and traceback."""
    start = time.perf_counter()
    try:
        with one_thread():
            rows = play()
        trace = ""
    except Exception as error:
        rows = [{"phase": "failed", "error": f"{type(error).__name__}: {error}"}]
        trace = traceback.format_exc()
    rows[-1]["wall_seconds"] = time.perf_counter() - start
    return rows, trace


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Lets numerical libraries use one thread: sums, and so results, depend on their number.

    One that is loaded only in the meantime reads the environment variable.
    """
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    torch = sys.modules.get("torch")
    n_torch_threads = torch.get_num_threads() if torch else 1
    with contextlib.ExitStack() as stack:
        if torch:
            torch.set_num_threads(1)
            stack.callback(torch.set_num_threads, n_torch_threads)
        stack.enter_context(threadpool_limits(1))
        try:
            yield
        finally:
            os.environ.pop("OMP_NUM_THREADS")
            if before is not None:
                os.environ["OMP_NUM_THREADS"] = before
