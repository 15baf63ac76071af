"""Gradient steps over what was gathered.

Import this module where it is used: it needs torch.
"""

from typing import Any

import numpy as np
import torch

from recsim_env.agents.networks.encoder import Tensors
from recsim_env.agents.policy_gradient.differentiation import Differentiation

# The longest gradient.
_MAX_NORM = 0.5


def take_steps(
    differentiation: Differentiation,
    optimizer: Any,
    rows: Tensors,
    rng: np.random.Generator,
    *,
    n_epochs: int,
    n_minibatches: int,
    **objective: float,
) -> tuple[float, float]:
    """Goes over the rows in minibatches, and returns the last losses of policy and values.

    Args:
      differentiation: of the network.
      optimizer: of its weights, which are changed.
      rows: in random order.
      rng: draws the order of minibatches.
      n_epochs: how often all rows are gone over.
      n_minibatches: parts of the rows, as equal as can be.
      **objective: of `proximal_losses`.
    """
    n_rows = len(rows["advantage"])
    ends = np.linspace(0, n_rows, min(n_minibatches, n_rows) + 1).round().astype(int).tolist()
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    for _ in range(n_epochs):
        for part in rng.permutation(len(ends) - 1).tolist():
            start, stop = ends[part], ends[part + 1]
            minibatch = {name: column[start:stop] for name, column in rows.items()}
            losses = differentiation.differentiate(minibatch, **objective)
            torch.nn.utils.clip_grad_norm_(weights, _MAX_NORM)
            optimizer.step()
    return losses
