"""The gradient of a minibatch of proximal policy optimisation in compiled loops, on the CPU.

A minibatch is cut into parts of equal size, whose gradients are summed in their order: so it is the
same by any number of threads. Import this module where it is used: it compiles.
"""

from typing import Any

import numpy as np

from recsim_env.agents.networks.fused_passes import (
    N_AT_ONCE,
    EncoderWeights,
    HeadWeights,
    describe,
    from_described,
    from_judged,
    judge,
    layers_for,
    piece,
    turned,
)
from recsim_env.agents.policy_gradient.fused_loss import proximal_gradient
from recsim_env.compiler.kernel_cache import compiled_freely

#: Moments of a part.
PART = 64


@compiled_freely
def gradient_of_parts(
    encoder: Any,
    heads: Any,
    known: Any,
    features: Any,
    joint: Any,
    slates: Any,
    rows: Any,
    clip_range: float,
    entropy: float,
    gradients: Any,
    losses: Any,
    start: int,
    stop: int,
) -> None:
    """Writes the gradients of parts from `start` to `stop`, and their losses.

    Args:
      encoder, heads: `EncoderWeights` and `HeadWeights`.
      known, features, joint: of all moments, as `describe` takes them.
      slates, rows, clip_range, entropy: as of `proximal_gradient`.
      gradients: (n_parts, n_weights), are written, in the order of the weights.
      losses: (n_parts, 2), of policy and values, likewise.
    """
    n_rows, n_candidates, width = len(known), joint.shape[1], encoder.hidden.shape[0]
    size = min(max(1, N_AT_ONCE // n_candidates), PART)
    forth, forth_value = turned(encoder), np.ascontiguousarray(heads.value.T)
    layers = layers_for(size, n_candidates, width)
    pooled, hidden = np.empty((size, 2 * width), np.float32), np.empty((size, width), np.float32)
    scores, values = np.empty((size, n_candidates), np.float32), np.empty(size, np.float32)
    of_scores, of_values = np.empty_like(scores), np.empty_like(values)
    of_deep, of_person = np.empty_like(layers.deep), np.empty_like(layers.person)
    gradients[start:stop] = 0.0
    losses[start:stop] = 0.0
    for part in range(start, stop):
        of_encoder, of_heads = _carved(gradients[part], encoder, heads)
        end = min((part + 1) * PART, n_rows)
        for first in range(part * PART, end, size):
            last = min(first + size, end)
            n = last - first
            here, given = piece(layers, 0, n), (known[first:last], features[first:last])
            describe(forth, given[0], given[1], joint[first:last], here)
            judge(forth, heads, forth_value, here, pooled[:n], hidden[:n], scores[:n], values[:n])
            found = proximal_gradient(
                scores[:n],
                values[:n],
                slates[first:last],
                rows[:, first:last],
                n_rows,
                clip_range,
                entropy,
                of_scores[:n],
                of_values[:n],
            )
            losses[part, 0] += found[0]
            losses[part, 1] += found[1]
            from_judged(
                heads,
                here,
                pooled[:n],
                hidden[:n],
                of_scores[:n],
                of_values[:n],
                of_deep[:n],
                of_person[:n],
                of_heads,
                of_encoder.hidden_bias,
            )
            from_described(
                encoder,
                given[0],
                given[1],
                joint[first:last],
                here,
                of_deep[:n],
                of_person[:n],
                of_encoder,
            )


@compiled_freely
def _carved(row: Any, encoder: Any, heads: Any) -> Any:
    """Returns views of a row of numbers as arrays like those of the weights, in their order."""
    ends = np.cumsum(
        np.array(
            [
                0,
                encoder.person.size,
                encoder.person_bias.size,
                encoder.joint.size,
                encoder.select.size,
                encoder.hidden.size,
                encoder.hidden_bias.size,
                heads.score.size,
                heads.score_bias.size,
                heads.value.size,
                heads.value_bias.size,
                heads.last.size,
                heads.last_bias.size,
            ]
        )
    )
    return (
        EncoderWeights(
            row[ends[0] : ends[1]].reshape(encoder.person.shape),
            row[ends[1] : ends[2]],
            row[ends[2] : ends[3]].reshape(encoder.joint.shape),
            row[ends[3] : ends[4]].reshape(encoder.select.shape),
            row[ends[4] : ends[5]].reshape(encoder.hidden.shape),
            row[ends[5] : ends[6]],
        ),
        HeadWeights(
            row[ends[6] : ends[7]].reshape(heads.score.shape),
            row[ends[7] : ends[8]],
            row[ends[8] : ends[9]].reshape(heads.value.shape),
            row[ends[9] : ends[10]],
            row[ends[10] : ends[11]].reshape(heads.last.shape),
            row[ends[11] : ends[12]],
        ),
    )
