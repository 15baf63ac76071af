"""What implicit Q-learning learns: a policy, values of moments, and values of slates."""

import copy

import torch
from gymnasium import spaces
from torch import nn

from recsim_env.agents.networks.compute import follow
from recsim_env.agents.networks.encoder import CandidateEncoder, Tensors
from recsim_env.agents.networks.scores import ScaledScores


class SlateValue(nn.Module):
    """The value of one slate for each person, from the person and the mean of its items.

    The order of items does not matter, nor where among the candidates they stand.

    Args:
      space: of the observations.
      width: of the layers.
    """

    def __init__(self, space: spaces.Dict, width: int) -> None:
        super().__init__()
        self.encoder = CandidateEncoder(space, width)
        self.value = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, observation: Tensors, slates: torch.Tensor) -> torch.Tensor:
        """Returns (n,), for slates (n, slate_size)."""
        person, items = self.encoder(observation)
        rows = torch.arange(len(slates), device=slates.device)[:, None]
        shown = items[rows, slates].mean(dim=1)
        return torch.as_tensor(self.value(torch.cat([person, shown], dim=1))[:, 0])


class IQLNetwork(ScaledScores):
    """Scores and values of moments; values of slates, and their average over learning."""

    def __init__(self, space: spaces.Dict, width: int) -> None:
        super().__init__(space, width)
        self.slate_value = SlateValue(space, width)
        self.averaged = copy.deepcopy(self.slate_value).requires_grad_(False)

    def follow(self, tau: float) -> None:
        """Moves the average by a share of the way to the values of slates."""
        follow(self.averaged, self.slate_value, tau)
