"""The report of a simulation, from its blocks: the same bytes whoever played them."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from recsim_env.benchmark.simulation.blocks import unpacked
from recsim_env.results.intervals import Estimate, estimate_of_moments
from recsim_env.results.layout import Row

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Report:
    """What a simulation showed.

    Attributes:
      about: what was simulated: scenario, agent, their settings, people, sessions, seed.
      n_people, n_sessions, n_steps: how many there were.
      returns: mean reward per session, with its interval over people.
      return_quantiles: quantile to the return of sessions, to three significant digits.
      length_quantiles: likewise, slates per session.
      reward_per_step: mean reward per slate.
      click_rate: clicked items per slate; None where the scenario shows no response.
    """

    about: Mapping[str, Any]
    n_people: int
    n_sessions: int
    n_steps: int
    returns: Estimate
    return_quantiles: Mapping[str, float]
    length_quantiles: Mapping[str, float]
    reward_per_step: float
    click_rate: float | None

    @property
    def episode_length(self) -> float:
        """Mean number of slates per session."""
        return self.n_steps / self.n_sessions

    def as_json(self) -> str:
        """Returns the report as a file holds it; an interval that is none has null for its ends."""
        content = asdict(self) | {"episode_length": self.episode_length}
        if not self.returns.has_interval:
            content["returns"] |= {"low": None, "high": None}
        return json.dumps(content, indent=2, allow_nan=False, default=str) + "\n"

    def lines(self) -> list[str]:
        """Returns the report as people read it."""
        returns = self.returns
        interval = "(no interval: one person)"
        if returns.has_interval:
            interval = f"[{returns.low:.6g}, {returns.high:.6g}] ({returns.method} over people)"
        clicks = "" if self.click_rate is None else f", clicks per step {self.click_rate:.4g}"
        return [
            f"{self.n_people:,} people, {self.n_sessions:,} sessions, {self.n_steps:,} steps",
            f"return per session  {returns.mean:.6g} {interval}",
            f"  quantiles         {_listed(self.return_quantiles)}",
            f"steps per session   {self.episode_length:.4g}",
            f"  quantiles         {_listed(self.length_quantiles)}",
            f"reward per step     {self.reward_per_step:.4g}{clicks}",
        ]


def _listed(quantiles: Mapping[str, float]) -> str:
    return ", ".join(f"{float(q):.0%} {value:g}" for q, value in quantiles.items())


def report_of(blocks: Iterable[Row], about: Mapping[str, Any]) -> Report:
    """Returns the report of a simulation's blocks, in whatever order they come.

    Args:
      blocks: rows as of `simulation.blocks.ROWS`.
      about: see `Report`.
    """
    rows = sorted(blocks, key=lambda row: row["seed"])
    n_people, n_sessions, n_steps = (
        sum(row[name] for row in rows) for name in ("people", "sessions", "steps")
    )
    mean = math.fsum(row["return_sum"] for row in rows) / n_people
    squares = math.fsum(
        part
        for row in rows
        for part in (
            row["return_squares"],
            row["people"] * (row["return_sum"] / row["people"] - mean) ** 2,
        )
    )
    clicks = math.fsum(row["clicks"] for row in rows)
    return Report(
        about=about,
        n_people=n_people,
        n_sessions=n_sessions,
        n_steps=n_steps,
        returns=estimate_of_moments(mean, squares, n_people),
        return_quantiles=_quantiles([row["returns"] for row in rows]),
        length_quantiles=_quantiles([row["lengths"] for row in rows]),
        reward_per_step=mean * n_sessions / n_steps,
        click_rate=None if math.isnan(clicks) else clicks / n_steps,
    )


def _quantiles(texts: Sequence[str]) -> dict[str, float]:
    """Returns the values that given shares of sessions do not exceed."""
    counts = Counter[float]()
    for text in texts:
        counts.update(unpacked(text))
    n, found = counts.total(), dict[str, float]()
    below, wanted = 0, list(QUANTILES)
    for value in sorted(counts):
        below += counts[value]
        while wanted and below >= wanted[0] * n:
            found[str(wanted.pop(0))] = value
    return found
