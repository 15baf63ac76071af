"""A network that judges every candidate with the same weights.

Which place among the candidates an item stands in means nothing. A network over the flattened
observation has to learn that, once for each place; this one knows it.
"""

from collections.abc import Iterable
from typing import Any

import torch
from gymnasium import spaces
from torch import nn

Tensors = dict[str, torch.Tensor]


def candidates_of(observation: Tensors) -> torch.Tensor:
    """Returns a copy of the features of candidates, (n, n_candidates, n_features).

    What a product comes to depends, in its last bits, on how its factors lie in memory: some
    processors take another way where rows are spaced out or begin between two multiples of 16
    bytes, as those of an environment's records do. A copy is as torch lays it out, always.
    """
    return observation["candidates"].clone(memory_format=torch.contiguous_format)


def tempered(x: torch.Tensor) -> torch.Tensor:
    """Returns sign(x) log(1 + |x|): x where it is small, and no very large numbers."""
    return x.abs().log1p().copysign(x)


def flat(observation: Tensors, fields: Iterable[str]) -> torch.Tensor:
    """Returns fields side by side, `tempered`, (n, total size)."""
    return tempered(torch.cat([observation[name].flatten(1) for name in fields], 1))


class FlatNetwork(nn.Sequential):
    """Two hidden layers over all that is seen, where each place among the candidates is its own.

    Args:
      space: of the observations; a `Dict` of Boxes.
      width: of the hidden layers.
      n_out: how many numbers it returns.
    """

    def __init__(self, space: spaces.Dict, width: int, n_out: int) -> None:
        hidden = nn.Linear(spaces.flatdim(space), width), nn.ReLU(), nn.Linear(width, width)
        super().__init__(*hidden, nn.ReLU(), nn.Linear(width, n_out))
        self.fields = list(space.spaces)

    def forward(self, observation: Tensors) -> torch.Tensor:
        """Returns (n, n_out)."""
        return torch.as_tensor(super().forward(flat(observation, self.fields)))


class CandidateEncoder(nn.Module):
    """Describes the person, and each candidate to this person, by `width` numbers.

    With g all fields but `candidates`, flattened, and f a candidate's features, some of g compares
    with f: fields as wide (a person's interests, say), wider ones cut from their end into blocks as
    wide, and the rows of fields of such rows (`TRACES`). x are f, its products with the blocks, and
    for each block and row r the dot product f · r and the entry of r at f's largest feature: how
    much of r is of the candidate's kind. With g and x `tempered`:

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
        self.blocks = [
            (name, stop - n_features, stop)
            for name in self.fields
            if len(shape := space[name].shape or ()) == 1
            for stop in range(shape[0], n_features - 1, -n_features)
        ]
        self.rows = [name for name in self.fields if (space[name].shape or ())[1:] == (n_features,)]
        n_rows = len(self.blocks) + sum((space[name].shape or ())[0] for name in self.rows)
        n_joint = n_features * (1 + len(self.blocks)) + 2 * n_rows
        self.person = nn.Linear(n_person, 3 * width)
        self.joint = nn.Linear(n_joint, width, bias=False)
        self.select = nn.Linear(n_features, width, bias=False)
        self.hidden = nn.Linear(width, width)

    def forward(self, observation: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the person, (n, width), and the candidates, (n, n_candidates, width)."""
        person, shift, select = self.person(flat(observation, self.fields)).chunk(3, dim=1)
        features = candidates_of(observation)
        blocks = [observation[name][:, None, start:stop] for name, start, stop in self.blocks]
        compared = [features[:, :0], *blocks, *(observation[name] for name in self.rows)]
        rows = torch.cat(compared, 1).transpose(1, 2)
        kind = features.argmax(dim=2, keepdim=True).expand(-1, -1, rows.shape[2])
        products = [features * block for block in blocks]
        joint = [features, *products, features @ rows, rows.gather(1, kind)]
        item = self.joint(tempered(torch.cat(joint, 2)))
        item = item + shift[:, None] + self.select(features) * select[:, None]
        return torch.relu(person), torch.relu(self.hidden(torch.relu(item)))
