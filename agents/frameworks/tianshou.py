"""Networks for Tianshou's algorithms, called with its batches of dict observations.

    CandidateNet        scores of candidates: Q-values of DQN and its like for slates of one item,
                        or logits of an actor, with `slates` as its distribution
    CandidateCritic     values of moments

    policy = DiscreteQLearningPolicy(model=CandidateNet(space), action_space=...)
    policy = ProbabilisticActorPolicy(actor=CandidateNet(space), dist_fn=slates(actions), ...)

They need torch, and import nothing of Tianshou.
"""

import functools
from collections.abc import Callable
from typing import Any

import torch
from gymnasium import spaces
from torch import nn
from torch.distributions import Distribution

from recsim_env.agents.frameworks.slates import distribution_over, slate_size_of
from recsim_env.agents.networks.encoder import Network, scores_only, values_only


class CandidateNet(nn.Module):
    """Scores of candidates.

    Args:
      space: of one person's observations; ids are left out.
      width: of the layers.
      network: the encoder, as for `CandidateScores`.

    Attributes:
      network: a `CandidateScores` without values.
    """

    def __init__(
        self, space: spaces.Dict, width: int = 64, network: Network = "candidates"
    ) -> None:
        super().__init__()
        self.network = scores_only(space, width, network)
        self._fields = _fields_of(space)

    def forward(self, obs: Any, state: Any = None, info: Any = None) -> tuple[torch.Tensor, Any]:
        """Returns scores, (n, n_candidates), and the state, which is handed back."""
        return self.network.scores(_tensors(obs, self._fields, self)), state


class CandidateCritic(nn.Module):
    """Values of moments; see `CandidateNet` for the arguments."""

    def __init__(
        self, space: spaces.Dict, width: int = 64, network: Network = "candidates"
    ) -> None:
        super().__init__()
        self.network = values_only(space, width, network)
        self._fields = _fields_of(space)

    def forward(self, obs: Any, **kwargs: Any) -> torch.Tensor:
        """Returns values, (n, 1)."""
        return self.network.values(_tensors(obs, self._fields, self))


def slates(space: spaces.Space) -> Callable[[torch.Tensor], Distribution]:
    """Returns the `dist_fn` of an actor: slates drawn by scores, without repeats.

    Args:
      space: of one person's actions.

    Raises:
      TypeError: actions are no slates.
    """
    slate_size_of(space)
    return functools.partial(distribution_over, space=space)


def _fields_of(space: spaces.Dict) -> list[str]:
    return [name for name, field in space.items() if isinstance(field, spaces.Box)]


def _tensors(obs: Any, fields: list[str], module: nn.Module) -> dict[str, torch.Tensor]:
    """Returns fields of a batch, arrays or tensors, where the weights of a module are."""
    device = next(module.parameters()).device
    return {name: torch.as_tensor(obs[name], device=device) for name in fields}
