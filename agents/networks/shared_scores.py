"""Scores of candidates and the value of the moment, from one description of what is seen.

Import this module where it is used: it needs torch.
"""

from typing import Any, NamedTuple

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
from recsim_env.agents.networks.redundancy import Redundancy


class Heads(NamedTuple):
    """What an actor-critic says of moments.

    Attributes:
      scores: (n, n_candidates).
      values: (n,).
      redundancy: (n, n_candidates, n_candidates), what an item that is placed takes off the scores
        of those that follow; None where scores stand alone.
      responses: (n, n_candidates, n_columns), how people would respond to each; None where that is
        not predicted.
    """

    scores: torch.Tensor
    values: torch.Tensor
    redundancy: torch.Tensor | None = None
    responses: torch.Tensor | None = None


class SharedScores(nn.Module):
    """An actor-critic whose two heads stand on one encoder, so that it is computed once.

    What needs no weights can be computed once, too, and kept: `inputs` of observations, from which
    `heads` are computed again and again.

    Args:
      space: of the observations; see `CandidateEncoder`.
      width: of the layers.
      network: the encoder, see `CandidateScores`.
      redundancy: whether scores depend on what is already on the slate, see `Redundancy`.
      n_responses: columns of a response that are predicted; 0 predicts nothing.

    Attributes:
      is_ours: whether the encoder is a `CandidateEncoder` as it is.
    """

    def __init__(
        self,
        space: spaces.Dict,
        width: int,
        network: Network,
        *,
        redundancy: bool = False,
        n_responses: int = 0,
    ) -> None:
        super().__init__()
        self.encoder = make_encoder(network, space, width)
        self.score = nn.Linear(width, 1)
        self.value = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))
        nn.init.orthogonal_(self.score.weight, 0.01)
        self._fields = list(boxes_of(space))
        # Somebody's own, though made of ours, may describe otherwise in any of its methods.
        self.is_ours = type(self.encoder) is CandidateEncoder
        self.redundancy = self._made_redundancy(space, width) if redundancy else None
        self.response = nn.Linear(width, n_responses) if n_responses else None

    def _made_redundancy(self, space: spaces.Dict, width: int) -> Redundancy:
        n_own = int(boxes_of(space)["candidates"].shape[1])
        n_features = int(self.encoder.select.in_features) if self.is_ours else n_own
        return Redundancy(n_features, width, n_own=n_own)

    def inputs(self, observation: Tensors) -> dict[str, torch.Tensor]:
        """Returns what the encoder computes without weights; of another's, all that is seen."""
        if self.is_ours:
            found: dict[str, torch.Tensor] = self.encoder.inputs(observation)
            return found
        return {name: observation[name] for name in self._fields}

    def heads(self, inputs: Tensors) -> Heads:
        """Returns what there is to say, from `inputs`."""
        person, items = (self.encoder.described if self.is_ours else self.encoder)(inputs)
        values = self.value(torch.cat([person, items.mean(dim=1)], dim=1))
        scores, less = self.score(items)[:, :, 0], None
        if self.redundancy is not None:
            less = self.redundancy(inputs["features" if self.is_ours else "candidates"], items)
        responses = None if self.response is None else self.response(items)
        return Heads(scores, values[:, 0], less, responses)

    def forward(self, observation: Tensors) -> Heads:
        """Returns what there is to say of observations."""
        return self.heads(self.inputs(observation))

    def scores(self, observation: Tensors) -> torch.Tensor:
        """Returns (n, n_candidates)."""
        return self(observation).scores


class FlatActorCritic(FlatScores):
    """`FlatScores` with the methods of `SharedScores`."""

    def inputs(self, observation: Tensors) -> dict[str, torch.Tensor]:
        """Returns the whole observation, as it is."""
        return {name: observation[name] for name in self.scores.fields}

    def heads(self, inputs: Tensors) -> Heads:
        """Returns scores and values."""
        return Heads(self.scores(inputs), self.values(inputs)[:, 0])


def make_actor_critic(
    space: spaces.Dict,
    width: int,
    network: Network,
    *,
    redundancy: bool = False,
    n_responses: int = 0,
) -> Any:
    """Returns a fresh actor-critic by the name of its encoder, or "flat"; see `SharedScores`."""
    if network == "flat":
        return FlatActorCritic(space, width)
    return SharedScores(space, width, network, redundancy=redundancy, n_responses=n_responses)
