"""Scores and values in units of returns, and values of slates, one network for all candidates.

Import this module where it is used: it needs torch.
"""

import copy

import numpy as np
import torch
from gymnasium import spaces
from torch import nn

from recsim_env.agents.networks.compute import follow
from recsim_env.agents.networks.encoder import CandidateScores, Network, Tensors, make_encoder


class ScaledScores(CandidateScores):
    """`CandidateScores` with values in units of returns.

    Attributes:
      centre, unit: the mean and the deviation of returns.
    """

    centre: torch.Tensor
    unit: torch.Tensor

    def __init__(self, space: spaces.Dict, width: int, network: Network) -> None:
        super().__init__(space, width, network)
        self.register_buffer("centre", torch.zeros(()))
        self.register_buffer("unit", torch.ones(()))

    def measure(self, returns: np.ndarray) -> None:
        """Takes the mean and the deviation of some returns, (n,)."""
        self.centre.fill_(float(returns.mean()))
        self.unit.fill_(float(returns.std()) or 1.0)

    def long_term_value(self, observation: Tensors) -> torch.Tensor:
        """Returns values in units of reward, (n,)."""
        return self.centre + self.unit * self.values(observation)[:, 0]


class SlateValue(nn.Module):
    """The value of one slate for each person, from the person and the mean of its items.

    The order of items does not matter, nor where among the candidates they stand.

    Args:
      space: of the observations.
      width: of the layers.
      network: the encoder, see `CandidateScores`.
    """

    def __init__(self, space: spaces.Dict, width: int, network: Network) -> None:
        super().__init__()
        self.encoder = make_encoder(network, space, width)
        self.value = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, observation: Tensors, slates: torch.Tensor) -> torch.Tensor:
        """Returns (n,), for slates (n, slate_size)."""
        person, items = self.encoder(observation)
        rows = torch.arange(len(slates), device=slates.device)[:, None]
        shown = items[rows, slates].mean(dim=1)
        return torch.as_tensor(self.value(torch.cat([person, shown], dim=1))[:, 0])


class IQLNetwork(ScaledScores):
    """Scores and values of moments; values of slates, and their average over learning."""

    def __init__(self, space: spaces.Dict, width: int, network: Network) -> None:
        super().__init__(space, width, network)
        self.slate_value = SlateValue(space, width, network)
        self.averaged = copy.deepcopy(self.slate_value).requires_grad_(False)

    def follow(self, tau: float) -> None:
        """Moves the average by a share of the way to the values of slates."""
        follow(self.averaged, self.slate_value, tau)
