"""What contexts do to liking: low-rank effects on items and on people, kept where they are real."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsim_env.data.calibration.factorization import solve_side
from recsim_env.data.calibration.moments import Moments
from recsim_env.data.calibration.prediction import user_areas
from recsim_env.progress import progress

Floats = NDArray[np.float64]

# Numbers that describe how an item, or a person, differs by context.
_N_FACTORS = 2
_PENALTIES = (10.0, 40.0, 160.0)
_N_SWEEPS = 6
_VALIDATION_SHARE = 0.1

# Half the width of 99 % intervals, in standard errors; with two effects of a few contexts, chance
# finds none in most logs.
_WIDTH = 2.576

# Held back: the bias of a row, which is that of a person or an item, and known already.
_NO_BIAS = 1e9


@dataclass(frozen=True)
class ContextRows:
    """Rows of people and items in contexts, and what their ratings are predicted to be.

    Attributes:
      user, item: (n,).
      level: (n, n_contexts).
      rating: (n,), and 0 or 1 for clicks.
      liking: (n,), predicted without contexts.
    """

    user: NDArray[np.integer[Any]]
    item: NDArray[np.integer[Any]]
    level: NDArray[np.int32]
    rating: Floats
    liking: Floats

    def owner(self, of: str) -> NDArray[np.integer[Any]]:
        """Returns the people, or the items, of the rows."""
        return self.item if of == "item" else self.user


@dataclass(frozen=True)
class Gain:
    """What an effect adds on held-out rows, with 99 % intervals over people.

    `log_likelihood` is per row, of ratings that scatter normally; `auc` is within people.
    """

    log_likelihood: float
    log_likelihood_low: float
    log_likelihood_high: float
    auc: float
    auc_low: float
    auc_high: float

    @property
    def is_real(self) -> bool:
        """Whether likelihood surely grows, and people's items are ordered no worse."""
        return self.log_likelihood_low > 0.0 and not self.auc < 0.0


@dataclass(frozen=True)
class ContextEffect:
    """How one context changes liking, differently for each item or each person.

    The change is factors[owner] · level_factors[level] + level_bias[level].

    Attributes:
      context: which.
      of: "item" or "user", who are the owners.
      factors: (n_owners, n_factors).
      level_factors, level_bias: (n_levels, n_factors) and (n_levels,).
      penalty: of the fit.
      gain: on held-out rows.
    """

    context: str
    of: str
    factors: Floats
    level_factors: Floats
    level_bias: Floats
    penalty: float
    gain: Gain

    def report(self) -> dict[str, Any]:
        """Returns what was found, in numbers."""
        size = (
            float(
                np.sqrt(
                    (self.factors @ np.cov(self.level_factors.T, bias=True) * self.factors)
                    .sum(axis=1)
                    .mean()
                )
            )
            if self.factors.size
            else 0.0
        )
        about = {"context": self.context, "of": self.of, "is_kept": self.gain.is_real}
        return about | {"sd": size, "penalty": self.penalty, "gain": asdict(self.gain)}


def fit_contexts(
    rows: ContextRows,
    held_out: ContextRows,
    moments: Moments,
    sizes: dict[str, int],
    *,
    like_threshold: float,
    seed: int,
) -> list[ContextEffect]:
    """Returns the effects of each context on items and on people, with what each adds.

    Effects are fitted one after the other to what the model, and the real effects before, leave of
    the ratings, by alternating least squares; the penalty is the best on a tenth of the rows. An
    effect is real where the likelihood of held-out rows grows by more than chance would let it.

    Args:
      rows: fitted to.
      held_out: judged on.
      moments: names and labels of the contexts.
      sizes: how many a "user" and an "item" there are.
      like_threshold: the smallest rating that means liked.
      seed: of starts, and of the rows that choose penalties.
    """
    rng = np.random.default_rng([seed, 2])
    left, liking = rows.rating - rows.liking, held_out.liking.copy()
    effects = []
    kinds = [(c, of) for c in range(len(moments.names)) for of in ("item", "user")]
    for c, of in progress(iterable=kinds, desc="looking for effects of contexts", leave=False):
        owner, level = rows.owner(of), rows.level[:, c]
        shape = (sizes[of], len(moments.labels[c]))
        penalty = _best_penalty(owner, level, left, shape, rng)
        factors, level_factors, bias = _fit(owner, level, left, shape, penalty, seed)
        changed = liking + _change(
            factors, level_factors, bias, held_out.owner(of), held_out.level[:, c]
        )
        gain = _gain(held_out, liking, changed, like_threshold)
        effects.append(
            ContextEffect(moments.names[c], of, factors, level_factors, bias, penalty, gain)
        )
        if gain.is_real:
            liking = changed
            left = left - _change(factors, level_factors, bias, owner, level)
    return effects


