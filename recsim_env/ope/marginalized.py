"""Marginalized importance sampling: by how often policies visit states, not by whole histories.

Where the state says all that matters, the chance of being in a state at step t replaces the product
of weights up to t. With d_t the probability of states under the target policy at step t, n_t(s) the
number of logged sessions in state s then, and rho the weight of a single step,

    d_(t+1)(s') = sum over s of d_t(s) sum of rho [next state is s'] / n_t(s)
    value = sum over t of gamma^t sum over s of d_t(s) sum of rho r / n_t(s)

The variance grows with a power of the number of steps, where that of products grows exponentially.

Source: Xie, Ma and Wang 2019, "Towards optimal off-policy evaluation for reinforcement learning
  with marginalized importance sampling".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from recsim_env.ope.checks import Floats
from recsim_env.ope.diagnostics import WeightDiagnostics, weight_diagnostics
from recsim_env.ope.estimates import ValueEstimate, divided, estimated_from, named
from recsim_env.ope.logged_sessions import LoggedSessions
from recsim_env.ope.uncertainty import Uncertainty


def marginalized_is(
    log: LoggedSessions,
    state: NDArray[np.integer],
    *,
    self_normalised: bool = False,
    uncertainty: Uncertainty | None = None,
) -> ValueEstimate:
    """Marginalized importance sampling over states, as above.

    Assumes that what follows depends on the state, the step and what is shown alone, and that the
    logging policy visits each state, and shows in it, what the target does.

    Args:
      log: logged sessions.
      state: (n,), integers: the state before each step, known or of `learned_states`.
      self_normalised: divide by sums of rho instead of n_t(s), so that probabilities add up.
      uncertainty: how the interval is made.

    Source: as above.
    """
    state = np.asarray(state)
    if state.shape != log.reward.shape or state.dtype.kind not in "iu":
        raise ValueError(
            f"state has shape {state.shape} and dtype {state.dtype}; use {log.reward.shape} "
            "integers, one a row"
        )
    chain = _Chain.of(log, state)
    columns = chain.columns(log, self_normalised=self_normalised)

    def diagnose() -> WeightDiagnostics:
        visits = chain.visit_weights(np.asarray(columns.sum(axis=0)))
        weights = visits[chain.cell] * (log.target / log.propensity)
        user = log.session if log.user is None else log.user
        return weight_diagnostics(weights, user=user, context=log.context)

    name = named("mis", self_normalised)
    return estimated_from(log, name, columns, uncertainty, formula=chain.value, diagnose=diagnose)


def learned_states(features: ArrayLike, n_states: int, *, seed: int = 0) -> NDArray[np.intp]:
    """Returns a state for each row, (n,), by k-means of scaled features.

    Fewer may be told apart than are asked for.

    Args:
      features: (n, d), of what is observed before each step.
      n_states: how many, 1 to n.
      seed: of the first centres.

    Source: Arthur and Vassilvitskii 2007, "k-means++: the advantages of careful seeding".
    """
    from scipy.cluster.vq import kmeans2

    points = np.asarray(features, dtype=np.float64)
    if points.ndim != 2 or not 1 <= n_states <= len(points):
        raise ValueError(
            f"n_states={n_states} of features of shape {points.shape}; use (n, d), and up to n"
        )
    spread = points.std(axis=0)
    points = (points - points.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    rng = np.random.default_rng(seed)
    _, labels = kmeans2(points, n_states, minit="++", rng=rng, missing="warn")
    return np.asarray(labels, dtype=np.intp)


@dataclass(frozen=True)
class _Chain:
    """States by step (cells), and transitions between those that were seen.

    Attributes:
      cell: (n,), the cell of each row.
      step: (n_cells,), the step of each cell; cells of a step stand together, in order of steps.
      origin, destination: (n_transitions,), cells, in order of origins.
      transition: (n,), the transition after each row; -1 where its session ends.
      gamma: discount.
    """

    cell: NDArray[np.intp]
    step: NDArray[np.intp]
    origin: NDArray[np.intp]
    destination: NDArray[np.intp]
    transition: NDArray[np.intp]
    gamma: float

    @classmethod
    def of(cls, log: LoggedSessions, state: NDArray[np.integer]) -> _Chain:
        labels, number = np.unique(state, return_inverse=True)
        codes, cell = np.unique(log.step * len(labels) + number, return_inverse=True)
        goes_on = np.ones(len(log), bool)
        goes_on[log.starts + log.lengths - 1] = False
        rows = np.flatnonzero(goes_on)
        pairs, numbers = np.unique(cell[rows] * len(codes) + cell[rows + 1], return_inverse=True)
        transition = np.full(len(log), -1)
        transition[rows] = numbers
        origin, destination = np.divmod(pairs, len(codes))
        return cls(cell, codes // len(labels), origin, destination, transition, log.gamma)

    def columns(self, log: LoggedSessions, *, self_normalised: bool) -> sparse.csr_array:
        """Returns sums by session, sparse: visits of cells and their rewards, then transitions.

        The first cells' visits, as at step 0 they are in the log, come last.
        """
        rho = log.target / log.propensity
        session = np.repeat(np.arange(len(log.starts)), log.lengths)
        goes_on, n = self.transition >= 0, len(self.step)
        rows = [session, session, session[goes_on], session[log.starts]]
        columns = [
            self.cell,
            n + self.cell,
            2 * n + self.transition[goes_on],
            2 * n + len(self.origin) + self.cell[log.starts],
        ]
        values = [
            rho if self_normalised else np.ones(len(log)),
            rho * log.reward,
            rho[goes_on],
            np.ones(len(log.starts)),
        ]
        shape = len(log.starts), 2 * n + len(self.origin) + int((self.step == 0).sum())
        entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
        return sparse.csr_array(entries, shape=shape)

    def value(self, sums: Floats) -> Floats:
        """Returns the value by sums of `columns` and the number of sessions."""
        rates = self.visit_weights(sums[..., :-1])
        n = len(self.step)
        discounts = self.gamma**self.step
        earned = (rates * sums[..., n : 2 * n]) @ discounts
        return np.asarray(earned / sums[..., -1])

    def visit_weights(self, sums: Floats) -> Floats:
        """Returns, of each cell, how often the target visits it for each logged visit."""
        n, first = len(self.step), int((self.step == 0).sum())
        visits = sums[..., :n]
        steps = sums[..., 2 * n : 2 * n + len(self.origin)]
        reached = np.zeros_like(visits)
        reached[..., :first] = sums[..., -first:]
        found = np.zeros_like(visits)
        ends = np.searchsorted(self.step, np.arange(int(self.step[-1]) + 2))
        bounds = np.searchsorted(self.origin, ends)
        for low, high, start, stop in zip(ends, ends[1:], bounds, bounds[1:], strict=False):
            found[..., low:high] = divided(reached[..., low:high], visits[..., low:high])
            moved = found[..., self.origin[start:stop]] * steps[..., start:stop]
            onto = sparse.csr_array(
                (np.ones(stop - start), (np.arange(stop - start), self.destination[start:stop])),
                shape=(stop - start, n),
            )
            reached = reached + moved @ onto
        return found
