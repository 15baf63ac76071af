"""Values of slates from what their items are worth, for Q-learning.

Import this module where it is used: it needs torch.
"""

import torch
from gymnasium import spaces
from torch import nn

from recsim_env.agents.networks.encoder import Network, Tensors, make_encoder, shared_inputs
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
      network: the encoder, see `CandidateScores`.
    """

    def __init__(
        self,
        space: spaces.Dict,
        *,
        slate_size: int,
        width: int,
        n_quantiles: int = 1,
        network: Network = "candidates",
    ) -> None:
        super().__init__()
        self.slate_size = slate_size
        self.encoder = make_encoder(network, space, width)
        self.of_person = nn.Sequential(
            nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, n_quantiles)
        )
        self.of_item = nn.Linear(width, 1 + n_quantiles)
        nn.init.orthogonal_(self.of_item.weight, 0.01)  # differences are small beside V

    def inputs(self, observation: Tensors) -> Tensors:
        """Returns what is computed without weights, in place of the observation."""
        return shared_inputs([self.encoder], observation)

    def _parts(self, observation: Tensors) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Returns V, (n, n_quantiles), w, (n, n_candidates), and q, (n, n_candidates, ...)."""
        person, items = self.encoder(observation)
        of_item = self.of_item(items)
        value = self.of_person(torch.cat([person, items.mean(dim=1)], dim=1))
        return value, of_item[:, :, 0].clamp(-10.0, 10.0).exp(), of_item[:, :, 1:]

    def values(self, observation: Tensors, slates: torch.Tensor) -> torch.Tensor:
        """Returns the values of slates, (n, slate_size), as (n, n_quantiles)."""
        value, weight, gain = self._parts(observation)
        weight, weighted = weight[:, :, None], weight[:, :, None] * gain
        average = self._average(weight, weighted)
        places = slates[:, :, None]
        above = weighted.gather(1, places.expand(-1, -1, gain.shape[2])).sum(dim=1)
        return value + above / (1.0 + weight.gather(1, places).sum(dim=1)) - average

    def of_all(self, observation: Tensors, table: torch.Tensor) -> torch.Tensor:
        """Returns the values of all slates of a table, (n_slates, slate_size).

        Returns:
          (n, n_slates, n_quantiles).
        """
        value, weight, gain = self._parts(observation)
        weight, weighted = weight[:, :, None], weight[:, :, None] * gain
        above, below = (each[:, table].sum(dim=2) for each in (weighted, weight))
        return (value - self._average(weight, weighted))[:, None] + above / (1.0 + below)

    def _average(self, weight: torch.Tensor, weighted: torch.Tensor) -> torch.Tensor:
        """Returns G of a slate of average candidates, (n, n_quantiles)."""
        n = self.slate_size
        return n * weighted.mean(dim=1) / (1.0 + n * weight.mean(dim=1))

    def best(self, observation: Tensors) -> torch.Tensor:
        """Returns the slates of highest mean value, (n, slate_size)."""
        _, weight, gain = self._parts(observation)
        return optimal(weight, gain.mean(dim=2), 1.0, self.slate_size)
