"""What a choice of each candidate, or of none, is worth, and how candidates attract.

Import this module where it is used: it needs torch.
"""

import copy
from typing import Any

import torch
from gymnasium import spaces
from torch import nn

from recsim_env.agents.core.session import SESSION
from recsim_env.agents.networks.compute import follow
from recsim_env.agents.networks.encoder import Network, Tensors, make_encoder, shared_inputs

# Logarithms of attractions stay within this.
_MAX_LOGIT = 10.0


class FeatureTable(nn.Module):
    """A value for every feature and one for no choice, the same for everybody and at any time.

    With topics as features, the value of an item is that of its topic.
    """

    #: Values are learned in units of a typical reward times the discounted steps, at most this.
    horizon = 100.0

    def __init__(self, space: spaces.Dict, width: int, network: Network) -> None:
        super().__init__()
        candidates: Any = space["candidates"]
        self.of_feature = nn.Linear(candidates.shape[1], 1)
        self.of_none = nn.Parameter(torch.zeros(1))
        nn.init.zeros_(self.of_feature.weight)
        nn.init.zeros_(self.of_feature.bias)

    def forward(self, observation: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns values of candidates, (n, n_candidates), and of no choice, (n,)."""
        features = observation["candidates"]
        return self.of_feature(features)[:, :, 0], self.of_none.expand(len(features))


class SessionTable(nn.Module):
    """A gain for every feature, over no choice, whose value is linear in what happened so far."""

    horizon = 100.0

    def __init__(self, space: spaces.Dict, width: int, network: Network) -> None:
        super().__init__()
        candidates: Any = space["candidates"]
        self.of_feature = nn.Linear(candidates.shape[1], 1)
        self.of_session = nn.Linear(spaces.flatdim(space[SESSION]), 1)
        for layer in (self.of_feature, self.of_session):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, observation: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns values of candidates, (n, n_candidates), and of no choice, (n,)."""
        none = self.of_session(observation[SESSION])
        return none + self.of_feature(observation["candidates"])[:, :, 0], none[:, 0]


class PersonalValues(nn.Module):
    """Values by what is known of the person, the session and the item.

    With V(person, candidates) what a choice of an average candidate is worth, item i is worth
    V + d_i - mean_j d_j, and no choice V + d_none(person). So what was never seen to happen, as
    no choice where everybody chooses, is taken to be worth what an average choice is, until it does
    happen; and what all of them have in common does not drown what sets items apart.

    Source: a value and what sets choices apart, Wang et al. 2016, "Dueling network architectures".
    """

    # Shorter than sessions: rewards much smaller than fresh weights' errors take long to see.
    horizon = 10.0

    def __init__(self, space: spaces.Dict, width: int, network: Network) -> None:
        super().__init__()
        self.encoder = make_encoder(network, space, width)
        self.of_all = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))
        self.of_none, self.of_item = nn.Linear(width, 1), nn.Linear(width, 1)
        for layer in (self.of_none, self.of_item):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, observation: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns values of candidates, (n, n_candidates), and of no choice, (n,)."""
        person, items = self.encoder(observation)
        value = self.of_all(torch.cat([person, items.mean(dim=1)], dim=1))
        apart = self.of_item(items)[:, :, 0]
        none = value + self.of_none(person)
        return value + apart - apart.mean(dim=1, keepdim=True), none[:, 0]


class LearnedAttraction(nn.Module):
    """Attractions against none's of 1, by what is known of the person and the item."""

    none = 1.0

    def __init__(self, space: spaces.Dict, width: int, network: Network) -> None:
        super().__init__()
        self.encoder = make_encoder(network, space, width)
        self.of_item = nn.Linear(width, 1)

    def logits(self, observation: Tensors) -> torch.Tensor:
        """Returns the logarithms of attractions, (n, n_candidates)."""
        items = self.encoder(observation)[1]
        return self.of_item(items)[:, :, 0].clamp(-_MAX_LOGIT, _MAX_LOGIT)

    def forward(self, observation: Tensors) -> torch.Tensor:
        """Returns attractions, (n, n_candidates)."""
        return self.logits(observation).exp()


class ProportionalAttraction(nn.Module):
    """Attractions interest·features + 1 against none's of 2, as the published agents knew them."""

    none = 2.0

    def __init__(self, space: spaces.Dict, width: int, network: Network) -> None:
        super().__init__()

    def forward(self, observation: Tensors) -> torch.Tensor:
        """Returns attractions, (n, n_candidates)."""
        scores = torch.bmm(observation["candidates"], observation["user"][:, :, None])[:, :, 0]
        return (scores + 1.0).clamp(min=0.0)


VALUES = {"table": FeatureTable, "linear": SessionTable, "network": PersonalValues}
ATTRACTIONS = {"learned": LearnedAttraction, "proportional": ProportionalAttraction}


class ItemValues(nn.Module):
    """Values, their average over the course of learning, and attractions.

    Attributes:
      unit: values are learned in units of this much reward.
    """

    unit: torch.Tensor

    def __init__(self, values: nn.Module, attraction: nn.Module) -> None:
        super().__init__()
        self.values, self.attraction = values, attraction
        self.averaged = copy.deepcopy(values).requires_grad_(False)
        self.register_buffer("unit", torch.zeros(()))

    def inputs(self, observation: Tensors) -> Tensors:
        """Returns what is computed once for all encoders; the observation if there is no such."""
        parts = self.values, self.attraction
        return shared_inputs([getattr(each, "encoder", None) for each in parts], observation)

    def follow(self, tau: float) -> None:
        """Moves the average by a share of the way to the values."""
        follow(self.averaged, self.values, tau)