def _change(
    factors: Floats,
    level_factors: Floats,
    bias: Floats,
    owner: NDArray[Any],
    level: NDArray[np.int32],
) -> Floats:
    """Returns what an effect adds to the liking of rows."""
    total = bias[level]
    for k in range(factors.shape[1]):
        total = total + factors[owner, k] * level_factors[level, k]
    return total


def _best_penalty(
    owner: NDArray[Any],
    level: NDArray[np.int32],
    left: Floats,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> float:
    """Returns the penalty with the smallest error on a tenth of the rows."""
    is_tried = rng.random(len(left)) < _VALIDATION_SHARE
    fitted, tried = np.flatnonzero(~is_tried), np.flatnonzero(is_tried)

    def error(penalty: float) -> float:
        found = _fit(owner[fitted], level[fitted], left[fitted], shape, penalty, 0)
        return float(np.mean((left[tried] - _change(*found, owner[tried], level[tried])) ** 2))

    return min(_PENALTIES, key=error)


def _fit(
    owner: NDArray[Any],
    level: NDArray[np.int32],
    left: Floats,
    shape: tuple[int, int],
    penalty: float,
    seed: int,
) -> tuple[Floats, Floats, Floats]:
    """Returns factors of owners, and factors and biases of levels, by alternating least squares."""
    scale = float(left.std()) or 1.0
    by_owner = _rows_of(owner, level, left / scale, shape)
    by_level = _rows_of(level, owner, left / scale, shape[::-1])
    n_factors = min(_N_FACTORS, shape[1] - 1)
    ridge = np.append(np.full(n_factors, penalty), _NO_BIAS)
    levels = np.zeros((shape[1], n_factors + 1))
    levels[:, :-1] = np.random.default_rng(seed).normal(size=(shape[1], n_factors))
    level_ridge = np.append(np.full(n_factors, 1.0), penalty)
    for _ in range(_N_SWEEPS):
        owners = solve_side(by_owner, levels, ridge)
        levels = solve_side(by_level, owners, level_ridge)
        # As long on both sides, so that no penalty is escaped by moving size from one to the other.
        long = np.sqrt((levels[:, :-1] ** 2).mean(axis=0)) + 1e-12
        levels[:, :-1] /= long
        owners[:, :-1] *= long
    return owners[:, :-1] * scale, levels[:, :-1], levels[:, -1] * scale


def _rows_of(
    row: NDArray[Any], column: NDArray[Any], value: Floats, shape: tuple[int, int]
) -> sparse.csr_array:
    """Returns a sparse matrix in which every entry stays one, also where they repeat."""
    order = np.argsort(row, kind="stable")
    start = np.append(0, np.cumsum(np.bincount(row, minlength=shape[0])))
    return sparse.csr_array((value[order], column[order], start), shape=shape)


def _gain(rows: ContextRows, before: Floats, after: Floats, like_threshold: float) -> Gain:
    """Returns how much better ratings are predicted, with intervals over people."""
    old, new = rows.rating - before, rows.rating - after
    gain = (old**2 - new**2) / (2 * float(np.mean(old**2)))
    per_user = np.bincount(rows.user, gain)
    n_rows = np.bincount(rows.user)
    mean = float(gain.mean())
    spread = float(np.sqrt(((per_user - mean * n_rows) ** 2).sum()) / len(gain))
    is_liked = rows.rating >= like_threshold
    areas = user_areas(after, is_liked, rows.user) - user_areas(before, is_liked, rows.user)
    area = float(areas.mean()) if len(areas) else 0.0
    wide = float(areas.std() / np.sqrt(len(areas))) if len(areas) else 0.0
    return Gain(
        mean,
        mean - _WIDTH * spread,
        mean + _WIDTH * spread,
        area,
        area - _WIDTH * wide,
        area + _WIDTH * wide,
    )
