"""What a log of impressions tells of choices: how often, from how many, and what is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from recsim_env.data.calibration.settings import CalibrationSettings
from recsim_env.data.impressions import Impressions
from recsim_env.data.log import InteractionLog


def with_observed_choice(log: InteractionLog, settings: CalibrationSettings) -> CalibrationSettings:
    """Returns settings whose choice rate and slate size are those of the log, where it tells them.

    The rate is the share of slates with a click, the size their mean, rounded; where it is unknown
    what was shown together, each item is a slate. Settings that are not the defaults stay.
    """
    shown, usual = log.impressions, CalibrationSettings()
    asked = (settings.choice_rate, settings.choice_slate_size)
    if shown is None or asked != (usual.choice_rate, usual.choice_slate_size):
        return settings
    slate = np.arange(len(shown)) if shown.slate is None else shown.slate
    clicks = np.bincount(slate, shown.is_clicked)
    sizes = np.bincount(slate)
    was_shown = sizes > 0
    n_clicked, n_slates = int((clicks[was_shown] > 0).sum()), int(was_shown.sum())
    rate = (n_clicked + 0.5) / (n_slates + 1)  # neither 0 nor 1
    size = int(np.clip(np.rint(sizes[was_shown].mean()), 1, 1000))
    return replace(settings, choice_rate=float(rate), choice_slate_size=size)


def observed_exposure(log: InteractionLog, smoothing: float) -> NDArray[np.float64] | None:
    """Returns how often each item was shown, which sums to 1; None where the log does not tell."""
    if log.impressions is None:
        return None
    counts = np.bincount(log.impressions.item, minlength=log.n_items) + smoothing
    return np.asarray(counts / counts.sum(), np.float64)


def passed_over(
    log: InteractionLog, shown: Impressions, taken: NDArray[np.int64], per_click: int, seed: int
) -> NDArray[np.int64]:
    """Returns rows of impressions of items that their people never clicked, no pair twice.

    Args:
      log: the clicks; who has none in it gets no row.
      shown: the impressions.
      taken: user · n_items + item of what was clicked at some time, sorted.
      per_click: how many for each click of a person, at most; random ones of more.
      seed: of these.
    """
    pair = shown.user.astype(np.int64) * log.n_items + shown.item
    _, first = np.unique(pair, return_index=True)
    first = first[~shown.is_clicked[first] & ~np.isin(pair[first], taken)]
    first = np.random.default_rng(seed).permutation(first)
    first = first[np.argsort(shown.user[first], kind="stable")]
    user = shown.user[first]
    rank = np.arange(len(user)) - np.searchsorted(user, user)
    most = per_click * np.bincount(log.user, minlength=log.n_users)
    return np.sort(first[rank < most[user]])
