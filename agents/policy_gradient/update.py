"""The steps of proximal policy optimisation over what was gathered.

Import this module where it is used: it needs torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from recsim_env.agents.networks.plackett_luce import PlackettLuce

# Of the values' error beside the policy's objective, and the longest gradient.
_VALUE_WEIGHT, _MAX_NORM = 0.5, 0.5

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
    advantage = rows["advantage"]
    if len(advantage) > 1:
        advantage = (advantage - advantage.mean()) / (advantage.std() + _EPSILON)
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


def with_log_prob(rows: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Returns rows with the log-probability of their slates by their `score` and `redundancy`."""
    with torch.no_grad():
        scores, redundancy = rows.pop("score"), rows.pop("redundancy", None)
        policy = PlackettLuce(scores, rows["slate"].shape[1], redundancy)
        return rows | {"log_prob": policy.log_prob(rows["slate"])}


def take_steps(
    network: Any,
    optimizer: Any,
    rows: Mapping[str, torch.Tensor],
    rng: np.random.Generator,
    *,
    n_epochs: int,
    n_minibatches: int,
    **objective: float,
) -> Losses:
    """Goes over the rows `n_epochs` times, in minibatches, and returns the losses of the last.

    Args:
      network, optimizer: are changed.
      rows: in random order.
      rng: draws the order of minibatches.
      n_epochs: how often.
      n_minibatches: parts of the rows, as equal as can be.
      **objective: of `proximal_losses`.
    """
    n_rows = len(rows["advantage"])
    ends = np.linspace(0, n_rows, min(n_minibatches, n_rows) + 1).round().astype(int).tolist()
    parameters = list(network.parameters())
    for _ in range(n_epochs):
        for part in rng.permutation(len(ends) - 1).tolist():
            rows_of_part = {
                name: column[ends[part] : ends[part + 1]] for name, column in rows.items()
            }
            losses = proximal_losses(network, rows_of_part, **objective)
            optimizer.zero_grad()
            losses.total.backward()
            torch.nn.utils.clip_grad_norm_(parameters, _MAX_NORM)
            optimizer.step()
    return losses
