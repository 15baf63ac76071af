"""The loss of proximal policy optimisation and its gradient in one pass, on the CPU.

Import this module where it is used: it compiles.
"""

import math
from typing import Any

import numpy as np

from recsim_env.compiler.kernel_cache import compiled


@compiled
def proximal_gradient(
    scores: Any,
    values: Any,
    slates: Any,
    rows: Any,
    clip_range: float,
    entropy: float,
    of_scores: Any,
    of_values: Any,
) -> tuple[float, float]:
    """Returns the losses of policy and values, and writes the gradient of their sum.

    It is that of `update.proximal_losses`, where values count half.

    Args:
      scores, values: (n, n_candidates) and (n,), as the network has them.
      slates: (n, slate_size).
      rows: (3, n), log-probabilities by who drew the slates, standardised advantages, returns.
      clip_range, entropy: as there.
      of_scores, of_values: gradients, are written.
    """
    n, n_candidates = scores.shape
    chance, is_left = np.empty(n_candidates), np.empty(n_candidates, np.bool_)
    of_log_prob, of_entropy = np.empty(n_candidates), np.empty(n_candidates)
    policy_loss, value_loss = 0.0, 0.0
    for i in range(n):
        log_prob = 0.0
        is_left[:] = True
        of_log_prob[:] = 0.0
        of_entropy[:] = 0.0
        for place in range(slates.shape[1]):
            shown = slates[i, place]
            most, total, spread = -math.inf, 0.0, 0.0
            for j in range(n_candidates):
                if is_left[j]:
                    most = max(most, scores[i, j])
            for j in range(n_candidates):
                chance[j] = math.exp(scores[i, j] - most) if is_left[j] else 0.0
                total += chance[j]
            log_total = math.log(total) + most
            log_prob += scores[i, shown] - log_total
            of_log_prob[shown] += 1.0
            for j in range(n_candidates):
                chance[j] /= total
                of_log_prob[j] -= chance[j]
                if is_left[j]:
                    spread -= chance[j] * (scores[i, j] - log_total)
            if entropy > 0.0:
                for j in range(n_candidates):
                    if is_left[j]:
                        of_entropy[j] -= chance[j] * (scores[i, j] - log_total + spread)
            is_left[shown] = False
        advantage, error = rows[1, i], values[i] - rows[2, i]
        ratio = math.exp(log_prob - rows[0, i])
        gain = advantage * ratio
        clipped = advantage * min(max(ratio, 1.0 - clip_range), 1.0 + clip_range)
        slope = gain if gain <= clipped else 0.0
        policy_loss -= min(gain, clipped) / n
        value_loss += error * error / n
        for j in range(n_candidates):
            of_scores[i, j] = -(slope * of_log_prob[j] + entropy * of_entropy[j]) / n
        of_values[i] = error / n
    return policy_loss, value_loss
