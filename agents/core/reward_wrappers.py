"""Gymnasium's wrappers that change what is earned and nothing else, which agents learn through."""

import copy
from collections.abc import Iterator, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import VectorEnv, VectorRewardWrapper, VectorWrapper

# They scale rewards by what they saw so far, on the way of each environment.
_ADAPTING = (gymnasium.wrappers.NormalizeReward, gymnasium.wrappers.vector.NormalizeReward)


def changes_only_rewards(wrapper: Any) -> bool:
    """Returns whether a wrapper, of a batch or of a single environment, only transforms rewards."""
    kind = type(wrapper)
    if isinstance(wrapper, VectorRewardWrapper):
        return kind.step is VectorRewardWrapper.step and kind.reset is VectorWrapper.reset
    if isinstance(wrapper, gymnasium.RewardWrapper):
        of_its_own = kind.step is not gymnasium.RewardWrapper.step
        return not of_its_own and kind.reset is gymnasium.Wrapper.reset
    return False


def adapts_to_rewards(wrapper: Any) -> bool:
    """Returns whether a wrapper scales rewards by those it saw."""
    return isinstance(wrapper, _ADAPTING)


class EachRewarded(VectorRewardWrapper):
    """A batch whose rewards are transformed one by one, as those of single environments.

    Args:
      env: the batch.
      wrappers: for each environment its reward wrappers, innermost first.
    """

    def __init__(
        self, env: VectorEnv, wrappers: Sequence[Sequence[gymnasium.RewardWrapper]]
    ) -> None:
        super().__init__(env)
        self._wrappers = wrappers

    def rewards(self, rewards: np.ndarray) -> np.ndarray:
        """Returns the rewards that the wrappers make of them."""
        found = np.empty(len(rewards))
        for index, own in enumerate(self._wrappers):
            reward: Any = float(rewards[index])
            for wrapper in own:
                reward = wrapper.reward(reward)
            found[index] = reward
        return found


def paid_alike(stage: Any, env: VectorEnv) -> VectorEnv:
    """Returns a batch in which is earned what is earned in another one, by its reward wrappers.

    Args:
      stage: the other, in wrappers or not.
      env: the batch.
    """
    for wrapper in reversed(list(_reward_wrappers(stage))):
        again = copy.copy(wrapper)
        again.env = env
        env = again
    return env


def _reward_wrappers(env: Any) -> Iterator[VectorRewardWrapper]:
    """Yields the reward wrappers around a batch, outermost first."""
    while isinstance(env, VectorWrapper):
        if changes_only_rewards(env):
            assert isinstance(env, VectorRewardWrapper)
            yield env
        env = env.env
