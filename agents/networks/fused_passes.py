"""`CandidateEncoder` and the heads of `SharedScores`, forth and back in compiled loops.

All of a few moments at a time, so that what one loop leaves the next finds in the cache. Shapes: n
moments, c candidates, w the width, g numbers of the person, k and f what is multiplied with the
weights of `joint` and `select`. All have 32 bits. Import this module where it is used: it compiles.
"""

from typing import Any, NamedTuple

import numpy as np

from recsim_env.agents.networks.fused_loops import from_heads, from_hidden, hide, summarize
from recsim_env.agents.networks.products import product
from recsim_env.compiler.kernel_cache import compiled_freely

_ZERO = np.float32(0.0)

#: So many candidates are described at a time: what is known of them fits a cache of 1 MiB.
N_AT_ONCE = 320


class EncoderWeights(NamedTuple):
    """Arrays of a `CandidateEncoder`'s weights, or of their gradients."""

    person: Any
    person_bias: Any
    joint: Any
    select: Any
    hidden: Any
    hidden_bias: Any


class HeadWeights(NamedTuple):
    """Arrays of the heads of a `SharedScores`, likewise; values come of two layers."""

    score: Any
    score_bias: Any
    value: Any
    value_bias: Any
    last: Any
    last_bias: Any


class Layers(NamedTuple):
    """What the layers of an encoder say.

    Attributes:
      person: (n, 3 w), with the shift and the selection of candidates.
      selected: (n, c, w), what is selected from.
      item: (n, c, w), what the last layer is given.
      deep: (n, c, w), what it says without its bias.
    """

    person: Any
    selected: Any
    item: Any
    deep: Any


@compiled_freely
def flat(x: Any) -> Any:
    """Returns all candidates of (n, c, ...) below each other: a view."""
    return x.reshape(x.shape[0] * x.shape[1], x.shape[2])


@compiled_freely
def layers_for(n: int, n_candidates: int, width: int) -> Any:
    """Returns memory for the layers of n moments."""
    return Layers(
        np.empty((n, 3 * width), np.float32),
        np.empty((n, n_candidates, width), np.float32),
        np.empty((n, n_candidates, width), np.float32),
        np.empty((n, n_candidates, width), np.float32),
    )


@compiled_freely
def piece(layers: Any, start: int, stop: int) -> Any:
    """Returns the layers of some moments."""
    return Layers(
        layers.person[start:stop],
        layers.selected[start:stop],
        layers.item[start:stop],
        layers.deep[start:stop],
    )


@compiled_freely
def turned(weights: Any) -> Any:
    """Returns an encoder's weights with the inputs of each layer below each other."""
    return EncoderWeights(
        np.ascontiguousarray(weights.person.T),
        weights.person_bias,
        np.ascontiguousarray(weights.joint.T),
        np.ascontiguousarray(weights.select.T),
        np.ascontiguousarray(weights.hidden.T),
        weights.hidden_bias,
    )


@compiled_freely
def describe(turned_weights: Any, known: Any, features: Any, joint: Any, layers: Any) -> None:
    """Writes what an encoder's layers say.

    Args:
      turned_weights: as from `turned`.
      known, features, joint: (n, g), (n, c, f) and (n, c, k), see `CandidateEncoder.inputs`.
      layers: `Layers`, are written.
    """
    given = turned_weights
    for i in range(known.shape[0]):
        layers.person[i] = given.person_bias
    product(known, given.person, layers.person, True)
    product(flat(joint), given.joint, flat(layers.item), False)
    product(flat(features), given.select, flat(layers.selected), False)
    hide(layers.item, layers.selected, layers.person)
    product(flat(layers.item), given.hidden, flat(layers.deep), False)


