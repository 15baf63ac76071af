"""What a log must hold before anybody is judged by it; each fault has one error."""

from collections.abc import Mapping

import numpy as np

from recsim_env.core.scenario import Scenario


def check_propensities(columns: Mapping[str, np.ndarray]) -> None:
    """Raises ValueError for propensities that what was shown cannot have had."""
    for name in ("propensity", "place_propensity", "prefix_propensity"):
        values = columns.get(name)
        if values is None:
            continue
        wrong = ~((values > 0.0) & (values <= 1.0 + 1e-9))
        if wrong.any():
            row = int(np.argmax(wrong.reshape(len(values), -1).any(axis=1)))
            value = float(values[wrong][0])
            remedy = (
                "raise --draws, or log an agent whose propensities are exact"
                if value == 0.0
                else "propensities are probabilities"
            )
            raise ValueError(
                f"{name}={value:.6g} of row {row} is not in (0, 1], yet it was shown "
                f"({int(wrong.sum()):,} such); {remedy}"
            )


def check_order(columns: Mapping[str, np.ndarray]) -> None:
    """Raises ValueError unless the steps of each session count from 0."""
    session, step = columns["session_number"], columns["step"]
    is_first = np.diff(session, prepend=-1) != 0
    starts = np.where(is_first, np.arange(len(step)), 0)
    expected = np.arange(len(step)) - np.maximum.accumulate(starts)
    if not (expected != step).any():
        return
    row = int(np.argmax(expected != step))
    if not is_first[row] and step[row] == step[row - 1]:
        raise ValueError(
            f"session {session[row]} has step {step[row]} twice; leave out rows that are repeated, "
            "and number sessions apart where several logs are joined"
        )
    raise ValueError(
        f"session {session[row]} has step {step[row]} where {expected[row]} should be; agents "
        "remember whole sessions, so keep each from its first step on"
    )


def check_fields(columns: Mapping[str, np.ndarray], scenario: Scenario) -> None:
    """Raises ValueError unless what was seen is what a scenario shows."""
    name = type(scenario).__name__
    for field, space in scenario.schema.boxes.items():
        if field not in columns:
            raise ValueError(
                f"the log lacks the context {field!r}, which {name} shows; log with this version "
                "of recsim-env, or give all columns"
            )
        if columns[field].shape[1:] != space.shape:
            raise ValueError(
                f"{field} of the log has shape {columns[field].shape[1:]}, and {name} shows "
                f"{space.shape}; the log is of another scenario, or of fewer candidates"
            )
    slate = columns["slate"]
    if slate.shape[1] != scenario.slate_size or slate.max() >= scenario.n_candidates:
        raise ValueError(
            f"the log has slates of {slate.shape[1]}, and an index {int(slate.max())}; {name} "
            f"shows {scenario.slate_size} of {scenario.n_candidates} candidates"
        )
