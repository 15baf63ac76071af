"""Values of slates, by their items or one for each, as a policy of Stable-Baselines3."""

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import BasePolicy
from torch import nn

from recsim_env.agents.networks.encoder import CandidateEncoder, Tensors, tempered
from recsim_env.agents.networks.serving import optimal


class SlateValues(nn.Module):
    """The value of a slate from what its items are worth and how they attract.

    Q(slate) = V + G(slate) - G(all), G(slate) = sum_i w_i q_i / (1 + sum_i w_i), w_i = e^a_i, sums
    over its items. With a_i how much item i attracts against no choice, and q_i what choosing it
    adds, G is what is expected of a multinomial choice of one item or none. G(all) is that of a
    slate of average candidates; so V, from the person and the mean of the candidates, is what such
    a slate is worth. Without it, what all slates have in common is learned as a gain of each item
    too, and drowns what sets items apart. V and q may be several numbers, quantiles of the return;
    the best slate is the one with the best mean.

    Source: the multinomial choice as in Ie et al. 2019, "SlateQ" (arXiv 1905.12767); a value and
      what sets actions apart from it, Wang et al. 2016, "Dueling network architectures".

    An action is a slate, (slate_size,) candidates, the one that contributes most first.

    Args:
      space: of the observations; a `Dict` of Boxes with `candidates`.
      slate_size: items of a slate.
      width: of the layers.
      n_quantiles: how many numbers a value is.
    """

    def __init__(
        self,
        space: spaces.Dict,
        *,
        slate_size: int,
        width: int,
        n_quantiles: int = 1,
    ) -> None:
        super().__init__()
        self.slate_size = slate_size
        self.encoder = CandidateEncoder(space, width)
        self.of_person = nn.Sequential(
            nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, n_quantiles)
        )
        self.of_item = nn.Linear(width, 1 + n_quantiles)
        nn.init.orthogonal_(self.of_item.weight, 0.01)  # differences are small beside V

    def _parts(self, observation: Tensors) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Returns V, (n, n_quantiles), w, (n, n_candidates), and q, (n, n_candidates, ...)."""
        person, items = self.encoder(observation)
        of_item = self.of_item(items)
        value = self.of_person(torch.cat([person, items.mean(dim=1)], dim=1))
        return value, of_item[:, :, 0].clamp(-10.0, 10.0).exp(), of_item[:, :, 1:]

    def values(self, observation: Tensors, slates: torch.Tensor) -> torch.Tensor:
        """Returns the values of slates, (n, slate_size), as (n, n_quantiles)."""
        value, weight, gain = self._parts(observation)
        weight = weight[:, :, None]
        weighted, n = weight * gain, self.slate_size
        average = n * weighted.mean(dim=1) / (1.0 + n * weight.mean(dim=1))
        places = slates[:, :, None]
        above = weighted.gather(1, places.expand(-1, -1, gain.shape[2])).sum(dim=1)
        return value + above / (1.0 + weight.gather(1, places).sum(dim=1)) - average

    def best(self, observation: Tensors) -> torch.Tensor:
        """Returns the slates of highest mean value, (n, slate_size)."""
        _, weight, gain = self._parts(observation)
        return optimal(weight, gain.mean(dim=2), 1.0, self.slate_size)


class FlatSlateValues(nn.Module):
    """The value of every slate of a table, each by itself, from the flattened observation.

    An action is the number of a slate, (1,).

    Args:
      space: of the observations; a `Dict` of Boxes.
      n_slates: in the table.
      width: of the hidden layers.
    """

    def __init__(self, space: spaces.Dict, *, n_slates: int, width: int) -> None:
        super().__init__()
        self.fields = list(space.spaces)
        self.network = nn.Sequential(
            nn.Linear(spaces.flatdim(space), width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, n_slates),
        )

    def _all(self, observation: Tensors) -> torch.Tensor:
        """Returns the values of all slates, (n, n_slates)."""
        seen = torch.cat([observation[name].flatten(1) for name in self.fields], dim=1)
        return torch.as_tensor(self.network(tempered(seen)))

    def values(self, observation: Tensors, numbers: torch.Tensor) -> torch.Tensor:
        """Returns the values of slates by their numbers, (n, 1), as (n, 1)."""
        return self._all(observation).gather(1, numbers)

    def best(self, observation: Tensors) -> torch.Tensor:
        """Returns the numbers of the slates of highest value, (n, 1)."""
        return self._all(observation).argmax(dim=1, keepdim=True)


class SlateValuePolicy(BasePolicy):
    """Acts by an average of the values in training.

    Args:
      observation_space, action_space, lr_schedule: from the model.
      network: makes the values, a module with `values` and `best`, from the space of observations.
    """

    def __init__(
        self,
        observation_space: Any,
        action_space: Any,
        lr_schedule: Any,
        *,
        network: Any,
        **_others: Any,
    ) -> None:
        super().__init__(observation_space, action_space)
        self.q_net = network(observation_space)
        self.q_net_target = network(observation_space)
        self.q_net_target.load_state_dict(self.q_net.state_dict())
        self.optimizer = torch.optim.Adam(self.q_net.parameters(), lr=lr_schedule(1))

    def _predict(self, observation: Any, deterministic: bool = True) -> torch.Tensor:
        return torch.as_tensor(self.q_net_target.best(observation))
