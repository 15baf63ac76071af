"""A network that judges every candidate with the same weights.

Which place among the candidates an item stands in means nothing. A network over the flattened
observation has to learn that, once for each place; this one knows it.
"""

from typing import Any

import torch
from gymnasium import spaces
from torch import nn

Tensors = dict[str, torch.Tensor]


def tempered(x: torch.Tensor) -> torch.Tensor:
    """Returns sign(x) log(1 + |x|): x where it is small, and no very large numbers."""
    return x.abs().log1p().copysign(x)


class CandidateEncoder(nn.Module):
    """Describes the person, and each candidate to this person, by `width` numbers.

    With g all fields but `candidates`, flattened, f a candidate's features, and x the features with
    their products and dot products with those fields of g that are as wide (a person's interests,
    say; of wider fields, with their last columns), g and x `tempered`:

        person = relu(A g),    candidate = relu(B relu(C x + D g + (E f) * (F g)))

    Args:
      space: of the observations; a `Dict` of Boxes.
      width: of the layers.
    """

    def __init__(self, space: spaces.Dict, width: int) -> None:
        super().__init__()
        self.fields = [name for name in space.spaces if name != "candidates"]
        n_person = sum(spaces.flatdim(space[name]) for name in self.fields)
        candidates: Any = space["candidates"]
        n_features = candidates.shape[-1]
        self.width = n_features
        self.matching = [
            name
            for name in self.fields
            if len(shape := space[name].shape or ()) == 1 and shape[0] >= n_features
        ]
        n_joint = n_features + len(self.matching) * (n_features + 1)
        self.person = nn.Linear(n_person, 3 * width)
        self.joint = nn.Linear(n_joint, width, bias=False)
        self.select = nn.Linear(n_features, width, bias=False)
        self.hidden = nn.Linear(width, width)

    def forward(self, observation: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the person, (n, width), and the candidates, (n, n_candidates, width)."""
        parts = [observation[name].flatten(1) for name in self.fields]
        person, shift, select = self.person(tempered(torch.cat(parts, 1))).chunk(3, dim=1)
        features = observation["candidates"]
        joint = [features]
        for name in self.matching:
            product = features * observation[name][:, None, -self.width :]
            joint += [product, product.sum(dim=2, keepdim=True)]
        item = self.joint(tempered(torch.cat(joint, 2)))
        item = item + shift[:, None] + self.select(features) * select[:, None]
        return torch.relu(person), torch.relu(self.hidden(torch.relu(item)))
