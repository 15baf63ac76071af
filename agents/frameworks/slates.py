"""Slates by scores of candidates as a distribution of torch, and scores as a plain function.

Import this module where it is used: it needs torch.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from torch.distributions import Categorical, Distribution, register_kl

from recsim_env.agents.networks.encoder import CandidateScores
from recsim_env.agents.networks.plackett_luce import PlackettLuce


class Slates(Distribution):
    """`PlackettLuce` for frameworks that want a distribution of torch.

    Args:
      logits: (..., n_candidates).
      slate_size: places of a slate.
    """

    arg_constraints = {}  # noqa: RUF012  # torch's Distribution declares no ClassVar
    has_rsample = False

    def __init__(self, logits: torch.Tensor, slate_size: int) -> None:
        super().__init__(logits.shape[:-1], torch.Size([slate_size]), validate_args=False)
        self.logits = logits
        self.slate_size = slate_size

    def _over(self, shape: torch.Size) -> PlackettLuce:
        """Returns the distribution of each row, where the rows are of a shape."""
        rows = self.logits.expand(*shape, -1).reshape(-1, self.logits.shape[-1])
        return PlackettLuce(rows, self.slate_size)

    def sample(self, sample_shape: Any = ()) -> torch.Tensor:
        """Returns slates, (*sample_shape, ..., slate_size)."""
        shape = torch.Size([*sample_shape, *self.batch_shape])
        return self._over(shape).sample().reshape(*shape, self.slate_size)

    @property
    def mode(self) -> torch.Tensor:
        """The most likely slates, (..., slate_size)."""
        return self._over(self.batch_shape).mode().reshape(*self.batch_shape, self.slate_size)

    @property
    def deterministic_sample(self) -> torch.Tensor:
        """The same, by TorchRL's name."""
        return self.mode

    @property
    def variance(self) -> torch.Tensor:
        """NaN, as of torch's Categorical: indices are no amounts. Tianshou asks for it."""
        return self.logits.new_full(self._extended_shape(), torch.nan)

    def log_prob(self, value: torch.Tensor) -> torch.Tensor:
        """Returns the log-probability of each slate, (...,)."""
        slates = value.long().reshape(-1, self.slate_size)
        return self._over(value.shape[:-1]).log_prob(slates).reshape(value.shape[:-1])

    def entropy(self) -> torch.Tensor:
        """Returns the entropy of each row, (...,); see `PlackettLuce.entropy`."""
        return self._over(self.batch_shape).entropy().reshape(self.batch_shape)

    def kl(self, other: "Slates") -> torch.Tensor:
        """Returns divergences, (...,); see `PlackettLuce.kl`."""
        theirs = other._over(self.batch_shape)
        return self._over(self.batch_shape).kl(theirs).reshape(self.batch_shape)


register_kl(Slates, Slates)(Slates.kl)


def distribution_over(logits: torch.Tensor, space: spaces.Space) -> Distribution:
    """Returns the distribution over actions of a space by the scores of candidates.

    Args:
      logits: (..., n_candidates).
      space: of one person's actions: Discrete, of one item, or MultiDiscrete, slates.
    """
    if isinstance(space, spaces.Discrete):
        return Categorical(logits=logits)
    return Slates(logits, slate_size_of(space))


def slate_size_of(space: spaces.Space) -> int:
    """Returns how many items one person's action shows.

    Raises:
      TypeError: actions are no slates.
    """
    if isinstance(space, spaces.Discrete):
        return 1
    if isinstance(space, spaces.MultiDiscrete) and space.shape and len(space.shape) == 1:
        return space.shape[0]
    raise TypeError(
        f"actions here are {space}, not slates; use an environment without an action wrapper, and "
        "the single_action_space of a batch"
    )


def scorer(network: CandidateScores) -> Callable[[Mapping[str, np.ndarray]], np.ndarray]:
    """Returns a function of observations that gives the scores of their candidates.

    `recsim_env.agents.from_predict` makes an agent of it, to be evaluated and compared.

    Args:
      network: whatever has the `scores` of `CandidateScores`; what it learns later counts.
    """

    def scores(observation: Mapping[str, np.ndarray]) -> np.ndarray:
        device = next(network.parameters()).device
        fields = {name: torch.as_tensor(each, device=device) for name, each in observation.items()}
        with torch.inference_mode():
            return np.asarray(network.scores(fields).cpu().numpy())

    return scores
