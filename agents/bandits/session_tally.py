"""What a session has told of each arm, for bandits that learn anew in every session."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from recsim_env.agents.bandits.arms import Arms, Tally
from recsim_env.agents.core.transition import Observation


class SessionTally(NamedTuple):
    """What sessions have told.

    Attributes:
      tally: one row a session.
      shown: (n, slate_size), arms shown last; -1 is none.
    """

    tally: Tally
    shown: np.ndarray


class SessionTallies:
    """Keeps a tally of each session, from what was shown and the responses to it.

    Args:
      arms: which each candidate is.
      slate_size: places of a slate.
      examined: given which places were clicked, (n, slate_size), says how likely each was looked
        at.
      column: of `response` that is the outcome.
      discount: what is left of a tally after each slate.
    """

    def __init__(
        self,
        arms: Arms,
        *,
        slate_size: int,
        examined: Callable[[np.ndarray], np.ndarray],
        column: int,
        discount: float,
    ) -> None:
        self._arms, self._slate_size, self._examined = arms, slate_size, examined
        self._column, self._discount = column, discount

    def begin(self, n: int) -> SessionTally:
        """Returns `n` tallies of nothing."""
        shown = np.full((n, self._slate_size), -1)
        return SessionTally(Tally.empty(n, self._arms.n_arms), shown)

    def next(
        self, state: SessionTally, observation: Observation, episode_start: np.ndarray
    ) -> SessionTally:
        """Adds the responses to what was shown last; a new episode starts from nothing."""
        response = observation["response"]
        outcome = response[:, :, self._column].astype(float)
        weight = self._examined(response[:, :, 0] > 0) * (state.shown >= 0)
        tally = Tally(*(values.copy() for values in state.tally))
        tally.add(state.shown, weight, outcome, discount=self._discount)
        for values in tally:
            values[episode_start] = 0.0
        return SessionTally(tally, state.shown)

    def showing(
        self, state: SessionTally, observation: Observation, slates: np.ndarray
    ) -> SessionTally:
        """Keeps which arms are shown now."""
        return state._replace(shown=self._arms.shown(observation, slates))
