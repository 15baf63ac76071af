"""Weights of sums over places, by what a log tells of the slates that could have been shown."""

import numpy as np

from recsim_env.agents.core.slate_distribution import Propensities, shown_of
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.ope.checks import Floats
from recsim_env.ope.pseudo_inverse import mixed_weights, product_weights, tied_weights

#: Probabilities as near as this are the same.
_SAME = 1e-7

#: Below such a share of uniform slates the others are not worth dividing by.
_LEAST_SHARE = 1e-6

#: Matrices of more rows than these, places times candidates, take too long to invert.
_MOST_ROWS = 200


def pseudo_inverse_weight(log: PolicyLog, target: Propensities) -> Floats | None:
    """Returns weights for `recsim_env.ope.slates.pseudo_inverse`, (n,), where the log tells them.

    It does of policies that fill places independently, and of those that rank, with ties at random,
    and explore uniform slates: their probabilities of places and prefixes say so, row by row.
    Whoever draws slates otherwise is not told by these.

    Args:
      log: of slates of several places.
      target: how likely the policy to be judged shows them.
    """
    place, prefix, logging = log.places("place"), log.places("prefix"), log.candidate_propensity()
    if place is None or prefix is None or logging is None:
        return None
    slates = log["slate"]
    is_independent = _same(prefix, np.cumprod(place, axis=1))
    share, ranking = _explorer(logging)
    is_single = (ranking.max(axis=2) > 1.0 - _SAME).all(axis=1) | (share == 1.0)
    is_ranked = _is_ranking(ranking) & (share > _LEAST_SHARE)
    is_ranked &= _same(prefix, _explored_prefix(slates, ranking, share))
    is_small = log.slate_size * log.n_candidates <= _MOST_ROWS
    if not (is_independent | (is_ranked & (is_single | is_small))).all():
        return None
    found = np.empty(len(log))
    rows = is_independent
    found[rows] = product_weights((target.shown(slates) / place)[rows])
    rows = is_ranked & is_single & ~is_independent
    best = ranking.argmax(axis=2)
    best[share == 1.0] = np.arange(log.slate_size)  # no slate is better than others
    found[rows] = mixed_weights(slates[rows], target.places[rows], best[rows], share[rows])
    rows = is_ranked & ~is_single & ~is_independent
    found[rows] = tied_weights(slates[rows], target.places[rows], ranking[rows], share[rows])
    return found


def _explorer(logging: Floats) -> tuple[Floats, Floats]:
    """Returns the share of uniform slates, (n,), and the places of the others, if there are such.

    Args:
      logging: (n, slate_size, n_candidates), of both together.
    """
    n_candidates = logging.shape[2]
    share = n_candidates * logging.min(axis=(1, 2))
    share = np.where(share > 1.0 - _SAME, 1.0, share)
    rest = np.where(share < 1.0, 1.0 - share, 1.0)
    ranking = (logging - (share / n_candidates)[:, None, None]) / rest[:, None, None]
    ranking = np.where(ranking > _SAME, ranking, 0.0)
    chosen = np.maximum((ranking > 0.0).sum(axis=2, keepdims=True), 1)
    return share, np.where(
        _near(ranking, (ranking > 0.0) / chosen), (ranking > 0) / chosen, ranking
    )


def _is_ranking(ranking: Floats) -> np.ndarray:
    """Returns of which rows places are those of a ranking with ties, (n,); of none, too."""
    chosen = ranking > 0.0
    is_even = (ranking == chosen / np.maximum(chosen.sum(axis=2, keepdims=True), 1)).all(
        axis=(1, 2)
    )
    is_same = (chosen[:, :, None] == chosen[:, None]).all(axis=3)
    is_apart = ~(chosen[:, :, None] & chosen[:, None]).any(axis=3)
    fits = is_same.sum(axis=2) <= np.maximum(chosen.sum(axis=2), 1)  # a tie takes no more places
    is_none = ~chosen.any(axis=(1, 2))
    return np.asarray(
        is_even & ((is_same | is_apart).all(axis=(1, 2)) & fits.all(axis=1) | is_none)
    )


def _explored_prefix(slates: np.ndarray, ranking: Floats, share: Floats) -> Floats:
    """Returns prefixes of rankings among uniform slates, (n, slate_size)."""
    size, n_candidates = ranking.shape[1:]
    uniform = np.cumprod(1.0 / (n_candidates - np.arange(size)))
    chosen = ranking > 0.0
    is_same = (chosen[:, :, None] == chosen[:, None]).all(axis=3)
    n_above = np.tril(is_same, -1).sum(axis=2)
    left = np.maximum(chosen.sum(axis=2) - n_above, 1)
    is_shown = shown_of(chosen, slates)
    begins_so = np.cumprod(is_shown / left, axis=1)
    return share[:, None] * uniform + (1.0 - share)[:, None] * begins_so


def _same(found: Floats, wanted: Floats) -> np.ndarray:
    """Returns in which rows numbers are the same, (n,)."""
    return np.asarray(_near(found, wanted).all(axis=1))


def _near(found: Floats, wanted: Floats) -> np.ndarray:
    return np.isclose(found, wanted, rtol=_SAME, atol=1e-9)
