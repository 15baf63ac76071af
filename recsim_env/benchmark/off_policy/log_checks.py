"""What a log must hold before anybody is judged by it; each fault has one error."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from recsim_env.agents.core.replay import NEXT
from recsim_env.agents.core.slate_distribution import shown_of
from recsim_env.agents.core.transition import is_repeated
from recsim_env.core.scenario import Scenario

#: As near must propensities be that tell the same.
_NEAR = 1e-6


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


def check_places(columns: Mapping[str, np.ndarray], n_candidates: int, n_policies: int) -> None:
    """Raises ValueError where what is known of places does not fit their slates, or each other.

    Args:
      columns: of a log whose propensities lie in (0, 1].
      n_candidates: to choose among.
      n_policies: that wrote the log.
    """
    slate = columns["slate"]
    for name in ("clicked", "place_propensity", "prefix_propensity"):
        if name in columns and columns[name].shape != slate.shape:
            raise ValueError(
                f"{name} of the log has shape {columns[name].shape}; use {slate.shape}, one a place"
            )
    policy = columns.get("policy")
    if policy is not None and not 0 <= policy.min() <= policy.max() < n_policies:
        raise ValueError(
            f"policies of the log go from {policy.min()} to {policy.max()}, and it names "
            f"{n_policies}; number them from 0, and name each"
        )
    if "prefix_propensity" in columns:
        _check_prefix(columns["prefix_propensity"], columns["propensity"], slate)
    if "candidate_propensity" in columns:
        _check_candidates(columns, n_candidates)


def _check_prefix(prefix: np.ndarray, whole: np.ndarray, slate: np.ndarray) -> None:
    """Raises ValueError unless prefixes become ever less likely, down to the whole slate."""
    fits = (np.diff(prefix, axis=1) <= _NEAR).all(axis=1)
    fits &= np.isclose(prefix[:, -1], whole, rtol=_NEAR, atol=0.0)
    fits |= is_repeated(slate).any(axis=1)  # of places that show nothing nothing is known
    if not fits.all():
        row = int(np.argmin(fits))
        raise ValueError(
            f"prefix_propensity of row {row} is {prefix[row].tolist()}, and propensity "
            f"{whole[row]:.6g}; a slate's begins with that of its first place, falls, and ends "
            "with that of the slate"
        )


def _check_candidates(columns: Mapping[str, np.ndarray], n_candidates: int) -> None:
    """Raises ValueError unless places choose one candidate each, as likely as the log says."""
    chances, slate = columns["candidate_propensity"], columns["slate"]
    if chances.shape != (*slate.shape, n_candidates):
        raise ValueError(
            f"candidate_propensity of the log has shape {chances.shape}; use "
            f"{(*slate.shape, n_candidates)}, a probability of each candidate at each place"
        )
    sums, is_empty = chances.sum(axis=2), is_repeated(slate)
    fits = (chances.min(axis=2) >= 0.0) & (np.abs(sums - 1.0) <= _NEAR)
    if "place_propensity" in columns:
        place = columns["place_propensity"]
        fits &= np.isclose(shown_of(chances, slate), place, rtol=_NEAR, atol=0.0)
    if not (fits | is_empty).all():
        row, at = np.argwhere(~(fits | is_empty))[0].tolist()
        raise ValueError(
            f"candidate_propensity of row {row}, place {at}, goes down to "
            f"{chances[row, at].min():.6g} and adds up to {sums[row, at]:.6g}, with "
            f"{chances[row, at, slate[row, at]]:.6g} for what was shown; probabilities add up to "
            "1, and what was shown has its place_propensity"
        )


def check_fields(columns: Mapping[str, np.ndarray], scenario: Scenario) -> None:
    """Raises ValueError unless what was seen is what a scenario shows."""
    name = type(scenario).__name__
    for field in scenario.schema.boxes:
        if field not in columns:
            raise ValueError(
                f"the log lacks the context {field!r}, which {name} shows; log with this version "
                "of recsim-env, or give all columns"
            )
    for field, space in scenario.schema.spaces.items():
        for column in (field, NEXT + field):
            found = columns.get(column)
            if found is not None and found.shape[1:] != space.shape:
                raise ValueError(
                    f"{column} of the log has shape {found.shape[1:]}, and {name} shows "
                    f"{space.shape}; the log is of another scenario, or of fewer candidates"
                )
    _check_ids(columns, scenario)
    slate = columns["slate"]
    if slate.shape[1] != scenario.slate_size or slate.max() >= scenario.n_candidates:
        raise ValueError(
            f"the log has slates of {slate.shape[1]}, and an index {int(slate.max())}; {name} "
            f"shows {scenario.slate_size} of {scenario.n_candidates} candidates"
        )


def _check_ids(columns: Mapping[str, np.ndarray], scenario: Scenario) -> None:
    """Raises ValueError where ids are of nobody and nothing that a scenario has."""
    spaces: Mapping[str, Any] = scenario.schema.spaces
    for field, space in spaces.items():
        if field in scenario.schema.boxes or field not in columns:
            continue
        most = int(np.max(space.nvec if hasattr(space, "nvec") else space.n))
        ids = columns[field]
        if not 0 <= ids.min() <= ids.max() < most:
            raise ValueError(
                f"{field} of the log goes from {ids.min()} to {ids.max()}, and "
                f"{type(scenario).__name__} has 0 to {most - 1}; the log is of another world"
            )
