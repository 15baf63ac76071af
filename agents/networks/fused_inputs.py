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
_LOG2, _LOG2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)


def inputs_of(encoder: Any, observation: Mapping[str, np.ndarray]) -> Inputs:
    """Returns what `CandidateEncoder.inputs` does, of an encoder that has fields."""
    features = observation["candidates"]
    n, n_candidates = features.shape[:2]
    sides = [observation[name] for name in encoder.beside]
    beside = np.concatenate(sides, axis=2) if sides else np.empty((n, n_candidates, 0), np.float32)
    known = np.concatenate([observation[name].reshape(n, -1) for name in encoder.fields], axis=1)
    described = np.empty((n, n_candidates, encoder.select.in_features), np.float32)
    joint = np.empty((n, n_candidates, encoder.joint.in_features), np.float32)
    compare(features, beside, known, encoder.starts, len(encoder.blocks), described, joint)
    found = {"known": known, "features": described, "joint": joint}
    return Inputs((name, torch.from_numpy(each)) for name, each in found.items())


@compiled_freely
def compare(
    features: Any, beside: Any, known: Any, starts: Any, n_blocks: int, described: Any, joint: Any
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
    of_dots, of_kinds = (1 + n_blocks) * width, (1 + n_blocks) * width + n_rows
    for person in range(n):
        person_known, person_joint = known[person], joint[person]
        for item in range(n_candidates):
            feature, out, kept = features[person, item], person_joint[item], described[person, item]
            kind, most = 0, feature[0]
            for k in range(width):
                out[k] = kept[k] = feature[k]
                if feature[k] > most:
                    kind, most = k, feature[k]
            for block in range(n_blocks):
                row = person_known[starts[block] : starts[block] + width]
                products = out[(1 + block) * width : (2 + block) * width]
                for k in range(width):
                    products[k] = kept[k] * row[k]
            for place in range(n_rows):
                row, total = person_known[starts[place] : starts[place] + width], _ZERO
                for k in range(width):
                    total += kept[k] * row[k]
                out[of_dots + place] = total
                out[of_kinds + place] = row[kind]
            for k in range(n_beside):
                out[n_joint - n_beside + k] = beside[person, item, k]
        temper(person_joint.reshape(-1), magnitude, mantissa, exponent)
        temper(person_known, magnitude, mantissa, exponent)
        for item in range(n_candidates):
            for k in range(n_beside):
                described[person, item, width + k] = person_joint[item, n_joint - n_beside + k]


@compiled_freely
def temper(x: Any, magnitude: Any, mantissa: Any, exponent: Any) -> None:
    """Turns x into sign(x) log(1 + |x|), in place, to the last bits of 32.

    A logarithm is that of the mantissa, between the roots of 1/2 and 2, by a polynomial, and a
    multiple of log 2; so it is computed for several numbers at once, which a call is not.

    Args:
      x: (n,), is changed; infinite and NaN become some number.
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
        x[k] = math.copysign(found, x[k])
