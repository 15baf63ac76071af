"""The loss of proximal policy optimisation and its gradient in one pass, on the CPU.

Import this module where it is used: it compiles.
"""

import math
from typing import Any

import numpy as np

from recsim_env.compiler.kernel_cache import compiled_freely

# Candidates that are left, but nearly never shown, weigh this much.
_LEAST = 1e-300


@compiled_freely
def proximal_gradient(
    scores: Any,
    values: Any,
    slates: Any,
    rows: Any,
    n_rows: int,
    clip_range: float,
    entropy: float,
    of_scores: Any,
    of_values: Any,
) -> tuple[float, float]:
    """Returns the losses of policy and values, and writes the gradient of their sum.

    It is that of `proximal.proximal_losses`, where values count half.

    Args:
      scores, values: (n, n_candidates) and (n,), as the network has them.
      slates: (n, slate_size).
      rows: (3, n), log-probabilities by who drew the slates, standardised advantages, returns.
      n_rows: over how many the losses are means, of which these are some.
      clip_range, entropy: as there.
      of_scores, of_values: gradients, are written.
    """
    n, n_candidates = scores.shape
    weight, log_prob_of = np.empty(n_candidates), np.empty(n_candidates)
    of_log_prob, of_entropy = np.empty(n_candidates), np.empty(n_candidates)
    policy_loss, value_loss = 0.0, 0.0
    for i in range(n):
        log_prob, most = 0.0, scores[i].max()
        of_log_prob[:] = 0.0
        of_entropy[:] = 0.0
        for j in range(n_candidates):
            weight[j] = math.exp(scores[i, j] - most)  # in 64 bits: 0 only 700 below the most
        for place in range(slates.shape[1]):
            shown = slates[i, place]
            total = max(weight.sum(), _LEAST)
            log_total = math.log(total) + most
            log_prob += scores[i, shown] - log_total
            of_log_prob[shown] += 1.0
            for j in range(n_candidates):
                of_log_prob[j] -= weight[j] / total
            if entropy > 0.0:
                mean = 0.0
                for j in range(n_candidates):
                    log_prob_of[j] = scores[i, j] - log_total
                    mean += weight[j] / total * log_prob_of[j]
                for j in range(n_candidates):
                    of_entropy[j] -= weight[j] / total * (log_prob_of[j] - mean)
            weight[shown] = 0.0
        advantage, error = rows[1, i], values[i] - rows[2, i]
        ratio = math.exp(log_prob - rows[0, i])
        gain = advantage * ratio
        clipped = advantage * min(max(ratio, 1.0 - clip_range), 1.0 + clip_range)
        slope = gain if gain <= clipped else 0.0
        policy_loss -= min(gain, clipped) / n_rows
        value_loss += error * error / n_rows
        for j in range(n_candidates):
            of_scores[i, j] = -(slope * of_log_prob[j] + entropy * of_entropy[j]) / n_rows
        of_values[i] = error / n_rows
    return policy_loss, value_loss
