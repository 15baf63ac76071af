"""Scores of candidates and the value of the moment, from one description of what is seen.

Import this module where it is used: it needs torch.
"""

from typing import Any

import torch
from gymnasium import spaces
from torch import nn

from recsim_env.agents.networks.encoder import (
    CandidateEncoder,
    Network,
    Tensors,
    boxes_of,
    make_encoder,
)
from recsim_env.agents.networks.flat import FlatScores


class SharedScores(nn.Module):
    """An actor-critic whose two heads stand on one encoder, so that it is computed once.

    What needs no weights can be computed once, too, and kept: `inputs` of observations, from which
    `heads` are computed again and again.

    Args:
      space: of the observations; see `CandidateEncoder`.
      width: of the layers.
      network: the encoder, see `CandidateScores`.
    """

    def __init__(self, space: spaces.Dict, width: int, network: Network) -> None:
        super().__init__()
        self.encoder = make_encoder(network, space, width)
        self.score = nn.Linear(width, 1)
        self.value = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))
        nn.init.orthogonal_(self.score.weight, 0.01)
        self._fields = list(boxes_of(space))
        # Somebody's own, though made of ours, has another `forward`.
        self._is_ours = type(self.encoder).forward is CandidateEncoder.forward

    def inputs(self, observation: Tensors) -> dict[str, torch.Tensor]:
        """Returns what the encoder computes without weights; of another's, all that is seen."""
        if self._is_ours:
            found: dict[str, torch.Tensor] = self.encoder.inputs(observation)
            return found
        return {name: observation[name] for name in self._fields}

    def heads(self, inputs: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns, from `inputs`, scores, (n, n_candidates), and values, (n,)."""
        person, items = (self.encoder.described if self._is_ours else self.encoder)(inputs)
        values = self.value(torch.cat([person, items.mean(dim=1)], dim=1))
        return self.score(items)[:, :, 0], values[:, 0]

    def forward(self, observation: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns scores, (n, n_candidates), and values, (n,)."""
        return self.heads(self.inputs(observation))

    def scores(self, observation: Tensors) -> torch.Tensor:
        """Returns (n, n_candidates)."""
        return self(observation)[0]


class FlatActorCritic(FlatScores):
    """`FlatScores` with the methods of `SharedScores`."""

    def inputs(self, observation: Tensors) -> dict[str, torch.Tensor]:
        """Returns the whole observation, as it is."""
        return {name: observation[name] for name in self.scores.fields}

    def heads(self, inputs: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns scores, (n, n_candidates), and values, (n,)."""
        return self.scores(inputs), self.values(inputs)[:, 0]


def make_actor_critic(space: spaces.Dict, width: int, network: Network) -> Any:
    """Returns a fresh actor-critic by the name of its encoder, or "flat"."""
    if network == "flat":
        return FlatActorCritic(space, width)
    return SharedScores(space, width, network)
