"""Effects of contexts as arrays of a world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from recsim_env.data.calibration.context_fit import ContextEffect
from recsim_env.data.calibration.visits import Integers, moments_of_visits
from recsim_env.data.log import InteractionLog


def world_contexts(
    log: InteractionLog, effects: Sequence[ContextEffect], visits: Integers
) -> dict[str, Any]:
    """Returns the arrays of a `RatedWorld` that are about contexts; none where no effect is real.

    Args:
      log: with the contexts that effects were looked for in.
      effects: what was found.
      visits: first rows of sessions of each person; see `visits_of_users`.
    """
    real = [effect for effect in effects if effect.gain.is_real]
    if not real:
        return {}
    labels = [(name, label) for name, known in log.context_labels.items() for label in known]
    place = {name: [k for k, (of, _) in enumerate(labels) if of == name] for name, _ in labels}
    likings, owners = np.zeros((log.n_users, len(labels)), np.float32), []
    levels: list[np.ndarray] = []
    for effect in real:
        mine = place[effect.context]
        if effect.of == "user":
            likings[:, mine] += effect.of_owners()
            continue
        likings[:, mine] += effect.level_bias
        wide = np.zeros((len(labels), effect.level_factors.shape[1]))
        wide[mine] = effect.level_factors
        levels.append(wide)
        owners.append(effect.factors)
    none = [np.zeros((n, 0)) for n in (len(labels), log.n_items)]
    return {
        "context_labels": np.array([f"{name}={label}" for name, label in labels]),
        "context_factors": np.concatenate([none[0], *levels], axis=1),
        "item_context_factors": np.concatenate([none[1], *owners], axis=1),
        "user_context_liking": likings,
        "user_moments": moments_of_visits(log, visits),
    }
