"""How much less a candidate is worth once another one stands on the slate, learned.

Import this module where it is used: it needs torch.
"""

import torch
from torch import nn

from recsim_env.agents.networks.encoder import tempered

# Numbers by which items are compared beyond their features.
_RANK = 8


class Redundancy(nn.Module):
    """What items take off the scores of those that follow them on a slate.

    With f the features of candidates and what else is seen of each, h their descriptions, and e the
    largest of the features,

        R(i, j) = b_j (f_i * m) · f_j + c_j [e_i = e_j] + u_i · w_j

    of candidate j when i was placed; b, c, u and w are linear in h. Scores alone, whatever they
    know, cannot make a slate diverse: the second best item is as good after its like as without.

    Args:
      n_features: of candidates, with what else is seen of each.
      width: of their descriptions.
      n_own: how many of them, the first, are features of the items; by default all.

    Source: the marginal relevance of Carbonell and Goldstein 1998, "The use of MMR,
      diversity-based reranking", with what makes items redundant learned for each person.
    """

    def __init__(self, n_features: int, width: int, *, n_own: int | None = None) -> None:
        super().__init__()
        self._n_own = n_features if n_own is None else n_own
        self.metric = nn.Parameter(torch.full((n_features,), n_features**-0.5))
        self.of_item = nn.Linear(width, 2 + 2 * _RANK)
        nn.init.orthogonal_(self.of_item.weight, 0.1)

    def forward(self, features: torch.Tensor, items: torch.Tensor) -> torch.Tensor:
        """Returns (n, n_candidates, n_candidates): what the first takes off the second.

        Args:
          features: (n, n_candidates, n_features).
          items: (n, n_candidates, width), the descriptions.
        """
        features = tempered(features)
        kind = features[:, :, : self._n_own].argmax(dim=2)
        weights, giver, taker = self.of_item(items).split((2, _RANK, _RANK), dim=2)
        alike = (features * self.metric) @ features.transpose(1, 2)
        same = (kind[:, :, None] == kind[:, None, :]).float()
        by_features = weights[:, None, :, 0] * alike + weights[:, None, :, 1] * same
        return by_features + giver @ taker.transpose(1, 2)
