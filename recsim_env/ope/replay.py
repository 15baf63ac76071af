"""Replay: a policy that learns online, played against a log of random choices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recsim_env.ope.checks import check_propensities
from recsim_env.ope.diagnostics import warnings_of
from recsim_env.ope.estimates import ValueEstimate
from recsim_env.results.intervals import estimate


class OnlinePolicy(Protocol):
    """What replay plays: it chooses, and learns from what it chose."""

    def choose(self, context: Any) -> int:
        """Returns an action in a context."""

    def learn(self, context: Any, action: int, reward: float) -> None:
        """Takes notice of what an action earned."""


def replay(
    policy: OnlinePolicy,
    action: NDArray[np.integer],
    reward: ArrayLike,
    propensity: ArrayLike,
    *,
    context: Sequence[Any] | NDArray[Any] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> ValueEstimate:
    """Returns what a learning policy earns per choice, from the rows of a log that it agrees with.

    Row by row the policy chooses; where its choice is the logged one it is told the reward, and the
    row counts, otherwise the row is as if it had never been. Rows of a log of uniform choices that
    are kept so are distributed as if the policy had been played, however it learns; of any other
    log, rows are first kept with the smallest propensity over their own, which makes what is left
    uniform.

    Args:
      policy: with `choose` and `learn`.
      action: (n,), logged actions.
      reward: (n,), what they earned.
      propensity: (n,), their probability under the logging policy, which did not learn.
      context: (n, ...), what `choose` is given; None hands None.
      confidence: of Student's interval, which takes rewards as independent, though a policy that
        learns makes them depend on each other.
      seed: of which rows are kept of a log that is not uniform.

    Raises:
      ValueError: arrays differ in length, a propensity out of its range, or no choice agrees.

    Source: Li, Chu, Langford and Wang 2011, "Unbiased offline evaluation of contextual-bandit-based
      news article recommendation algorithms".
    Differs: logs that are not uniform are thinned.
    """
    chance, earned = np.asarray(propensity, np.float64), np.asarray(reward, np.float64)
    if not len(action) == len(earned) == len(chance):
        raise ValueError(
            f"action, reward and propensity differ in length: {len(action)}, {len(earned)}, "
            f"{len(chance)}"
        )
    check_propensities(chance, "propensity")
    kept = np.random.default_rng(seed).uniform(size=len(chance)) * chance <= chance.min()
    found = list[float]()
    for row in map(int, np.flatnonzero(kept)):
        situation = None if context is None else context[row]
        if policy.choose(situation) == action[row]:
            found.append(float(earned[row]))
            policy.learn(situation, int(action[row]), found[-1])
    if not found:
        raise ValueError(f"the policy agrees with none of {len(kept):,} rows; use a larger log")
    return ValueEstimate("replay", estimate(found, confidence), None, warnings_of(None, len(found)))
