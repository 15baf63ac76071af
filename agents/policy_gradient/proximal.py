"""The objective of proximal policy optimisation.

Import this module where it is used: it needs torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from recsim_env.agents.networks.encoder import tempered
from recsim_env.agents.networks.plackett_luce import PlackettLuce

# Of the values' error beside the policy's objective.
_VALUE_WEIGHT = 0.5

_EPSILON = 1e-8

# Of a column of responses.
_LEAST_VARIANCE = 1e-3


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
    network: Any,
    rows: Mapping[str, torch.Tensor],
    *,
    clip_range: float,
    entropy: float,
    response_weight: float = 0.0,
) -> Losses:
    """Returns the losses of a minibatch.

    Args:
      network: gives `heads`.
      rows: its inputs, and `slate`, `log_prob` of the policy that drew it, `advantage`, `return`;
        where responses are predicted, `response`, what they were.
      clip_range: how far the probability of a slate may move, as a ratio.
      entropy: weight of the policy's entropy.
      response_weight: of the error of the responses that are predicted.
    """
    scores, values, redundancy, responses = network.heads(rows)
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
    if responses is not None:
        total = total + response_weight * _response_error(responses, rows)
    return Losses(total, -gain, error)


def _response_error(responses: torch.Tensor, rows: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Returns the mean squared error of the responses to what was shown, in units of variances.

    A single response has none, and its error stays as it is.
    """
    places = rows["slate"][:, :, None].expand(-1, -1, responses.shape[2])
    true = tempered(rows["response"])
    shown = true.flatten(0, 1)
    squared: torch.Tensor = (responses.gather(1, places) - true) ** 2
    if len(shown) > 1:
        squared = squared / (shown.var(dim=0) + _LEAST_VARIANCE)
    return squared.mean()


def standardized(advantage: torch.Tensor) -> torch.Tensor:
    """Returns advantages of mean 0 and deviation 1, (n,); a single one as it is."""
    if len(advantage) < 2:
        return advantage
    return (advantage - advantage.mean()) / (advantage.std() + _EPSILON)
