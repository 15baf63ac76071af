"""What contexts do to liking: low-rank effects on items and on people, kept where they are real."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from recsim_env.data.calibration.factorization import solve_side
from recsim_env.data.calibration.gain import Gain, gain_over_people
from recsim_env.data.calibration.prediction import user_areas
from recsim_env.data.log import InteractionLog
from recsim_env.progress import progress

Floats = NDArray[np.float64]

# Whose rows they are, in which level of a context, and what is left of their ratings.
_Rows = tuple[NDArray[np.int32], NDArray[np.int32], Floats]

# Factors of owners, factors of levels, biases of levels.
_Found = tuple[Floats, Floats, Floats]

# Numbers that describe how an item, or a person, differs by context.
_N_FACTORS = 2
_PENALTIES = (10.0, 40.0, 160.0, 640.0)
_N_SWEEPS = 6
_VALIDATION_SHARE = 0.1

# Held back: the bias of a row, which is that of a person or an item, and known already.
_NO_BIAS = 1e9


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
        change = self.of_owners()
        deviation = float((change - change.mean(axis=1, keepdims=True)).std())
        about = {"context": self.context, "of": self.of, "is_kept": self.gain.is_real}
        return about | {"sd": deviation, "penalty": self.penalty, "gain": asdict(self.gain)}

    def of_owners(self) -> Floats:
        """Returns (n_owners, n_levels), how liking changes."""
        return self.factors @ self.level_factors.T + self.level_bias


def fit_contexts(
    rows: InteractionLog,
    liking: Floats,
    held_out: InteractionLog,
    held_out_liking: Floats,
    *,
    like_threshold: float,
    seed: int,
) -> list[ContextEffect]:
    """Returns the effects of each context on items and on people, with what each adds.

    Effects are fitted one after the other to what the model, and the real effects before, leave of
    the ratings, by alternating least squares; the penalty is the best on a tenth of the rows. An
    effect is real where the likelihood of held-out rows grows by more than chance would let it.

    Args:
      rows: fitted to, with contexts; of clicks, 1 for a click and 0 for what was not clicked.
      liking: predicted without contexts.
      held_out: judged on.
      held_out_liking: likewise.
      like_threshold: the smallest rating that means liked.
      seed: of starts, and of the rows that choose penalties.
    """
    if rows.context is None or held_out.context is None:
        return []
    rng = np.random.default_rng([seed, 2])
    left, effects = rows.rating - liking, []
    kinds = [(c, of) for c in range(len(rows.context_labels)) for of in ("item", "user")]
    for c, of in progress(iterable=kinds, desc="looking for effects of contexts", leave=False):
        context, labels = list(rows.context_labels.items())[c]
        owner, level = _owner(rows, of), rows.context[:, c]
        shape = (rows.n_items if of == "item" else rows.n_users, len(labels))
        of_context = owner, level, left
        fit = functools.partial(_fit, shape=shape, has_bias=rows.is_explicit)
        penalty = _best_penalty(of_context, fit, rng)
        found = fit(of_context, penalty=penalty, seed=seed)
        changed = held_out_liking + _change(found, _owner(held_out, of), held_out.context[:, c])
        gain = _gain(held_out, held_out_liking, changed, like_threshold)
        effects.append(ContextEffect(context, of, *found, penalty, gain))
        if gain.is_real:
            held_out_liking, left = changed, left - _change(found, owner, level)
    return effects


def _owner(log: InteractionLog, of: str) -> NDArray[np.int32]:
    return log.item if of == "item" else log.user


def _change(found: _Found, owner: NDArray[np.int32], level: NDArray[np.int32]) -> Floats:
    """Returns what an effect adds to the liking of rows."""
    factors, level_factors, bias = found
    total = bias[level]
    for k in range(factors.shape[1]):
        total = total + factors[owner, k] * level_factors[level, k]
    return total


def _best_penalty(rows: _Rows, fit: Callable[..., _Found], rng: np.random.Generator) -> float:
    """Returns the penalty with the smallest error on a tenth of the rows."""
    is_tried = rng.random(len(rows[0])) < _VALIDATION_SHARE
    fitted: _Rows = (rows[0][~is_tried], rows[1][~is_tried], rows[2][~is_tried])
    owner, level, left = rows[0][is_tried], rows[1][is_tried], rows[2][is_tried]

    def error(penalty: float) -> float:
        change = _change(fit(fitted, penalty=penalty, seed=0), owner, level)
        return float(np.mean((left - change) ** 2))

    return min(_PENALTIES, key=error)


def _fit(
    rows: _Rows, shape: tuple[int, int], *, penalty: float, has_bias: bool, seed: int
) -> _Found:
    """Returns factors of owners, and factors and biases of levels, by alternating least squares.

    Clicks have no bias: what was not clicked was put into each context as often.
    """
    owner, level, left = rows
    scale = float(left.std()) or 1.0
    by_owner = _rows_of(owner, level, left / scale, shape)
    by_level = _rows_of(level, owner, left / scale, shape[::-1])
    n_factors = min(_N_FACTORS, shape[1] - 1)
    level_ridge = np.append(np.ones(n_factors), penalty if has_bias else _NO_BIAS)
    levels = np.zeros((shape[1], n_factors + 1))
    levels[:, :-1] = np.random.default_rng(seed).normal(size=(shape[1], n_factors))
    for _ in range(_N_SWEEPS):
        owners = solve_side(by_owner, levels, np.append(np.full(n_factors, penalty), _NO_BIAS))
        levels = solve_side(by_level, owners, level_ridge)
        # Of size 1 on one side, so that no penalty is escaped by moving size to it.
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


def _gain(rows: InteractionLog, before: Floats, after: Floats, like_threshold: float) -> Gain:
    """Returns how much better ratings, which scatter normally, are predicted."""
    old, new = rows.rating - before, rows.rating - after
    gain = (old**2 - new**2) / (2 * float(np.mean(old**2)))
    is_liked = rows.rating >= like_threshold
    areas = user_areas(after, is_liked, rows.user) - user_areas(before, is_liked, rows.user)
    return gain_over_people(gain, rows.user, areas)
