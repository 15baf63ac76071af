"""Keeps what runs measured beside the table of results, and measures what was played before."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from recsim_env.benchmark.experiment.run import Run, parted, play
from recsim_env.benchmark.runs.backends import play_all
from recsim_env.benchmark.runs.processes import noted_on
from recsim_env.results.layout import Row
from recsim_env.results.metrics import metric_table
from recsim_env.results.table import ResultTable

# How long a run took differs each time.
_MAY_DIFFER = ("wall_seconds",)


class KeptMetrics:
    """The metrics beside a table of results.

    Those of a run are written before its rows: a run that counts as finished has them, and one that
    a kill cut off between the two is played again, and its metrics replaced.

    Args:
      table: of results, held by this process.
      overwrite: whether to go on where metrics are damaged.

    Raises:
      ValueError: `metrics.csv` is damaged.
    """

    def __init__(self, table: ResultTable, *, overwrite: bool = False) -> None:
        self._results = table
        self._table = metric_table(table.folder, overwrite=overwrite)
        finished = table.config_hashes()
        stale = [
            key for key, known in self._table.config_hashes().items() if finished.get(key) != known
        ]
        if stale or self._table.damage:
            self._table.remove_runs(stale)

    def beside(self, rows: list[Row]) -> list[Row]:
        """Keeps the metrics that the rows of a run hold, and returns the rows without them."""
        own, measured = parted(rows)
        if measured:
            self._table.append_run(measured)
        return own

    def unmeasured(self, runs: Sequence[Run]) -> list[Run]:
        """Returns the runs that finished and have no metrics."""
        finished, known = self._results.config_hashes(), self._table.config_hashes()
        return [run for run in runs if run.key in finished and run.key not in known]

    def measure(
        self,
        runs: Sequence[Run],
        *,
        jobs: int,
        progress_bar: bool,
        beside: Callable[[list[Row]], list[Row]] = list,
    ) -> None:
        """Plays finished runs again for their metrics.

        Rows stay as they are. Where a run does not repeat itself, with other versions of packages
        say, its metrics would be of another run: they are not kept, and that is said.

        Args:
          runs: all that are asked for.
          jobs, progress_bar: as of `keep`.
          beside: keeps what else their rows hold.
        """
        note = noted_on(progress_bar)

        def ended(run: Run, rows: list[Row], trace: str) -> None:
            own, measured = parted(rows)
            if trace or not self._repeats(own):
                why = rows[-1].get("error") or "other numbers than are kept"
                note(f"{'-'.join(map(str, run.key))} is not measured: played again, {why}")
            else:
                beside(rows)
                self._table.append_run(measured)

        playing = functools.partial(play, measured=True)
        play_all(self.unmeasured(runs), playing, jobs=jobs, ended=ended, note=note)

    def _repeats(self, rows: Sequence[Row]) -> bool:
        layout = self._results.layout
        kept = self._results.rows(scenario=rows[0]["scenario"], agent=rows[0]["agent"])
        return _plain([row for row in kept if row["seed"] == rows[0]["seed"]]) == _plain(
            [layout.checked(row) for row in rows]
        )


def _plain(rows: Sequence[Row]) -> list[dict[str, str]]:
    return [
        {name: repr(value) for name, value in row.items() if name not in _MAY_DIFFER}
        for row in rows
    ]
