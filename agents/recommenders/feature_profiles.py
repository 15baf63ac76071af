"""Profiles over item features, as they were at every row of a table, and a regression on them."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from recsim_env.data.interactions import Interactions

# How many numbers the rows of one block of examples may hold.
_BLOCK_NUMBERS = 4_000_000


@dataclass(frozen=True, eq=False)
class Examples:
    """What the regression is about: row of the table, features, liking and attention."""

    row: np.ndarray
    x: np.ndarray
    liking: np.ndarray
    examination_probability: np.ndarray

    @classmethod
    def of(cls, table: Interactions, x: np.ndarray, catalogue: np.ndarray, seed: int) -> Self:
        """Returns the rows of a table; where all were liked, with passes drawn at random."""
        row = np.arange(len(table))
        if (table.liking <= 0).any():
            return cls(row, x, table.liking, table.examination_probability)
        pool = catalogue[np.unique(table.item)] if len(catalogue) else x
        drawn = pool[np.random.default_rng(seed).integers(0, len(pool), len(row))]
        return cls(
            np.append(row, row),
            np.vstack([x, drawn]),
            np.append(table.liking, np.zeros(len(row))),
            np.append(table.examination_probability, np.ones(len(row))),
        )


def standards(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns means and standard deviations; infinite where a column never varies."""
    centre = values.mean(axis=0, dtype=np.float64)
    deviation = values.std(axis=0, dtype=np.float64)
    return centre, np.where(deviation > 1e-6 * np.maximum(1.0, np.abs(centre)), deviation, np.inf)


def latest_features(table: Interactions, x: np.ndarray) -> np.ndarray:
    """Returns every item's features, (n_items, F), as seen last; a new one has the means, 0."""
    catalogue = np.zeros((table.n_items, x.shape[1]))
    if table.n_items:
        catalogue[table.item] = x
    return catalogue


def sums_by(owner: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    """Returns the sum of the rows of each owner, (n, n_columns)."""
    return np.stack([np.bincount(owner, column, n) for column in values.T], axis=1)


def sums_before(owner: np.ndarray, slate: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Returns the sum of the rows that the owner of each row had in earlier slates."""
    order = np.lexsort((slate, owner))
    is_first = np.append(True, np.diff(owner[order]) != 0)
    begins = is_first | np.append(True, np.diff(slate[order]) != 0)
    place = np.arange(len(order))
    total = np.vstack([np.zeros(values.shape[1]), np.cumsum(values[order], axis=0)])
    earlier = total[np.maximum.accumulate(np.where(begins, place, 0))]
    earlier -= total[np.maximum.accumulate(np.where(is_first, place, 0))]
    found = np.empty_like(earlier)
    found[order] = earlier
    return found


def shrunk(sums: np.ndarray, prior: float | np.ndarray) -> np.ndarray:
    """Returns profiles: sums over what was shown, per showing and the prior's."""
    return np.asarray(sums[:, :-1] / (sums[:, -1:] + prior))


def ridge_coefficients(
    examples: Examples, described: tuple[np.ndarray, np.ndarray, np.ndarray], ridge: float
) -> np.ndarray:
    """Returns the coefficients of (x, g ⊗ x, p * x, v * x); those of 1 and g alone are dropped."""
    g, ever, now = described
    n_context, n_features = g.shape[1], examples.x.shape[1]
    size = (n_context + 3) * n_features + n_context + 1
    gram, moment = ridge * np.eye(size), np.zeros(size)
    step = max(1, _BLOCK_NUMBERS // size)
    for start in range(0, len(examples.row), step):
        block = slice(start, start + step)
        row, x = examples.row[block], examples.x[block]
        people = np.hstack([np.ones((len(row), 1)), g[row]])
        joint = (people[:, :, None] * x[:, None, :]).reshape(len(row), -1)
        columns = np.hstack([joint, ever[row] * x, now[row] * x, people])
        weighed = columns * examples.examination_probability[block, None]
        gram += columns.T @ weighed
        moment += examples.liking[block] @ weighed
    return np.asarray(np.linalg.solve(gram, moment)[: -n_context - 1])
