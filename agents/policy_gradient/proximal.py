"""The objective of proximal policy optimisation.

Import this module where it is used: it needs torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from recsim_env.agents.networks.plackett_luce import PlackettLuce

# Of the values' error beside the policy's objective.
_VALUE_WEIGHT = 0.5

_EPSILON = 1e-8


@dataclass(frozen=True)
class Losses:
    """What a minibatch says.

    Attributes:
      total: what is minimised, a tensor.
      policy, value: of which it is made.
    """

    total: torch.Tensor
    policy: torch.Tensor
    value: torch.Tensor


def proximal_losses(
    network: Any, rows: Mapping[str, torch.Tensor], *, clip_range: float, entropy: float
) -> Losses:
    """Returns the losses of a minibatch.

    Args:
      network: gives `heads`.
      rows: its inputs, and `slate`, `log_prob` of the policy that drew it, `advantage`, `return`.
      clip_range: how far the probability of a slate may move, as a ratio.
      entropy: weight of the policy's entropy.
    """
    scores, values, redundancy = network.heads(rows)
    policy = PlackettLuce(scores, rows["slate"].shape[1], redundancy)
    advantage = standardized(rows["advantage"])
    if entropy:
        log_prob, entropies = policy.log_prob_and_entropy(rows["slate"])
    else:
        log_prob = policy.log_prob(rows["slate"])
    ratio = (log_prob - rows["log_prob"]).exp()
    clipped = ratio.clamp(1.0 - clip_range, 1.0 + clip_range)
    gain = torch.min(advantage * ratio, advantage * clipped).mean()
    error = torch.nn.functional.mse_loss(values, rows["return"])
    total = _VALUE_WEIGHT * error - gain
    if entropy:
        total = total - entropy * entropies.mean()
    return Losses(total, -gain, error)


def standardized(advantage: torch.Tensor) -> torch.Tensor:
    """Returns advantages of mean 0 and deviation 1, (n,); a single one as it is."""
    if len(advantage) < 2:
        return advantage
    return (advantage - advantage.mean()) / (advantage.std() + _EPSILON)
