"""How an actor-critic is computed and differentiated: by torch, or by hand where that is faster.

Import this module where it is used: it needs torch.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch

from recsim_env.agents.networks.compute import as_tensors
from recsim_env.agents.networks.encoder import Tensors
from recsim_env.agents.networks.shared_scores import Heads, SharedScores
from recsim_env.agents.policy_gradient.proximal import proximal_losses, standardized


class Differentiation(Protocol):
    """Computes a network without gradients, and the gradients of a minibatch."""

    def inputs(self, seen: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
        """Returns what the weights are multiplied with, until the next call."""

    def heads(self, inputs: Tensors) -> Heads:
        """Returns what the network says of them, until the next call."""

    def differentiate(
        self, rows: Tensors, *, clip_range: float, entropy: float
    ) -> tuple[float, float]:
        """Gives the weights their gradients, and returns the losses of policy and values."""


class ByTorch:
    """Whatever the network is, and wherever."""

    def __init__(self, network: Any, device: torch.device) -> None:
        self._network, self._device = network, device

    def inputs(self, seen: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
        """Returns what the weights are multiplied with."""
        with torch.inference_mode():
            found: dict[str, torch.Tensor] = self._network.inputs(as_tensors(seen, self._device))
        return found

    def heads(self, inputs: Tensors) -> Heads:
        """Returns what the network says of them."""
        with torch.inference_mode():
            found: Heads = self._network.heads(inputs)
        return found

    def differentiate(
        self, rows: Tensors, *, clip_range: float, entropy: float
    ) -> tuple[float, float]:
        """Gives the weights their gradients, and returns the losses of policy and values."""
        losses = proximal_losses(self._network, rows, clip_range=clip_range, entropy=entropy)
        self._network.zero_grad()
        losses.total.backward()
        return float(losses.policy.item()), float(losses.value.item())


class ByHand:
    """`SharedScores` with our own encoder and scores that stand alone, on the CPU."""

    def __init__(self, network: SharedScores) -> None:
        from recsim_env.agents.networks.fused import FusedScores

        self._fused = FusedScores(network)
        self.inputs, self.heads = self._fused.inputs, self._fused.heads

    def differentiate(
        self, rows: Tensors, *, clip_range: float, entropy: float
    ) -> tuple[float, float]:
        """Gives the weights their gradients, and returns the losses of policy and values."""
        from recsim_env.agents.policy_gradient.fused_loss import proximal_gradient

        scores, values, _ = self.heads(rows)
        of_scores, of_values = torch.empty_like(scores), torch.empty_like(values)
        losses: tuple[float, float] = proximal_gradient(
            scores.numpy(),
            values.numpy(),
            rows["slate"].numpy(),
            torch.stack(
                [rows["log_prob"], standardized(rows["advantage"]), rows["return"]]
            ).numpy(),
            clip_range,
            entropy,
            of_scores.numpy(),
            of_values.numpy(),
        )
        self._fused.backward(of_scores, of_values)
        return losses


def differentiation_of(network: Any, device: torch.device) -> Differentiation:
    """Returns the fastest way to compute a network on a device."""
    is_ours = isinstance(network, SharedScores) and network.is_ours
    if device.type == "cpu" and is_ours and network.redundancy is None:
        return ByHand(network)
    return ByTorch(network, device)
