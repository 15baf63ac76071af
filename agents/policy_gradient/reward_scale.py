"""Rewards in units of the running deviation of returns."""

from typing import Any

import numpy as np

from recsim_env.agents.core.restoring import State, like, require_range

# Scaled rewards stay within this.
_MOST = 10.0

_EPSILON = 1e-8


class RewardScale:
    """Divides rewards by the deviation of what people earned so far, discounted, and cuts them.

    Args:
      discount: of a step.

    Source: as Stable-Baselines3's VecNormalize.
    """

    def __init__(self, discount: float) -> None:
        self._discount = discount
        self._moments = np.array([0.0, 1.0, 1e-4])  # mean, variance and number of what was earned
        self.begin(0)

    def begin(self, num_envs: int) -> None:
        """Notes that everybody's session begins anew."""
        self._earned = np.zeros(num_envs)

    def scaled(self, rewards: np.ndarray, is_over: np.ndarray, is_step: np.ndarray) -> np.ndarray:
        """Returns rewards near 1, (num_envs,), and remembers them.

        Args:
          rewards: of one step.
          is_over: whose session ended with it.
          is_step: who took it.
        """
        self._earned = self._earned * self._discount + rewards
        self._add(self._earned[is_step])
        self._earned[is_over] = 0.0
        deviation = np.sqrt(self._moments[1] + _EPSILON)
        return np.minimum(np.maximum(rewards / deviation, -_MOST), _MOST)  # as clip, but quicker

    def _add(self, earned: np.ndarray) -> None:
        """Takes further numbers into the mean and the variance."""
        n = len(earned)
        if not n:
            return
        mean, variance, count = self._moments
        total, centre = count + n, earned.sum() / n
        apart, around = centre - mean, earned - centre
        squares = variance * count + around @ around + apart**2 * count * n / total
        self._moments[:] = mean + apart * n / total, squares / total, total

    def state_dict(self) -> dict[str, Any]:
        """Returns what was earned so far, by those whose sessions go on and by all."""
        return {"moments": self._moments, "earned": self._earned}

    def load_state_dict(self, state: State) -> None:
        """Takes back the scale that `state_dict` returned.

        Raises:
          ValueError: it is no scale.
        """
        moments = like(state, "moments", self._moments)
        require_range("moments", moments[1:], low=0.0)
        self._moments = moments

    def go_on(self, state: State) -> None:
        """Takes back what was earned in sessions that go on.

        Raises:
          ValueError: it is of others.
        """
        self._earned = like(state, "earned", self._earned)
