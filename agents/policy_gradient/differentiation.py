"""How an actor-critic is computed and differentiated: by torch, or by hand where that is faster.

Import this module where it is used: it needs torch.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch

from recsim_env.agents.networks.compute import as_tensors, computing
from recsim_env.agents.networks.encoder import Tensors
from recsim_env.agents.networks.shared_scores import Heads, SharedScores
from recsim_env.agents.policy_gradient.proximal import proximal_losses, standardized
from recsim_env.engine.threads import Threads


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
        with computing(), torch.inference_mode():
            found: dict[str, torch.Tensor] = self._network.inputs(as_tensors(seen, self._device))
        return found

    def heads(self, inputs: Tensors) -> Heads:
        """Returns what the network says of them."""
        with computing(), torch.inference_mode():
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

    def __init__(self, network: SharedScores, n_threads: int = 1) -> None:
        from recsim_env.agents.networks.fused import FusedScores

        self._threads = Threads(n_threads)
        self._fused = FusedScores(network, self._threads)
        self.inputs, self.heads = self._fused.inputs, self._fused.heads
        self._sizes = [each.numel() for each in self._fused.learned]

    def differentiate(
        self, rows: Tensors, *, clip_range: float, entropy: float
    ) -> tuple[float, float]:
        """Gives the weights their gradients, and returns the losses of policy and values."""
        from recsim_env.agents.networks.fused_encoder import arrays_of
        from recsim_env.agents.policy_gradient.fused_gradient import PART, gradient_of_parts

        n_parts = -(-len(rows["return"]) // PART)
        gradients = np.empty((n_parts, sum(self._sizes)), np.float32)
        losses = np.empty((n_parts, 2))
        advantage = standardized(rows["advantage"])
        arguments = (
            *self._fused.weights,
            *arrays_of(rows),
            rows["slate"].numpy(),
            torch.stack([rows["log_prob"], advantage, rows["return"]]).numpy(),
            clip_range,
            entropy,
            gradients,
            losses,
        )
        self._threads.run(gradient_of_parts, arguments, n_parts, least=1)
        whole = torch.from_numpy(gradients.sum(axis=0)).split(self._sizes)
        for weight, gradient in zip(self._fused.learned, whole, strict=True):
            weight.grad = gradient.view(weight.shape)
        policy_loss, value_loss = losses.sum(axis=0).tolist()
        return policy_loss, value_loss


def differentiation_of(
    network: Any, device: torch.device, *, n_threads: int = 1
) -> Differentiation:
    """Returns the fastest way to compute a network on a device."""
    is_ours = isinstance(network, SharedScores) and network.is_ours
    if device.type == "cpu" and is_ours and network.redundancy is None:
        return ByHand(network, n_threads)
    return ByTorch(network, device)
