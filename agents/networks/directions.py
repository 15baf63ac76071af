"""What directions among item features are worth, where the items that lie furthest are shown.

Import this module where it is used: it needs torch.
"""

import torch
from gymnasium import spaces
from torch import nn

from recsim_env.agents.networks.encoder import Network, Tensors, candidates_of, make_encoder

_N_CRITICS = 2


class DirectionCritics(nn.Module):
    """What a direction is worth, twice: from the person and the candidates that it picks out.

    With a the direction, f_i a candidate's features, h_i its description by the encoder, and
    p_i = softmax_i(sharpness f_i · a), Q(o, a) is a network of the person and sum_i p_i h_i. So the
    critics see what would be shown, softly, and can say where to turn.

    Args:
      space: of the observations.
      width: of the layers.
      network: the encoder, see `CandidateScores`.
    """

    def __init__(self, space: spaces.Dict, width: int, network: Network) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(
            make_encoder(network, space, width) for _ in range(_N_CRITICS)
        )
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))
            for _ in range(_N_CRITICS)
        )
        self.log_sharpness = nn.Parameter(torch.ones(()))

    def forward(self, observation: Tensors, directions: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Returns the values of directions, (n, n_features), by each critic, (n, 1)."""
        match = torch.bmm(candidates_of(observation), directions[:, :, None])
        share = (self.log_sharpness.exp() * match).softmax(dim=1)
        values = []
        for encoder, head in zip(self.encoders, self.heads, strict=True):
            person, items = encoder(observation)
            values.append(head(torch.cat([person, (share * items).sum(dim=1)], dim=1)))
        return tuple(values)

    def set_training_mode(self, mode: bool) -> None:
        """Says whether the critics are in training."""
        self.train(mode)
