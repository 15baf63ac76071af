"""Chains of a sampler, run side by side until they agree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from recsim_env.progress import progress

Floats = NDArray[np.float64]

#: Chains agree when R-hat of every variance is below this.
AGREED = 1.1


class Chain(Protocol):
    """What draws again and again, and says what other chains must agree on."""

    @property
    def is_warm(self) -> bool:
        """Whether draws count."""

    def sweep(self) -> None:
        """Draws everything once."""

    def variances(self) -> dict[str, float]:
        """Returns what is compared, by name."""


@dataclass(frozen=True)
class Pace:
    """How often chains are compared, and when they are stopped.

    Attributes:
      most, fewest: sweeps.
      block: sweeps between comparisons.
      nearly: variances that differ by a smaller share agree, whatever R-hat.
    """

    most: int
    block: int
    fewest: int
    nearly: float = 0.0


@dataclass(frozen=True)
class Run:
    """How chains were run: how often each swept, R-hat of the later half, whether they agree."""

    n_sweeps: int
    r_hat: dict[str, float]
    have_converged: bool


def run_chains(chains: Sequence[Chain], pace: Pace) -> Run:
    """Sweeps until the chains agree."""
    names = list(chains[0].variances())
    kept: list[list[list[float]]] = [[] for _ in chains]
    n_sweeps, r_hat, agree = 0, dict.fromkeys(names, math.inf), False
    with (
        ThreadPoolExecutor(len(chains)) as pool,
        progress(total=pace.most, desc="drawing tastes, at most", unit="sweep") as bar,
    ):
        while not all(chain.is_warm for chain in chains):
            list(pool.map(_sweep, chains))
        while n_sweeps < pace.most and not agree:
            for values, found in zip(kept, pool.map(_sweep, chains), strict=True):
                values.append(found)
            n_sweeps += 1
            bar.update()
            is_due = n_sweeps % pace.block == 0 or n_sweeps == pace.most
            if is_due and n_sweeps >= pace.fewest:
                later = np.array(kept)[:, n_sweeps // 2 :]
                r_hat = {name: split_r_hat(later[..., k]) for k, name in enumerate(names)}
                agree = all(
                    r_hat[name] < AGREED or _distance(later[..., k]) < pace.nearly
                    for k, name in enumerate(names)
                )
    return Run(n_sweeps, r_hat, agree)


def _distance(values: Floats) -> float:
    """Returns how far the means of half chains, (n_chains, n_draws), lie apart, over their mean."""
    means = np.concatenate([half.mean(axis=1) for half in np.array_split(values, 2, axis=1)])
    return float(np.ptp(means) / max(abs(float(means.mean())), 1e-300))


def _sweep(chain: Chain) -> list[float]:
    """Returns the variances after one more sweep."""
    chain.sweep()
    return list(chain.variances().values())


def split_r_hat(values: Floats) -> float:
    """Returns split R-hat: the spread of all half chains over that within them; 1 if converged.

    Args:
      values: (n_chains, n_draws), one number of every draw.

    Source: Gelman et al. 2013, "Bayesian data analysis", 3rd edition, section 11.4.
    """
    n = values.shape[1] // 2
    halves = np.concatenate([values[:, :n], values[:, -n:]])
    within = float(halves.var(axis=1, ddof=1).mean())
    between = float(halves.mean(axis=1).var(ddof=1))
    if within == 0.0:
        return 1.0 if between == 0.0 else math.inf
    return math.sqrt((n - 1) / n + between / within)
