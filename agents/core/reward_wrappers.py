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

    @property
    def name(self) -> str:
        """The outermost wrapper's name, of the first environment that has one."""
        return next(type(own[-1]).__name__ for own in self._wrappers if own)

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


def check_paid(stage: Any, rewards: Any) -> None:
    """Raises unless the reward wrappers around a batch made finite rewards of its rewards.

    Args:
      stage: the batch, in wrappers or not.
      rewards: what a step returned.

    Raises:
      ValueError: they are not one for each environment, or not finite.
    """
    wrapper = next(_reward_wrappers(stage), None)
    if wrapper is None:
        return
    found, n = np.asarray(rewards), wrapper.num_envs
    if found.shape != (n,):
        raise ValueError(
            f"{_name(wrapper)} made rewards of shape {found.shape} of {n} rewards; it is given "
            f"those of all {n} environments, and must return an array of shape ({n},)"
        )
    if not np.isfinite(found).all():
        raise ValueError(
            f"{_name(wrapper)} made a reward of {found[~np.isfinite(found)][0]}; return finite "
            "numbers"
        )


def _name(wrapper: VectorRewardWrapper) -> str:
    """Returns the name of the wrapper, or of those of single environments that it stands for."""
    if isinstance(wrapper, EachRewarded):
        return wrapper.name
    return type(wrapper).__name__


def _reward_wrappers(env: Any) -> Iterator[VectorRewardWrapper]:
    """Yields the reward wrappers around a batch, outermost first."""
    while isinstance(env, VectorWrapper):
        if changes_only_rewards(env):
            assert isinstance(env, VectorRewardWrapper)
            yield env
        env = env.env
