"""What the weights of a `CandidateEncoder` are multiplied with, in compiled loops on the CPU.

Shapes: n moments, c candidates of f features and b numbers more, g numbers of the person, r rows of
those that compare with features. All numbers have 32 bits. Import this module where it is used: it
needs torch, and compiles.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from recsim_env.agents.networks.encoder import Inputs
from recsim_env.agents.networks.products import product
from recsim_env.compiler.kernel_cache import compiled_freely

_ZERO, _HALF, _ONE = np.float32(0.0), np.float32(0.5), np.float32(1.0)

# As bits: the root of 1/2, and where a number has its fraction.
_ROOT, _FRACTION = np.int32(0x3F3504F3), np.int32(0x007FFFFF)

# log(1 + y) = y - y²/2 + y³ p(y), and log 2 in two parts, of which the first has few bits.
_LOG = tuple(
    np.float32(factor)
    for factor in (
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    )
)
_LARGEST = np.finfo(np.float32).max
_LOG2, _LOG2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)


def inputs_of(encoder: Any, observation: Mapping[str, np.ndarray]) -> Inputs:
    """Returns what `CandidateEncoder.inputs` does, of an encoder that has fields."""
    features, beside, known, starts, n_blocks = read(encoder, observation)
    of_items = features.shape[:2]
    described = np.empty((*of_items, encoder.select.in_features), np.float32)
    joint = np.empty((*of_items, encoder.joint.in_features), np.float32)
    compare(features, beside, known, starts, n_blocks, described, joint)
    found = {"known": known, "features": described, "joint": joint}
    return Inputs((name, torch.from_numpy(each)) for name, each in found.items())


def read(encoder: Any, observation: Mapping[str, np.ndarray]) -> tuple[Any, ...]:
    """Returns the first arguments of `compare`, as an encoder reads an observation."""
    features = np.asarray(observation["candidates"], np.float32)
    n, n_candidates = features.shape[:2]
    sides = [observation[name] for name in encoder.beside]
    beside = np.empty((n, n_candidates, 0), np.float32)
    if sides:
        beside = np.concatenate(sides, axis=2, dtype=np.float32)
    fields = [observation[name].reshape(n, -1) for name in encoder.fields]
    known = np.concatenate(fields, axis=1, dtype=np.float32)
    return features, beside, known, encoder.starts, len(encoder.blocks)


@compiled_freely
def compare(
    features: Any,
    beside: Any,
    known: Any,
    starts: Any,
    n_blocks: int,
    described: Any,
    joint: Any,
) -> None:
    """Writes what of candidates and person compares; see `CandidateEncoder`.

    Args:
      features, beside: (n, c, f) and (n, c, b), what is seen of candidates.
      known: (n, g), of the person; is `tempered`.
      starts: (r,), where in `known` the rows begin that compare with features, the blocks first.
      n_blocks: how many.
      described: (n, c, f + b), is written: of the candidates, what is beside them `tempered`.
      joint: (n, c, f (1 + n_blocks) + 2 r + b), is written, `tempered`.
    """
    n, n_candidates, width = features.shape
    n_rows, n_joint, n_beside = len(starts), joint.shape[2], beside.shape[2]
    size = max(n_candidates * n_joint, known.shape[1])
    magnitude, mantissa = np.empty(size, np.float32), np.empty(size, np.int32)
    exponent = np.empty(size, np.float32)
    of_dots = (1 + n_blocks) * width
    of_kinds, of_beside = of_dots + n_rows, n_joint - n_beside
    turned = np.empty((width, n_rows), np.float32)
    for person in range(n):
        for place in range(n_rows):
            for k in range(width):
                turned[k, place] = known[person, starts[place] + k]
        for item in range(n_candidates):  # a view of each would cost more than what is done here
            kind, most = 0, features[person, item, 0]
            for k in range(width):
                feature = features[person, item, k]
                described[person, item, k] = joint[person, item, k] = feature
                if feature > most:
                    kind, most = k, feature
            for block in range(n_blocks):
                for k in range(width):
                    product_of_both = described[person, item, k] * known[person, starts[block] + k]
                    joint[person, item, (1 + block) * width + k] = product_of_both
            for place in range(n_rows):
                joint[person, item, of_kinds + place] = turned[kind, place]
            for k in range(n_beside):
                joint[person, item, of_beside + k] = beside[person, item, k]
        person_joint = joint[person]
        product(described[person][:, :width], turned, person_joint[:, of_dots:of_kinds], False)
        temper(person_joint.reshape(-1), magnitude, mantissa, exponent)
        temper(known[person], magnitude, mantissa, exponent)
        for item in range(n_candidates):
            for k in range(n_beside):
                described[person, item, width + k] = joint[person, item, of_beside + k]


@compiled_freely
def temper(x: Any, magnitude: Any, mantissa: Any, exponent: Any) -> None:
    """Turns x into sign(x) log(1 + |x|), in place: to about 1e-7, and to the last bits of large x.

    A logarithm is that of the mantissa, between the roots of 1/2 and 2, by a polynomial, and a
    multiple of log 2; so it is computed for several numbers at once, which a call is not.

    Args:
      x: (n,), is changed; infinite and NaN stay as they are.
      magnitude, mantissa, exponent: (n,), memory, the mantissa of integers.

    Source: the polynomial of Moshier's Cephes library (logf).
    """
    bits, fraction = magnitude.view(np.int32), mantissa.view(np.float32)
    for k in range(x.shape[0]):
        magnitude[k] = _ONE + abs(x[k])
    for k in range(x.shape[0]):
        shifted = bits[k] - _ROOT  # carries into the exponent above the root of 2
        exponent[k] = np.float32(shifted >> 23)
        mantissa[k] = (shifted & _FRACTION) + _ROOT
    for k in range(x.shape[0]):
        y = fraction[k] - _ONE
        z = y * y
        found = _LOG[0]
        for factor in _LOG[1:]:
            found = found * y + factor
        found = y + (y * z * found + exponent[k] * _LOG2_LOW - z * _HALF) + exponent[k] * _LOG2
        x[k] = math.copysign(found, x[k]) if abs(x[k]) <= _LARGEST else x[k]
