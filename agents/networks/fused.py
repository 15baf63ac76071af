"""`SharedScores` on the CPU, from what is seen to slates in one compiled loop.

Import this module where it is used: it needs torch, and compiles.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from recsim_env.agents.networks.drawing import fill
from recsim_env.agents.networks.fused_encoder import weights_of
from recsim_env.agents.networks.fused_inputs import compare, read
from recsim_env.agents.networks.fused_passes import (
    N_AT_ONCE,
    EncoderWeights,
    HeadWeights,
    describe,
    judge,
    layers_for,
    piece,
    turned,
)
from recsim_env.compiler.kernel_cache import compiled_freely
from recsim_env.engine.threads import Threads

_INPUTS = "known", "features", "joint"

# A thread looks at least at this many moments.
_N_OF_THREAD = 64


class FusedScores:
    """Computes what a `SharedScores` with our own encoder of fields does.

    Args:
      network: whose weights are used; it is on the CPU.
      threads: that share the work; what comes of it is the same by any number of them.

    Attributes:
      learned: the weights, in the order of `EncoderWeights` and `HeadWeights`.
    """

    def __init__(self, network: Any, threads: Threads) -> None:
        self._encoder, self._threads = network.encoder, threads
        heads = network.score, network.value[0], network.value[2]
        of_heads = [each for head in heads for each in (head.weight, head.bias)]
        self.learned: list[torch.Tensor] = [*weights_of(network.encoder), *of_heads]
        self._addresses: list[int] = []
        self._weights: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """Returns what a copy is made from, which makes views of its own weights."""
        return vars(self) | {"_addresses": [], "_weights": None}

    @property
    def weights(self) -> tuple[EncoderWeights, HeadWeights]:
        """Views of the weights, made anew where these have moved."""
        addresses = [each.data_ptr() for each in self.learned]
        if addresses != self._addresses:
            arrays, n = (
                [each.detach().numpy() for each in self.learned],
                len(EncoderWeights._fields),
            )
            self._weights = EncoderWeights(*arrays[:n]), HeadWeights(*arrays[n:])
            self._addresses = addresses
        return self._weights

    def look(
        self,
        seen: Mapping[str, np.ndarray],
        noise: np.ndarray,
        slates: np.ndarray,
        log_prob: np.ndarray,
        *,
        kept: Mapping[str, np.ndarray],
        places: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns scores and values of n moments, and draws slates by the scores.

        Args:
          seen: fields of observations.
          noise, slates, log_prob: as of `fill`.
          kept: where what the weights are multiplied with is kept, by name; rows of it.
          places: which rows, (n,); none keeps nothing.
        """
        given = read(self._encoder, seen)
        n, n_candidates = given[0].shape[:2]
        scores, values = np.empty((n, n_candidates), np.float32), np.empty(n, np.float32)
        rows = tuple(kept[name].reshape(len(kept[name]), -1) for name in _INPUTS)
        arguments = *self.weights, *given, noise, slates, log_prob, scores, values, rows, places
        self._threads.run(look_at_moments, arguments, n, least=_N_OF_THREAD)
        return scores, values


@compiled_freely
def look_at_moments(
    encoder: Any,
    heads: Any,
    features: Any,
    beside: Any,
    known: Any,
    starts: Any,
    n_blocks: int,
    noise: Any,
    slates: Any,
    log_prob: Any,
    scores: Any,
    values: Any,
    kept: Any,
    places: Any,
    start: int,
    stop: int,
) -> None:
    """Writes what `FusedScores.look` returns, of moments from `start` to `stop`.

    Args:
      encoder, heads: `EncoderWeights` and `HeadWeights`.
      features, beside, known, starts, n_blocks: as of `compare`.
      noise, slates, log_prob: as of `fill`.
      scores, values: (n, c) and (n,), are written.
      kept, places: as of `look`, by number.
    """
    n_candidates, width = features.shape[1], encoder.hidden.shape[0]
    size = min(max(1, N_AT_ONCE // n_candidates), stop - start)
    forth, forth_value = turned(encoder), np.ascontiguousarray(heads.value.T)
    described = np.empty((size, n_candidates, encoder.select.shape[1]), np.float32)
    joint = np.empty((size, n_candidates, encoder.joint.shape[1]), np.float32)
    layers, alone = layers_for(size, n_candidates, width), np.empty((0, 0, 0), np.float32)
    pooled, hidden = np.empty((size, 2 * width), np.float32), np.empty((size, width), np.float32)
    for first in range(start, stop, size):
        last = min(first + size, stop)
        n = last - first
        own, person, here = features[first:last], known[first:last], piece(layers, 0, n)
        compare(own, beside[first:last], person, starts, n_blocks, described[:n], joint[:n])
        describe(forth, person, described[:n], joint[:n], here)
        judged = scores[first:last]
        judge(forth, heads, forth_value, here, pooled[:n], hidden[:n], judged, values[first:last])
        fill(judged, alone, noise[:, first:last], slates[first:last], log_prob[first:last])
        if len(places):
            _keep(kept[0], places[first:last], person)
            _keep(kept[1], places[first:last], flat_rows(described[:n]))
            _keep(kept[2], places[first:last], flat_rows(joint[:n]))


@compiled_freely
def flat_rows(x: Any) -> Any:
    """Returns all numbers of each of (n, c, m) side by side: a view."""
    return x.reshape(x.shape[0], x.shape[1] * x.shape[2])


@compiled_freely
def _keep(column: Any, places: Any, rows: Any) -> None:
    """Writes rows, (n, m), to their places in a column, (n_places, m)."""
    for i in range(len(places)):
        place = places[i]
        for k in range(rows.shape[1]):
            column[place, k] = rows[i, k]
