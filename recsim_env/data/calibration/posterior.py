"""Tastes drawn from their posterior given a log: people differ more than point estimates do."""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsim_env.data.calibration.factorization import FactorModel, standardised
from recsim_env.data.calibration.rating_noise import RatingScale
from recsim_env.progress import progress

if TYPE_CHECKING:
    from recsim_env.data.calibration.taste_chain import Rows, TasteChain

Floats = NDArray[np.float64]

# Where chains start: tastes at random that have this share of the ratings' variance.
_START_SHARES = (0.02, 0.06, 0.2, 0.6)

_BIAS_START = 0.3

# Chains agree when R-hat of every variance is below this; they are compared every so many sweeps.
AGREED = 1.1
_BLOCK, _FEWEST_SWEEPS = 25, 100
_MOST_DRAWS = 100_000_000

# With two ratings only the ratio of liking to noise shows. With noise of this part of the step,
# one unit of liking is one unit of the expected rating where both are equally likely.
_NOISE_OF_TWO_RATINGS = 0.4


@dataclass(frozen=True)
class TasteDraw:
    """One draw of all factors and biases, and whether the sampler had converged.

    Attributes:
      model: in units of the rating, its `global_mean` being the mean rating.
      rating_noise: of the same draw, in units of the rating, before rounding.
      n_chains: how many chains were compared.
      n_sweeps: sweeps of each chain.
      r_hat: split R-hat of each variance over chains from different starts; 1 where they agree,
        infinity where they were too short to tell.
      has_converged: whether all are below the limit.
    """

    model: FactorModel
    rating_noise: float
    n_chains: int
    n_sweeps: int
    r_hat: dict[str, float]
    has_converged: bool


