"""Keeps one person's session under each agent beside the table of results, to be looked at."""

from __future__ import annotations

from collections.abc import Sequence

from recsim_env.benchmark.experiment.run import VISIT, Run
from recsim_env.results.layout import Row
from recsim_env.results.table import ResultTable
from recsim_env.results.visits import read_visit, remove_visits, visit_file, write_visit


class KeptVisits:
    """The visits beside a table of results: of each agent one, with the first seed of a plan.

    They are written before the rows of their run, so that a run that counts as finished has its
    visit. Those of runs that were removed are removed.

    Args:
      table: of results, held by this process.
      runs: all that are asked for.
    """

    def __init__(self, table: ResultTable, runs: Sequence[Run]) -> None:
        self._table = table
        self._shown = {run.key for run in runs if run.is_shown}
        remove_visits(table.folder, but={key[:2] for key in table.config_hashes()})

    def beside(self, rows: list[Row]) -> list[Row]:
        """Keeps the visit that the rows of a run hold, and returns the rows without it.

        A visit of another seed whose run is in the table stays: the other agents are shown with it.
        """
        key = self._table.layout.key(rows[0])
        visits = [row[VISIT] for row in rows if VISIT in row]
        if key in self._shown and not self._has_another(key):
            if visits:
                write_visit(self._table.folder, visits[-1])
            else:
                visit_file(self._table.folder, key[:2]).unlink(missing_ok=True)
        return [{k: v for k, v in row.items() if k != VISIT} for row in rows]

    def _has_another(self, key: tuple[str, str, int]) -> bool:
        """Returns whether the pair is shown already, with another seed."""
        known = read_visit(self._table.folder, key[:2])
        seed = known and known.get("run_seed")
        return seed not in (None, key[2]) and (*key[:2], seed) in self._table.config_hashes()
