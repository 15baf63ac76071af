"""Which actions are worth taking, told with every observation; see `wrappers.add_action_mask`."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

#: Under which infos have it.
ACTION_MASK = "action_mask"


def mask_shape(space: spaces.Space) -> tuple[int, ...]:
    """Returns the shape of a mask of actions: (n_actions,), or (slate_size, n_candidates).

    Raises:
      TypeError: actions are not counted.
    """
    if isinstance(space, spaces.Discrete):
        return (int(space.n),)
    if isinstance(space, spaces.MultiDiscrete):
        return (len(space.nvec), int(space.nvec[0]))
    raise TypeError(
        f"actions here are points of {space}, which cannot be masked; use enumerate_slates, or the "
        "environment as it is"
    )


class MaskWrapper(gymnasium.Wrapper, RecordConstructorArgs):
    """A single environment that tells which actions are worth taking."""

    def __init__(self, env: gymnasium.Env) -> None:
        RecordConstructorArgs.__init__(self)
        gymnasium.Wrapper.__init__(self, env)
        self._shape = mask_shape(env.action_space)

    def reset(self, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        """Begins an episode."""
        observation, info = self.env.reset(**kwargs)
        return observation, info | {ACTION_MASK: self._mask()}

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Shows a slate."""
        *result, info = self.env.step(action)
        observation, reward, terminated, truncated = result
        return observation, reward, terminated, truncated, info | {ACTION_MASK: self._mask()}

    def _mask(self) -> np.ndarray:
        flags: np.ndarray = self.get_wrapper_attr("action_masks")()
        return flags.astype(np.int8).reshape(self._shape)


class VectorMaskWrapper(VectorWrapper):
    """A batch environment that tells which actions are worth taking; autoreset stays as it is."""

    def __init__(self, env: VectorEnv) -> None:
        super().__init__(env)
        self._shape = mask_shape(env.single_action_space)
        owner: Any = env
        while not hasattr(owner, "action_masks"):
            owner = owner.env
        self._owner = owner

    @property
    def autoreset_mode(self) -> AutoresetMode:
        """How the next episode begins, as in the environment."""
        mode: AutoresetMode = self.metadata["autoreset_mode"]
        return mode

    def action_masks(self) -> np.ndarray:
        """Returns the masks as sb3-contrib asks for them, (num_envs, ...), flat."""
        masks: np.ndarray = self._owner.action_masks()
        return masks

    def reset(self, *, seed: Any = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        """Begins episodes; of those that go on, infos are silent."""
        observation, infos = self.env.reset(seed=seed, options=options)
        begins = (options or {}).get("reset_mask", np.ones(self.num_envs, bool))
        return observation, infos | self._masks(np.array(begins, bool))

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Shows slates."""
        observation, rewards, terminated, truncated, infos = self.env.step(actions)
        everybody = np.ones(self.num_envs, bool)
        return observation, rewards, terminated, truncated, infos | self._masks(everybody)

    def _masks(self, told: np.ndarray) -> dict[str, Any]:
        """Returns the masks in Gymnasium's form, zero where they are not told."""
        masks = self.action_masks().astype(np.int8).reshape(self.num_envs, *self._shape)
        masks[~told] = 0
        return {ACTION_MASK: masks, f"_{ACTION_MASK}": told}
