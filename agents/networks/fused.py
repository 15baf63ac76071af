"""`SharedScores` on the CPU, forth and back in compiled loops: the same numbers, much faster.

Import this module where it is used: it needs torch, and compiles.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from recsim_env.agents.networks.encoder import Inputs, Tensors
from recsim_env.agents.networks.fused_encoder import arrays_of, weights_of
from recsim_env.agents.networks.fused_inputs import N_OF_THREAD, inputs_of
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
from recsim_env.agents.networks.shared_scores import Heads
from recsim_env.compiler.kernel_cache import compiled_freely
from recsim_env.engine.threads import Threads


class FusedScores:
    """Computes what a `SharedScores` with our own encoder does.

    Args:
      network: whose weights are used; it is on the CPU.
      threads: that share the work; what comes of it is the same by any number of them.

    Attributes:
      learned: the weights, in the order of `EncoderWeights` and `HeadWeights`.
    """

    def __init__(self, network: Any, threads: Threads) -> None:
        self._encoder, self._threads = network.encoder, threads
        self._inputs: Inputs | None = None
        heads = network.score, network.value[0], network.value[2]
        of_heads = [each for head in heads for each in (head.weight, head.bias)]
        self.learned: list[torch.Tensor] = [*weights_of(network.encoder), *of_heads]

    @property
    def weights(self) -> tuple[EncoderWeights, HeadWeights]:
        """Views of the weights."""
        arrays = [each.detach().numpy() for each in self.learned]
        n = len(EncoderWeights._fields)
        return EncoderWeights(*arrays[:n]), HeadWeights(*arrays[n:])

    def inputs(self, seen: Mapping[str, np.ndarray]) -> Inputs:
        """Returns what the weights are multiplied with, until the next call.

        See `CandidateEncoder.inputs`.
        """
        if self._encoder.fields:
            self._inputs = inputs_of(self._encoder, seen, threads=self._threads, out=self._inputs)
            return self._inputs
        return self._encoder.inputs({name: torch.from_numpy(each) for name, each in seen.items()})

    def heads(self, inputs: Tensors) -> Heads:
        """Returns scores and values."""
        given = arrays_of(inputs)
        n, n_candidates = given[2].shape[:2]
        scores, values = np.empty((n, n_candidates), np.float32), np.empty(n, np.float32)
        arguments = (*self.weights, *given, scores, values)
        self._threads.run(judge_moments, arguments, n, least=N_OF_THREAD)
        return Heads(torch.from_numpy(scores), torch.from_numpy(values))


@compiled_freely
def judge_moments(
    encoder: Any,
    heads: Any,
    known: Any,
    features: Any,
    joint: Any,
    scores: Any,
    values: Any,
    start: int,
    stop: int,
) -> None:
    """Writes the scores and values of moments from `start` to `stop`; see `judge`."""
    n_candidates, width = joint.shape[1], encoder.hidden.shape[0]
    size = min(max(1, N_AT_ONCE // n_candidates), stop - start)
    forth, forth_value = turned(encoder), np.ascontiguousarray(heads.value.T)
    layers = layers_for(size, n_candidates, width)
    pooled, hidden = np.empty((size, 2 * width), np.float32), np.empty((size, width), np.float32)
    for first in range(start, stop, size):
        last = min(first + size, stop)
        n = last - first
        here = piece(layers, 0, n)
        describe(forth, known[first:last], features[first:last], joint[first:last], here)
        judge(
            forth,
            heads,
            forth_value,
            here,
            pooled[:n],
            hidden[:n],
            scores[first:last],
            values[first:last],
        )
