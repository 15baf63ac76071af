"""What is measured of people beside the return: the metrics, and the table that holds them.

`recsim_env.metrics` computes them; whoever reads a folder needs only what they mean.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Protocol

from recsim_env.results.layout import Layout, Row
from recsim_env.results.metric import NEEDS, Metric
from recsim_env.results.people import PEOPLE
from recsim_env.results.reach import REACH
from recsim_env.results.table import ResultTable

__all__ = [
    "METRICS",
    "METRIC_ROWS",
    "NEEDS",
    "N_MEASURED",
    "PARTS",
    "PEAK",
    "Measured",
    "Metric",
    "metric_rows",
    "metric_table",
]


class Measured(Protocol):
    """What was measured in an evaluation."""

    @property
    def values(self) -> Mapping[str, float]:
        """Metrics by name."""

    @property
    def parts(self) -> Sequence[Mapping[str, float]]:
        """Likewise of each of `PARTS`."""

    @property
    def n_slates(self) -> Sequence[int]:
        """How many slates were measured, of the whole and of each part."""


N_MEASURED = 200
"""Of how many visits a benchmark measures what is served, at most: the first of an evaluation.

Means of what people are shown vary little, and measuring all of a thousand would take as long as a
quick agent takes to serve them."""

PARTS = (1, 2, 3, 5, 9, 17, 33, 65, 129, 257)
"""The first slate of each part of an episode: parts double, as few people stay for long."""

METRICS: dict[str, Metric] = {**PEOPLE, **REACH}
"""Name, as of the column in `metrics.csv`, to what it tells."""

_KEYS: dict[str, type] = {
    "scenario": str,
    "agent": str,
    "seed": int,
    "phase": str,
    "interactions": int,
    "from_slate": int,
    "slates": int,
}

PEAK = "peak_mebibytes"
"""The column, of `final` rows, of the most memory that the process of a run had meanwhile, with all
that it had loaded. Like the time a run took, it differs from one time to the next."""

METRIC_ROWS = Layout(
    columns={
        **_KEYS,
        **dict.fromkeys(METRICS, float),
        **{PEAK: float, "config_hash": str, "error": str},
    },
    world="scenario",
    phases=("evaluation", "part", "final", "failed"),
    needed={},
    file="metrics.csv",
    grows=True,
)
"""The rows of `metrics.csv`. By phase: `evaluation`, of each frozen evaluation while learning;
`part`, of a part of the last one's episodes, from slate `from_slate` on (1 is the first); and
`final`, of all of that. `slates` is how many were measured; what a scenario lacks is empty.
"""


def metric_rows(phase: str, n_interactions: int, measured: Measured) -> list[Row]:
    """Returns the rows of an evaluation: of its parts, where it is the last one, and of all of it.

    Args:
      phase: "evaluation" or "final".
      n_interactions: of learning, before.
      measured: of `recsim_env.metrics.Meter`.
    """
    whole, *parts = measured.n_slates
    rows: list[Row] = []
    if phase == "final":
        rows += [
            {"phase": "part", "from_slate": start, "slates": n} | dict(values)
            for start, n, values in zip(PARTS, parts, measured.parts, strict=True)
            if n > 0
        ]
    rows.append({"phase": phase, "from_slate": 1, "slates": whole} | dict(measured.values))
    return [{"interactions": n_interactions} | row for row in rows]


def metric_table(folder: str | os.PathLike[str], *, overwrite: bool = False) -> ResultTable:
    """Returns the measurements of a benchmark's folder; it has no runs where nothing was measured.

    Args:
      folder: of the benchmark.
      overwrite: as of `ResultTable`.

    Raises:
      ValueError: as of `ResultTable`.
    """
    return ResultTable(folder, METRIC_ROWS, overwrite=overwrite)
