"""Values of slates from one network for all candidates, as a policy of Stable-Baselines3."""

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.dqn.policies import DQNPolicy
from torch import nn

from recsim_env.agents.candidate_encoder import CandidateEncoder, Tensors


class SlateValues(BasePolicy):
    """The value of every slate of a table, from what its items are worth and how they attract.

    Q(slate) = V(person) + sum_i e^a_i q_i / (1 + sum_i e^a_i), sums over the slate's items. With
    a_i how much item i attracts against no choice, and q_i what choosing it adds, this is the
    expected value under a multinomial choice of one item or none.

    Args:
      observation_space: a `Dict` of Boxes with `candidates`.
      action_space: the number of a slate.
      table: (n_slates, slate_size) candidates of each slate, none twice.
      width: of the layers.
    """

    def __init__(
        self,
        observation_space: spaces.Dict,
        action_space: spaces.Discrete,
        *,
        table: torch.Tensor,
        width: int,
    ) -> None:
        super().__init__(observation_space, action_space)
        self.encoder = CandidateEncoder(observation_space, width)
        self.of_person = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))
        self.of_item = nn.Linear(width, 2)
        nn.init.orthogonal_(self.of_item.weight, 0.01)  # differences are small beside V
        candidates: Any = observation_space["candidates"]
        n_candidates = candidates.shape[0]
        members = torch.zeros(n_candidates, len(table)).scatter_(0, table.T, 1.0)
        self.register_buffer("members", members, persistent=False)

    def forward(self, observation: Tensors) -> torch.Tensor:
        """Returns the values of all slates, (n, n_slates)."""
        person, items = self.encoder(observation)
        attraction, gain = self.of_item(items).unbind(dim=2)
        weight = attraction.clamp(-10.0, 10.0).exp()
        members: Any = self.members
        gains = (weight * gain) @ members / (1.0 + weight @ members)
        return torch.as_tensor(self.of_person(person) + gains)

    def _predict(self, observation: Any, deterministic: bool = True) -> torch.Tensor:
        return torch.as_tensor(self(observation).argmax(dim=1))


class SlateValuePolicy(DQNPolicy):
    """Stable-Baselines3's DQN policy, with `SlateValues` as its network and as its target."""

    def __init__(self, *args: Any, table: torch.Tensor, width: int, **settings: Any) -> None:
        self._network: dict[str, Any] = {"table": table, "width": width}
        super().__init__(*args, **settings)

    def make_q_net(self) -> Any:
        """Returns a network with fresh weights."""
        seen: Any = self.observation_space
        slates: Any = self.action_space
        network: Any = SlateValues(seen, slates, **self._network)
        return network.to(self.device)
