"""Tastes drawn from their posterior given a log: people differ more than point estimates do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsim_env.data.calibration.convergence import Pace, Run, run_chains
from recsim_env.data.calibration.factorization import FactorModel, standardised
from recsim_env.data.calibration.rating_noise import RatingScale

if TYPE_CHECKING:
    from recsim_env.data.calibration.taste_chain import Rows, TasteChain

Floats = NDArray[np.float64]

# Where chains start: tastes at random that have this share of the ratings' variance.
_START_SHARES = (0.02, 0.06, 0.2, 0.6)

_BIAS_START = 0.3

# Sweeps between comparisons of chains, and before the first.
_BLOCK, _FEWEST_SWEEPS = 25, 100

# Small logs hardly tell tastes from noise: chains wander between more of one and more of the other,
# and agree late. After so many sweeps they seldom change the picture, and a draw is one of many.
_MOST_DRAWS, _MOST_SWEEPS = 50_000_000, (1_000, 2_000)

# In larger logs two chains begin with some people and the most rated items, about so many rows,
# which they sweep so often; they then go on with everybody, until they agree as above or their
# variances differ by less than this share.
SAMPLE_ROWS, _SAMPLE_ITEMS, _SAMPLE_SWEEPS = 150_000, 2_000, 60
_BLOCK_OF_ALL, _FEWEST_OF_ALL, _MOST_OF_ALL, _NEARLY = 10, 20, 200, 0.03

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
      has_converged: whether they agree: all are below the limit, or, in chains that went on from a
        sample, means over half chains differ by less than 3 %.
      sample: in a large log, with how many rows chains began and how often they swept these; else
        None.
    """

    model: FactorModel
    rating_noise: float
    n_chains: int
    n_sweeps: int
    r_hat: dict[str, float]
    has_converged: bool
    sample: dict[str, Any] | None = None


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
      max_sweeps: where chains that do not agree are stopped; None: at 1,000, and at up to 2,000 in
        logs of less than 50,000 ratings, which tell less and are drawn faster.
      seed: of all draws.

    Source: Salakhutdinov and Mnih 2008, "Bayesian probabilistic matrix factorization using Markov
      chain Monte Carlo"; the use of draws in place of means: Rubin 1987, "Multiple imputation for
      nonresponse in surveys"; comparing chains: Gelman et al. 2013, "Bayesian data analysis", 11.4.
    Differs: see `TasteChain`.
    """
    by_user, mean, unit = standardised(ratings)
    rows = _rows(by_user, scale, mean, unit)
    is_large = starts is None and len(rows.item) > 2 * SAMPLE_ROWS
    if max_sweeps is None:
        max_sweeps = int(np.clip(_MOST_DRAWS // ratings.nnz, *_MOST_SWEEPS))
    if is_large:
        chains, run, sample = _draw_by_sample(rows, n_factors, (mean, unit), seed)
    else:
        chains = _start_chains(rows, n_factors, starts, (mean, unit), seed)
        run, sample = run_chains(chains, Pace(max_sweeps, _BLOCK, _FEWEST_SWEEPS)), None
    found = chains[0].model()
    model = FactorModel(
        mean,
        unit * found.user_bias,
        unit * (found.item_bias + found.global_mean),
        np.sqrt(unit) * found.user_factors,
        np.sqrt(unit) * found.item_factors,
    )
    return TasteDraw(
        model,
        unit * chains[0].noise,
        len(chains),
        run.n_sweeps,
        run.r_hat,
        run.have_converged,
        sample,
    )


def _draw_by_sample(
    rows: Rows, n_factors: int, origin: tuple[float, float], seed: int
) -> tuple[list[TasteChain], Run, dict[str, Any]]:
    """Returns chains of all rows that began with some, how they were run, and how they began."""
    first, *streams = np.random.SeedSequence([seed, 1]).spawn(3)
    some, people, items = rows.densest(SAMPLE_ROWS, _SAMPLE_ITEMS, np.random.default_rng(first))
    chains = _start_chains(some, n_factors, None, origin, seed)
    chains = [chains[0], chains[-1]]
    begun = run_chains(chains, Pace(_SAMPLE_SWEEPS, _SAMPLE_SWEEPS, _SAMPLE_SWEEPS))
    chains = [
        chain.continued(rows, people, items, np.random.default_rng(stream))
        for chain, stream in zip(chains, streams, strict=True)
    ]
    run = run_chains(chains, Pace(_MOST_OF_ALL, _BLOCK_OF_ALL, _FEWEST_OF_ALL, nearly=_NEARLY))
    return chains, run, {"n_rows": len(some.item), "n_sweeps": begun.n_sweeps}


def _rows(by_user: sparse.csr_array, scale: RatingScale, mean: float, unit: float) -> Rows:
    """Returns the ratings, with the bounds of the latent rating behind each."""
    from recsim_env.data.calibration.taste_chain import Rows

    levels = scale.levels()
    level = np.rint((by_user.data * unit + mean - scale.minimum) / scale.step)
    inner = (levels[:-1] + scale.step / 2 - mean) / unit
    return Rows(
        start=by_user.indptr.astype(np.int64),
        item=by_user.indices.astype(np.uint32),
        level=np.clip(level, 0, len(levels) - 1).astype(np.int16),
        edges=np.concatenate([[-np.inf], inner, [np.inf]]),
        rating=by_user.data.astype(np.float32),
        n_items=by_user.shape[1],
        noise=_NOISE_OF_TWO_RATINGS * scale.step / unit if len(levels) == 2 else None,
    )


def _start_chains(
    rows: Rows,
    n_factors: int,
    starts: Sequence[FactorModel] | None,
    origin: tuple[float, float],
    seed: int,
) -> list[TasteChain]:
    """Returns chains that begin at the given models, or at random tastes of unlike sizes."""
    from recsim_env.data.calibration.taste_chain import TasteChain

    (mean, unit), shape = origin, (rows.n_users, rows.n_items)
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
