"""`CandidateEncoder` on the CPU, forth and back in compiled loops: the same numbers, much faster.

Import this module where it is used: it needs torch, and compiles.
"""

from typing import Any

import numpy as np
import torch

from recsim_env.agents.networks.encoder import Tensors
from recsim_env.agents.networks.fused_passes import (
    N_AT_ONCE,
    EncoderWeights,
    Layers,
    add_up,
    describe,
    from_described,
    turned,
)
from recsim_env.compiler.kernel_cache import compiled_freely

_ZERO = np.float32(0.0)


def weights_of(encoder: Any) -> list[torch.Tensor]:
    """Returns the weights of an encoder in the order of `EncoderWeights`."""
    person, hidden = encoder.person, encoder.hidden
    first = [person.weight, person.bias, encoder.joint.weight, encoder.select.weight]
    return [*first, hidden.weight, hidden.bias]


def arrays_of(inputs: Tensors) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns what the weights are multiplied with, as compiled loops take it."""
    known, features, joint = (
        np.ascontiguousarray(inputs[name].numpy()) for name in ("known", "features", "joint")
    )
    return known, features, joint


class Described(torch.autograd.Function):
    """`CandidateEncoder.described` for torch to differentiate, once."""

    @staticmethod
    def forward(ctx: Any, encoder: Any, inputs: Any, *weights: torch.Tensor) -> Any:
        """Returns the person and the candidates; weights are those of `weights_of`."""
        ctx.given = arrays_of(inputs)
        ctx.weights = EncoderWeights(*(each.detach().numpy() for each in weights))
        ctx.layers, person, items = _described(ctx.weights, ctx.given, keeps=True)
        ctx.save_for_backward(items)
        return person, items

    @staticmethod
    def backward(ctx: Any, *slopes: Any) -> Any:
        """Returns the gradients of the weights."""
        of_seen, of_items = (each.contiguous().numpy() for each in slopes)
        (items,) = ctx.saved_tensors
        gradients = EncoderWeights(*map(np.zeros_like, ctx.weights))
        differentiate_moments(
            ctx.weights, *ctx.given, ctx.layers, items.numpy(), of_seen, of_items, gradients
        )
        return None, None, *map(torch.from_numpy, gradients)


def described(encoder: Any, inputs: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns the person, (n, w), and the candidates, (n, c, w), as `CandidateEncoder` does."""
    learned = weights_of(encoder)
    if not torch.is_grad_enabled():
        weights = EncoderWeights(*(each.detach().numpy() for each in learned))
        return _described(weights, arrays_of(inputs), keeps=False)[1:]
    found: tuple[torch.Tensor, torch.Tensor] = Described.apply(encoder, inputs, *learned)
    return found


def _described(
    weights: EncoderWeights, given: tuple[np.ndarray, ...], *, keeps: bool
) -> tuple[Layers, torch.Tensor, torch.Tensor]:
    """Returns the layers, which are used up unless they are kept, the person and the candidates."""
    n, n_candidates = given[2].shape[:2]
    width, size = len(weights.hidden), min(max(1, N_AT_ONCE // n_candidates), n)
    of_items = n_candidates, width
    n_kept = n if keeps else size
    layers = Layers(
        np.empty((n_kept, 3 * width), np.float32),
        *(np.empty((rows, *of_items), np.float32) for rows in (n_kept, n_kept, size)),
    )
    person, items = np.empty((n, width), np.float32), np.empty((n, *of_items), np.float32)
    describe_moments(weights, *given, layers, keeps, person, items)
    return layers, torch.from_numpy(person), torch.from_numpy(items)


@compiled_freely
def describe_moments(
    weights: Any,
    known: Any,
    features: Any,
    joint: Any,
    layers: Any,
    keeps: bool,
    person: Any,
    items: Any,
) -> None:
    """Writes the person and the candidates of moments.

    Args:
      weights, known, features, joint: as of `describe`.
      layers: `Layers` of all moments if it keeps them, else memory for some; `deep` for some.
      keeps: whether it does.
      person, items: (n, w) and (n, c, w), are written.
    """
    size, width, forth = len(layers.deep), person.shape[1], turned(weights)
    for start in range(0, len(known), size):
        stop = min(start + size, len(known))
        n = stop - start
        first = start if keeps else 0
        last = first + n
        here = Layers(
            layers.person[first:last],
            layers.selected[first:last],
            layers.item[first:last],
            layers.deep[:n],
        )
        describe(forth, known[start:stop], features[start:stop], joint[start:stop], here)
        for i in range(n):
            for k in range(width):
                seen = here.person[i, k]
                person[start + i, k] = _ZERO if seen <= _ZERO else seen
            for j in range(items.shape[1]):
                for k in range(width):
                    value = here.deep[i, j, k] + weights.hidden_bias[k]
                    items[start + i, j, k] = _ZERO if value <= _ZERO else value


@compiled_freely
def differentiate_moments(
    weights: Any,
    known: Any,
    features: Any,
    joint: Any,
    layers: Any,
    items: Any,
    of_seen: Any,
    of_items: Any,
    gradients: Any,
) -> None:
    """Adds the gradients of all weights, after `describe_moments`.

    Args:
      weights, known, features, joint, layers, items: as there; layers are used up.
      of_seen, of_items: gradients of the person and the candidates.
      gradients: `EncoderWeights`.
    """
    size, width = len(layers.deep), of_seen.shape[1]
    of_person = np.empty((size, 3 * width), np.float32)
    for start in range(0, len(known), size):
        stop = min(start + size, len(known))
        n = stop - start
        here = Layers(
            layers.person[start:stop],
            layers.selected[start:stop],
            layers.item[start:stop],
            layers.deep[:n],
        )
        of_deep = here.deep
        for i in range(n):
            for k in range(width):
                is_seen = here.person[i, k] > _ZERO
                of_person[i, k] = of_seen[start + i, k] if is_seen else _ZERO
            for j in range(items.shape[1]):
                for k in range(width):
                    is_on = items[start + i, j, k] > _ZERO
                    of_deep[i, j, k] = of_items[start + i, j, k] if is_on else _ZERO
            add_up(of_deep[i], gradients.hidden_bias)
        from_described(
            weights,
            known[start:stop],
            features[start:stop],
            joint[start:stop],
            here,
            of_deep,
            of_person[:n],
            gradients,
        )
