"""Infos of a batch, in Gymnasium's form, as those of its environments."""

from typing import Any

import numpy as np


def tell_each(infos: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Puts the infos of a batch, in Gymnasium's form, into a dict for each of its environments.

    Numbers become Python's, as a single environment gives them; what a mask (``_name``) leaves out
    is left out, and so are the last observations and infos of episodes that ended.
    """
    for name, values in infos.items():
        if name in ("final_obs", "final_info") or (name[:1] == "_" and name[1:] in infos):
            continue
        parts: list[Any]
        if isinstance(values, dict):
            parts = [{} for _ in rows]
            tell_each(values, parts)
        else:
            parts = values.tolist() if values.ndim == 1 else list(values)
        mask = infos.get(f"_{name}")
        if mask is None or mask.all():
            for row, part in zip(rows, parts, strict=True):
                row[name] = part
        else:
            for index in np.flatnonzero(mask):
                rows[index][name] = parts[index]