@compiled_freely
def from_described(
    weights: Any,
    known: Any,
    features: Any,
    joint: Any,
    layers: Any,
    of_deep: Any,
    of_person: Any,
    gradients: Any,
) -> None:
    """Adds the gradients of `describe` to those of all weights but the last bias.

    Args:
      weights: `EncoderWeights`.
      known, features, joint: as there.
      layers: as `describe` left them, are used up.
      of_deep: (n, c, w), gradient of `Layers.deep`.
      of_person: (n, 3 w), that of `Layers.person` in the first third; the rest is written.
      gradients: `EncoderWeights`.
    """
    of_item = np.empty_like(of_deep)
    product(flat(of_deep).T, flat(layers.item), gradients.hidden, True)
    product(flat(of_deep), weights.hidden, flat(of_item), False)
    from_hidden(layers.item, layers.selected, layers.person, of_item, of_person)
    product(of_person.T, known, gradients.person, True)
    add_up(of_person, gradients.person_bias)
    product(flat(of_item).T, flat(joint), gradients.joint, True)
    product(flat(layers.selected).T, flat(features), gradients.select, True)


@compiled_freely
def add_up(rows: Any, total: Any) -> None:
    """Adds rows, (n, m), to a total, (m,)."""
    for i in range(rows.shape[0]):
        for k in range(rows.shape[1]):
            total[k] += rows[i, k]


@compiled_freely
def judge(
    turned_weights: Any,
    heads: Any,
    turned_value: Any,
    layers: Any,
    pooled: Any,
    hidden: Any,
    scores: Any,
    values: Any,
) -> None:
    """Writes the scores and values of what `describe` wrote.

    Args:
      turned_weights: as there.
      heads: `HeadWeights`.
      turned_value: the transpose of the first layer of values.
      layers: as `describe` left them; `deep` is changed, see `summarize`.
      pooled, hidden: (n, 2 w) and (n, w), what values come of, are written.
      scores, values: (n, c) and (n,), are written.
    """
    bias = turned_weights.hidden_bias
    summarize(layers.deep, bias, layers.person, heads.score[0], heads.score_bias, scores, pooled)
    for i in range(pooled.shape[0]):
        hidden[i] = heads.value_bias
    product(pooled, turned_value, hidden, True)
    for i in range(pooled.shape[0]):
        total = heads.last_bias[0]
        for k in range(hidden.shape[1]):
            hidden[i, k] = _ZERO if hidden[i, k] <= _ZERO else hidden[i, k]
            total += hidden[i, k] * heads.last[0, k]
        values[i] = total


@compiled_freely
def from_judged(
    heads: Any,
    layers: Any,
    pooled: Any,
    hidden: Any,
    of_scores: Any,
    of_values: Any,
    of_deep: Any,
    of_person: Any,
    of_heads: Any,
    of_bias: Any,
) -> None:
    """Adds the gradients of `judge` to those of the heads' weights, and writes the others.

    Args:
      heads, layers, pooled, hidden: as `judge` left them; `hidden` is used up.
      of_scores, of_values: gradients, (n, c) and (n,).
      of_deep, of_person: are written, as `from_described` takes them.
      of_heads: `HeadWeights`, are added to.
      of_bias: gradient of the encoder's last bias, likewise.
    """
    n, width = hidden.shape
    for i in range(n):
        of_heads.last_bias[0] += of_values[i]
        for k in range(width):
            of_heads.last[0, k] += of_values[i] * hidden[i, k]
            hidden[i, k] = of_values[i] * heads.last[0, k] if hidden[i, k] > _ZERO else _ZERO
    add_up(hidden, of_heads.value_bias)
    product(hidden.T, pooled, of_heads.value, True)
    of_pooled = np.empty_like(pooled)
    product(hidden, heads.value, of_pooled, False)
    from_heads(
        layers.deep, heads.score[0], of_scores, of_pooled, of_deep, of_heads.score[0], of_bias
    )
    of_heads.score_bias[0] += of_scores.sum()
    for i in range(n):
        for k in range(width):
            of_person[i, k] = of_pooled[i, k] if layers.person[i, k] > _ZERO else _ZERO
