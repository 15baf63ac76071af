"""How an actor-critic is computed and differentiated: by torch, or by hand where that is faster.

Import this module where it is used: it needs torch.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import torch

from recsim_env.agents.networks.compute import as_tensors, computing
from recsim_env.agents.networks.drawing import drawn, gumbel
from recsim_env.agents.networks.encoder import Tensors, compute_by_hand
from recsim_env.agents.networks.shared_scores import Heads, SharedScores
from recsim_env.agents.policy_gradient.proximal import proximal_losses, standardized
from recsim_env.agents.policy_gradient.rollout import Rollout
from recsim_env.engine.threads import Threads

#: Fields of what is seen, (n, ...) each.
Seen = Mapping[str, np.ndarray]


def scores_of(heads: Heads) -> tuple[np.ndarray, np.ndarray | None]:
    """Returns by what slates are drawn, as arrays."""
    less = heads.redundancy
    return heads.scores.cpu().numpy(), None if less is None else less.cpu().numpy()


class Differentiation(Protocol):
    """Computes a network without gradients, and the gradients of a minibatch."""

    def inputs(self, seen: Seen) -> dict[str, torch.Tensor]:
        """Returns what the weights are multiplied with."""

    def judge(self, seen: Seen) -> Heads:
        """Returns what the network says of moments."""

    def act(
        self, seen: Seen, rollout: Rollout, slate_size: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Returns drawn slates, (n, slate_size), and keeps of what, and how likely they were."""

    def differentiate(
        self, rows: Tensors, *, clip_range: float, entropy: float, response_weight: float = 0.0
    ) -> tuple[float, float]:
        """Gives the weights their gradients, and returns the losses of policy and values."""


class ByTorch:
    """Whatever the network is, and wherever."""

    def __init__(self, network: Any, device: torch.device) -> None:
        self._network, self._device = network, device
        self._is_own = not getattr(network, "is_ours", True)  # may drop out what it sees

    def inputs(self, seen: Seen) -> dict[str, torch.Tensor]:
        """Returns what the weights are multiplied with."""
        with computing(), torch.inference_mode():
            found: dict[str, torch.Tensor] = self._network.inputs(as_tensors(seen, self._device))
        return found

    def judge(self, seen: Seen) -> Heads:
        """Returns what the network says of moments."""
        return self._heads(self.inputs(seen))

    def _heads(self, inputs: Tensors) -> Heads:
        with computing(), torch.inference_mode():
            found: Heads = self._network.heads(inputs)
        return found

    def act(
        self, seen: Seen, rollout: Rollout, slate_size: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Returns drawn slates, (n, slate_size), and keeps of what, and how likely they were."""
        inputs = self.inputs(seen)
        heads = self._heads(inputs)
        slates, log_prob = drawn(*scores_of(heads), slate_size, rng)
        rollout.see(heads.values, {**inputs, "slate": slates, "log_prob": log_prob})
        return slates

    def differentiate(
        self, rows: Tensors, *, clip_range: float, entropy: float, response_weight: float = 0.0
    ) -> tuple[float, float]:
        """Gives the weights their gradients, and returns the losses of policy and values."""
        if self._is_own:
            self._network.train()
        losses = proximal_losses(
            self._network,
            rows,
            clip_range=clip_range,
            entropy=entropy,
            response_weight=response_weight,
        )
        if self._is_own:
            self._network.eval()
        self._network.zero_grad()
        losses.total.backward()
        return float(losses.policy.item()), float(losses.value.item())


class ByHand:
    """`SharedScores` with our own encoder and scores that stand alone, on the CPU."""

    def __init__(self, network: SharedScores, n_threads: int = 1) -> None:
        from recsim_env.agents.networks.fused import FusedScores

        self._network: Any = network
        self._threads = Threads(n_threads)
        self._fused = FusedScores(network, self._threads)
        self._sizes = [each.numel() for each in self._fused.learned]

    def inputs(self, seen: Seen) -> dict[str, torch.Tensor]:
        """Returns what the weights are multiplied with."""
        from recsim_env.agents.networks.fused_inputs import inputs_of

        return inputs_of(self._network.encoder, seen)

    def judge(self, seen: Seen) -> Heads:
        """Returns what the network says of moments."""
        n, n_candidates = seen["candidates"].shape[:2]
        nothing = np.empty((n, 0), np.int64), np.empty(n, np.float32)
        noise, nowhere = np.zeros((1, n, n_candidates), np.float32), np.empty(0, np.int64)
        kept = {name: each.numpy() for name, each in self._no_inputs(n_candidates).items()}
        found = self._fused.look(seen, noise, *nothing, kept=kept, places=nowhere)
        return Heads(*map(torch.from_numpy, found))

    def _no_inputs(self, n_candidates: int) -> dict[str, torch.Tensor]:
        """Returns what `inputs` does of one moment, whatever it is."""
        encoder = self._network.encoder
        return {
            "known": torch.empty(1, encoder.person.in_features),
            "features": torch.empty(1, n_candidates, encoder.select.in_features),
            "joint": torch.empty(1, n_candidates, encoder.joint.in_features),
        }

    def act(
        self, seen: Seen, rollout: Rollout, slate_size: int, rng: np.random.Generator
    ) -> np.ndarray:
        """Returns drawn slates, (n, slate_size), and keeps of what, and how likely they were."""
        n, n_candidates = seen["candidates"].shape[:2]
        slates, log_prob = np.empty((n, slate_size), np.int64), np.empty(n, np.float32)
        noise = gumbel((n, n_candidates), rng)[None]
        places, kept = rollout.room(self._no_inputs(n_candidates))
        rows = {name: each.numpy() for name, each in kept.items()}
        _, values = self._fused.look(seen, noise, slates, log_prob, kept=rows, places=places)
        rollout.see(torch.from_numpy(values), {"slate": slates, "log_prob": log_prob})
        return slates

    def differentiate(
        self, rows: Tensors, *, clip_range: float, entropy: float, response_weight: float = 0.0
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
    is_ours = isinstance(network, SharedScores) and network.is_ours and network.encoder.fields
    if device.type == "cpu" and is_ours and network.redundancy is network.response is None:
        return ByHand(network, n_threads)
    compute_by_hand(network)  # where it has encoders of ours, these at least
    return ByTorch(network, device)
