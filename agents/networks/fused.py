"""`SharedScores` on the CPU, forth and back by hand: the same numbers, in a third of the time.

Import this module where it is used: it needs torch, and compiles.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from recsim_env.agents.networks import fused_loops as loops
from recsim_env.agents.networks.encoder import Tensors
from recsim_env.agents.networks.fused_encoder import (
    Layers,
    cube,
    differentiate,
    inputs_of,
    layers_of,
    linear,
    weights_of,
    where_positive,
)
from recsim_env.agents.networks.shared_scores import Heads, SharedScores


class FusedScores:
    """Computes what a `SharedScores` with our own encoder does, and its gradients.

    Args:
      network: whose weights are used; it is on the CPU.
    """

    def __init__(self, network: SharedScores) -> None:
        self._network = network
        self._of_pooled: Any = network.value[0]
        self._of_hidden: Any = network.value[2]
        self._memory: dict[str, torch.Tensor] = {}
        self._kept: tuple[Tensors, Layers, torch.Tensor, torch.Tensor] | None = None

    def inputs(self, seen: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
        """Returns what the weights are multiplied with; see `CandidateEncoder.inputs`."""
        encoder = self._network.encoder
        tensors = {name: torch.from_numpy(each) for name, each in seen.items()}
        if encoder.has_loops:
            return inputs_of(encoder, tensors)
        found: dict[str, torch.Tensor] = encoder.inputs(tensors)
        return found

    def heads(self, inputs: Tensors) -> Heads:
        """Returns scores and values, until the next call."""
        network, (n, n_candidates) = self._network, inputs["joint"].shape[:2]
        layers = layers_of(network.encoder, inputs, self._empty)
        scores = self._empty("scores", n, n_candidates)
        pooled = self._empty("pooled", n, 2 * layers.item.shape[1])
        loops.summarize(
            cube(layers.deep, n),
            _array(network.encoder.hidden.bias),
            layers.person.numpy(),
            _array(network.score.weight)[0],
            _array(network.score.bias),
            scores.numpy(),
            pooled.numpy(),
        )
        hidden = linear(self._of_pooled, pooled, "of_values", self._empty).relu_()
        self._kept = inputs, layers, pooled, hidden
        return Heads(scores, linear(self._of_hidden, hidden, "values", self._empty)[:, 0])

    def backward(self, of_scores: torch.Tensor, of_values: torch.Tensor) -> None:
        """Gives all weights their gradients, after `heads`.

        Args:
          of_scores, of_values: gradients of what `heads` returned.
        """
        assert self._kept is not None
        inputs, layers, pooled, hidden = self._kept
        of_hidden = where_positive(_learn(self._of_hidden, of_values[:, None], hidden), hidden)
        of_pooled = _learn(self._of_pooled, of_hidden, pooled)
        of_deep = self._from_heads(layers.deep, of_scores, of_pooled)
        encoder, width = self._network.encoder, layers.item.shape[1]
        out = {name: _gradient(each) for name, each in weights_of(encoder).items()}
        slopes = of_pooled[:, :width], of_deep
        differentiate(encoder, inputs, layers, slopes, out, self._empty)

    def _from_heads(
        self, deep: torch.Tensor, of_scores: torch.Tensor, of_pooled: torch.Tensor
    ) -> torch.Tensor:
        """Returns the gradient of `Layers.deep`, and gives what made scores of it theirs."""
        score, n = self._network.score, len(of_scores)
        of_deep = self._empty("of_deep", *deep.shape)
        loops.from_heads(
            cube(deep, n),
            _array(score.weight)[0],
            of_scores.numpy(),
            of_pooled.numpy(),
            cube(of_deep, n),
            _gradient(score.weight).numpy()[0],
            _gradient(self._network.encoder.hidden.bias).numpy(),
        )
        _gradient(score.bias)[0] = of_scores.sum()
        return of_deep

    def _empty(self, name: str, n_rows: int, n_columns: int) -> torch.Tensor:
        """Returns memory for so many numbers, the same for the same name."""
        kept = self._memory.get(name)
        if kept is None or len(kept) < n_rows:
            self._memory[name] = kept = torch.empty(n_rows, n_columns)
        return kept[:n_rows]


def _array(weight: torch.Tensor) -> Any:
    return weight.detach().numpy()


def _gradient(weight: torch.Tensor) -> torch.Tensor:
    """Returns where the gradient of a weight is written."""
    if weight.grad is None:
        weight.grad = torch.empty_like(weight)
    return weight.grad


def _learn(layer: nn.Linear, slope: torch.Tensor, given: torch.Tensor) -> torch.Tensor:
    """Writes the gradients of a linear layer, and returns that of what it was given."""
    torch.mm(slope.t(), given, out=_gradient(layer.weight))
    torch.sum(slope, 0, out=_gradient(layer.bias))
    return torch.mm(slope, layer.weight.detach())
