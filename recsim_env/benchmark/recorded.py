"""Batches of steps as columns of a log: what was seen, shown and earned, and how likely it was."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from recsim_env.agents.core.slate_distribution import Propensities, shown_of
from recsim_env.agents.core.step_log import POLICY_COLUMNS, STEP_COLUMNS
from recsim_env.agents.core.step_recorder import StepRecorder
from recsim_env.agents.core.transition import Transition
from recsim_env.benchmark.log_steps import HIDDEN
from recsim_env.core.scenario import Scenario

#: A batch of steps, the propensities of all people's slates, and their true states, if kept.
Played = tuple[Transition, Propensities, np.ndarray | None]


def gathered(
    scenario: Scenario, played: Iterator[Played], num_envs: int
) -> tuple[dict[str, np.ndarray], float]:
    """Returns batches as columns, and the largest error of a propensity."""
    recorder, blocks, error = StepRecorder(scenario), list[dict[str, np.ndarray]](), 0.0
    recorder.begin(num_envs)
    ids = sorted(scenario.schema.spaces.keys() - scenario.schema.boxes.keys())
    for transition, propensities, state in played:
        of_policy = _of_policy(ids, transition, propensities)
        blocks.append(recorder.rows(transition) | of_policy | _hidden(state, transition.index))
        error = max(error, propensities.error)
    return {n: np.concatenate([block[n] for block in blocks]) for n in blocks[0]}, error


def _hidden(state: np.ndarray | None, index: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the fields of people's true states as columns; none where they are not kept."""
    if state is None:
        return {}
    fields = {name: state[name][index] for name in state.dtype.names or ()}
    return {
        HIDDEN + name: np.nan_to_num(values, posinf=0.0, neginf=0.0)
        for name, values in fields.items()
        if values.dtype.names is None
    }


def counted(columns: dict[str, np.ndarray], error: float) -> dict[str, Any]:
    """Returns what is said of columns, as JSON values; `error` is that of propensities."""
    return {
        "rows": len(columns["reward"]),
        "sessions": len(np.unique(columns["session_number"])),
        "clicks": int(columns["clicked"].sum()),
        "columns": STEP_COLUMNS | POLICY_COLUMNS,
        "propensity_error": error,
    }


def _of_policy(
    ids: list[str], transition: Transition, propensities: Propensities
) -> dict[str, np.ndarray]:
    """Returns the columns that tell whom the policy met, and what else it could have shown."""
    index, slates = transition.index, transition.slates
    places = propensities.places[index]
    return {name: transition.observation[name] for name in ids} | {
        "slot": index.astype(np.int32),
        "policy": np.zeros(len(index), np.int16),
        "prefix_propensity": propensities.prefix[index],
        "place_propensity": shown_of(places, slates),
        "candidate_propensity": places,
    }
