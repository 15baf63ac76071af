"""Networks over the flattened observation, where each place among the candidates is its own.

They are there for comparison: what they learn of a candidate in one place says nothing of it in
another. Import this module where it is used: it needs torch.
"""

from typing import Any

import torch
from gymnasium import spaces
from torch import nn

from recsim_env.agents.networks.encoder import Tensors, boxes_of, joined, n_candidates_of


class FlatNetwork(nn.Sequential):
    """Two hidden layers over all that is seen.

    Args:
      space: of the observations; fields that are no `Box` are left out.
      width: of the hidden layers.
      n_out: how many numbers it returns.
    """

    def __init__(self, space: spaces.Dict, width: int, n_out: int) -> None:
        boxes = boxes_of(space)
        n_in = sum(spaces.flatdim(box) for box in boxes.values())
        hidden = nn.Linear(n_in, width), nn.ReLU(), nn.Linear(width, width)
        super().__init__(*hidden, nn.ReLU(), nn.Linear(width, n_out))
        self.fields = list(boxes)

    def forward(self, observation: Tensors) -> torch.Tensor:
        """Returns (n, n_out)."""
        return torch.as_tensor(super().forward(joined(observation, self.fields)))


class FlatScores(nn.Module):
    """As `CandidateScores`, from networks that know candidates by their places.

    Args:
      space: of the observations.
      width: of the layers.
    """

    def __init__(self, space: spaces.Dict, width: int) -> None:
        super().__init__()
        self.scores = FlatNetwork(space, width, n_candidates_of(space))
        self.values = FlatNetwork(space, width, 1)
        last: Any = self.scores[-1]
        nn.init.orthogonal_(last.weight, 0.01)