def draw_factors(
    ratings: sparse.csr_array,
    scale: RatingScale,
    *,
    n_factors: int = 16,
    starts: Sequence[FactorModel] | None = None,
    max_sweeps: int | None = None,
    seed: int = 0,
) -> TasteDraw:
    """Returns one posterior draw of all factors and biases, given the ratings.

    A ridge solution is a posterior mean: the fewer ratings a person gave, the further it is shrunk
    to the average, and a population of such people is more alike than the real one. A draw has the
    variance between people that the ratings speak for; where they say little, another seed draws
    something else. A draw predicts worse than the mean.

    Chains start with tastes that differ thirtyfold in variance, none of them fitted to anything,
    and run side by side until they agree (`split_r_hat`) on the variances of the noise, the tastes
    and the biases, over the later half of their sweeps. The draw is the first chain's last.

    Args:
      ratings: (n_users, n_items), every stored entry is a rating, zeros included.
      scale: which ratings there are.
      n_factors: latent tastes per user and item.
      starts: where else chains start, one each, at least two; in units of the rating.
      max_sweeps: where chains that do not agree are stopped; None: at 1,000, and at up to 4,000 in
        logs of less than 100,000 ratings, which tell less and are drawn faster.
      seed: of all draws.

    Source: Salakhutdinov and Mnih 2008, "Bayesian probabilistic matrix factorization using Markov
      chain Monte Carlo"; the use of draws in place of means: Rubin 1987, "Multiple imputation for
      nonresponse in surveys"; comparing chains: Gelman et al. 2013, "Bayesian data analysis", 11.4.
    Differs: see `TasteChain`.
    """
    by_user, mean, unit = standardised(ratings)
    rows = _rows(by_user, ratings.data, scale, mean, unit)
    chains = _start_chains(rows, by_user.shape, n_factors, starts, (mean, unit), seed)
    if max_sweeps is None:
        max_sweeps = int(np.clip(_MOST_DRAWS // ratings.nnz, 1000, 4000))
    n_sweeps, r_hat = _run(chains, max_sweeps)
    found = chains[0].model()
    model = FactorModel(
        mean,
        unit * found.user_bias,
        unit * (found.item_bias + found.global_mean),
        np.sqrt(unit) * found.user_factors,
        np.sqrt(unit) * found.item_factors,
    )
    return TasteDraw(model, unit * chains[0].noise, len(chains), n_sweeps, r_hat, _agree(r_hat))


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


def _agree(r_hat: dict[str, float]) -> bool:
    return max(r_hat.values()) < AGREED


def _run(chains: Sequence[TasteChain], max_sweeps: int) -> tuple[int, dict[str, float]]:
    """Sweeps until the chains agree; returns how often, and R-hat of the later half."""
    from recsim_env.data.calibration.taste_chain import WARM_UP

    names = list(chains[0].variances())
    kept: list[list[list[float]]] = [[] for _ in chains]
    n_sweeps, r_hat = 0, dict.fromkeys(names, math.inf)
    with (
        ThreadPoolExecutor(len(chains)) as pool,
        progress(total=max_sweeps, desc="drawing tastes", unit="sweep") as bar,
    ):
        for _ in range(WARM_UP):
            list(pool.map(_sweep, chains))
        while n_sweeps < max_sweeps and not _agree(r_hat):
            for values, found in zip(kept, pool.map(_sweep, chains), strict=True):
                values.append(found)
            n_sweeps += 1
            bar.update()
            is_due = n_sweeps % _BLOCK == 0 or n_sweeps == max_sweeps
            if is_due and n_sweeps >= _FEWEST_SWEEPS:
                later = np.array(kept)[:, n_sweeps // 2 :]
                r_hat = {name: split_r_hat(later[..., k]) for k, name in enumerate(names)}
    return n_sweeps, r_hat


def _sweep(chain: TasteChain) -> list[float]:
    """Returns the variances after one more sweep."""
    chain.sweep()
    return list(chain.variances().values())


def _rows(
    by_user: sparse.csr_array, rating: Floats, scale: RatingScale, mean: float, unit: float
) -> Rows:
    """Returns the ratings, with the bounds of the latent rating behind each."""
    from recsim_env.data.calibration.taste_chain import Rows

    levels = scale.levels()
    level = np.clip(np.rint((rating - scale.minimum) / scale.step), 0, len(levels) - 1)
    middle = scale.minimum + scale.step * level
    lower = np.where(level == 0, -np.inf, middle - scale.step / 2)
    upper = np.where(level == len(levels) - 1, np.inf, middle + scale.step / 2)
    return Rows(
        user=np.repeat(np.arange(by_user.shape[0], dtype=np.int32), np.diff(by_user.indptr)),
        item=by_user.indices.astype(np.int32),
        rating=by_user.data,
        lower=(lower - mean) / unit,
        upper=(upper - mean) / unit,
        noise=_NOISE_OF_TWO_RATINGS * scale.step / unit if len(levels) == 2 else None,
    )


def _start_chains(
    rows: Rows,
    shape: tuple[int, int],
    n_factors: int,
    starts: Sequence[FactorModel] | None,
    origin: tuple[float, float],
    seed: int,
) -> list[TasteChain]:
    """Returns chains that begin at the given models, or at random tastes of unlike sizes."""
    from recsim_env.data.calibration.taste_chain import TasteChain

    mean, unit = origin
    streams = np.random.SeedSequence(seed).spawn(len(_START_SHARES if starts is None else starts))
    generators = [np.random.default_rng(stream) for stream in streams]
    if starts is None:
        models = [
            FactorModel(
                0.0,
                *(_BIAS_START * rng.normal(size=n) for n in shape),
                *((share / n_factors) ** 0.25 * rng.normal(size=(n, n_factors)) for n in shape),
            )
            for share, rng in zip(_START_SHARES, generators, strict=True)
        ]
    else:
        models = [
            FactorModel(
                (start.global_mean - mean) / unit,
                start.user_bias / unit,
                start.item_bias / unit,
                start.user_factors / np.sqrt(unit),
                start.item_factors / np.sqrt(unit),
            )
            for start in starts
        ]
    return [TasteChain(rows, model, rng) for model, rng in zip(models, generators, strict=True)]
