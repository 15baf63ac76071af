"""What is refused of the parts of a log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def check_lengths(columns: Sequence[NDArray[Any] | None]) -> None:
    """Raises ValueError for columns of rows that differ in length, or that are empty."""
    lengths = [len(each) for each in columns if each is not None]
    if len(set(lengths)) > 1:
        raise ValueError(f"the columns differ in length: {lengths}")
    if not lengths[0]:
        raise ValueError("the log is empty; it needs at least one interaction")


def check_described(
    what: str,
    ids: NDArray[Any],
    labels: NDArray[np.str_],
    features: NDArray[np.float32],
    names: NDArray[np.str_],
) -> None:
    """Raises ValueError where ids are none, or what describes people or items does not fit them."""
    if ids.ndim != 1 or ids.dtype.kind not in "iu":
        raise ValueError(f"{what} has shape {ids.shape}, {ids.dtype}; give (n,) whole numbers")
    shape = (len(labels), len(names))
    if features.shape != shape:
        raise ValueError(
            f"{what}_features has shape {features.shape}; for {shape[0]:,} {what}s and"
            f" {shape[1]:,} names of features it must have {shape}"
        )
    if not np.isfinite(features).all():
        raise ValueError(f"{what}_features holds NaN or infinite numbers")


def check_ids(what: str, ids: NDArray[np.integer[Any]], size: int) -> None:
    """Raises ValueError for ids outside 0 to `size`."""
    if ids.min() < 0 or ids.max() >= size:
        raise ValueError(f"{what} ids reach {ids.max()}, but there are {size} {what}s")


def check_context(
    context: NDArray[np.int32] | None, context_labels: Mapping[str, Sequence[str]]
) -> None:
    """Raises ValueError where contexts and their labels do not fit."""
    n = 0 if context is None else context.shape[-1]
    if n != len(context_labels):
        raise ValueError(f"context has {n} columns, and context_labels {len(context_labels)}")
    for k, (name, labels) in enumerate(context_labels.items()):
        codes = np.asarray(context)[:, k]
        if codes.min() < 0 or codes.max() >= len(labels):
            raise ValueError(
                f"context {name!r} reaches {codes.max()}, but there are {len(labels)} labels"
            )


def check_share(share: float) -> None:
    """Raises ValueError for a share that holds out nothing, or everything."""
    if not 0.0 < share < 1.0:
        raise ValueError(f"held_out_share={share} must lie between 0 and 1")
