"""A catalogue and a population with latent tastes, as fitted to a ratings log."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from recsim_env.formats.array_file import read_arrays, write_arrays
from recsim_env.formats.world_layout import (
    LARGEST,
    NUMBERS,
    OPTIONAL,
    SHAPES,
    TEXT,
    as_stored,
    check_arrays,
    check_scalars,
)

KIND = "rated world"
FORMAT_VERSION = 1

#: The appeal of what is not consumed.
NEVER = -1e6


@dataclass(frozen=True, eq=False, kw_only=True)
class RatedWorld:
    """Users and items whose likings, choices and ratings resemble those of one ratings log.

    How much user u likes item i, in the unit of the ratings, is

        liking = global_mean + user_bias[u] + item_bias[i] + user_factors[u] · item_factors[i]

    Shown a slate, the user consumes item i with probability
    exp(s_i) / (sum_j exp(s_j) + exp(no_choice_score)), s_i = choice_slope (liking_i - global_mean),
    and rates what they consumed with `rating_of(liking + rating_noise · N(0, 1))`. They liked it
    when the rating reaches `like_threshold`. In a world with contexts, such as device and hour,
    each session has one level of each, and likings change by

        sum over levels l of
        context_factors[l] · item_context_factors[i] + user_context_liking[u, l]

    Where `repeat_hours` says so, people may consume an item again: its score changes by the
    `repeat_appeal` of the first of `repeat_hours` that the time since is within, and of what
    somebody is offered who consumed n items so far, n / (n + habit_rows) are drawn from these.
    Otherwise nothing is consumed twice.

    The number of items they consume in a session is log-normal with mean `user_session_mean[u]` and
    log standard deviation `session_log_sd`, or that of one of their `user_visit_items`; a session
    offers that many consumptions / `choice_rate` slates.

    Attributes:
      name: what the world was fitted to.
      item_factors, item_bias: (n_items, n_factors) and (n_items,) float32.
      item_features: (n_items, F) float32, what is known of an item without any rating; F may be 0.
      item_feature_names: (F,) text.
      item_exposure: (n_items,) float64, the chance that a slot shows the item when nobody
        recommends; sums to 1 and has the log's long tail.
      item_labels: (n_items,) text, titles or the log's own ids.
      user_factors, user_bias: (n_users, n_factors) and (n_users,) float32.
      user_features: (n_users, G) float32; G may be 0.
      user_feature_names: (G,) text.
      user_visit_weight: (n_users,) float64, the chance that a session is this user's; sums to 1.
      user_session_mean: (n_users,) float64, items consumed per session, > 0.
      user_labels: (n_users,) text, the log's own ids.
      context_labels: (L,) text, the levels of all contexts, such as "device=phone"; L may be 0.
      context_factors, item_context_factors: (L, E) and (n_items, E) float32.
      user_context_liking: (n_users, L) float32.
      user_moments: (n_users, V, C) float32, the levels in which each person came V times: a session
        is in one of these moments.
      user_visit_items, user_visit_gap: (n_users, S) float32, items consumed in S sessions of each
        person, and the hours until the next; S may be 0, and is V in a world with contexts, whose
        moments are those of the sessions.
      repeat_hours: (R,) float32, rising, the longest time since an item was consumed last, of each
        group; 0 is the same session. R may be 0.
      repeat_appeal: (R,) float32, what it adds to the score; NEVER where it is not consumed.
      habit_rows: after how many consumed items half of what is offered is known, > 0.
      place_appeal: (P,) float32, what standing at a place adds to the score, the logarithm of how
        likely it is looked at; places further down are like the last. P may be 0.
      item_period_appeal: (n_items, Q) float32, what it adds to the score of an item that a session
        is in a period of the log; NEVER before the item was there. Q may be 0.
      period_days: (Q,) float32, rising, when each period ends, in days from the first row.
      user_visit_day: (n_users, S) float32, when the sessions of each person were; zero where there
        are no periods.
      global_mean: the mean rating.
      rating_noise: standard deviation of a rating around the liking, before rounding, >= 0.
      rating_min, rating_max, rating_step: the scale; a log of clicks has 1, 1, 1.
      like_threshold: the smallest rating that means "liked".
      session_log_sd: spread of the logarithm of the session length, >= 0.
      choice_slope: how much one unit of liking adds to the log-odds of choosing.
      no_choice_score: the score of choosing nothing.
      choice_rate: probability of a choice from a slate of `choice_slate_size` drawn by exposure.
      choice_slate_size: the slate size for which `no_choice_score` was set.
      report: how well the world fits its log, and the settings it was made with (JSON values).
    """

    name: str
    item_factors: NDArray[np.float32]
    item_bias: NDArray[np.float32]
    item_features: NDArray[np.float32]
    item_feature_names: NDArray[np.str_]
    item_exposure: NDArray[np.float64]
    item_labels: NDArray[np.str_]
    user_factors: NDArray[np.float32]
    user_bias: NDArray[np.float32]
    user_features: NDArray[np.float32]
    user_feature_names: NDArray[np.str_]
    user_visit_weight: NDArray[np.float64]
    user_session_mean: NDArray[np.float64]
    user_labels: NDArray[np.str_]
    global_mean: float
    rating_noise: float
    rating_min: float
    rating_max: float
    rating_step: float
    like_threshold: float
    session_log_sd: float
    choice_slope: float
    no_choice_score: float
    choice_rate: float
    choice_slate_size: int
    context_labels: Any = None
    context_factors: Any = None
    item_context_factors: Any = None
    user_context_liking: Any = None
    user_moments: Any = None
    user_visit_items: Any = None
    user_visit_gap: Any = None
    repeat_hours: Any = None
    repeat_appeal: Any = None
    habit_rows: float = LARGEST
    place_appeal: Any = None
    item_period_appeal: Any = None
    period_days: Any = None
    user_visit_day: Any = None
    report: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sizes = {"I": len(self.item_bias), "U": len(self.user_bias), "V": 1}
        if self.user_visit_items is not None:
            sizes["S"] = np.shape(self.user_visit_items)[-1]
        for name in OPTIONAL:
            if getattr(self, name) is None:
                kind = np.str_ if name in TEXT else np.float32
                shape = [sizes.get(axis, 0) for axis in SHAPES[name]]
                object.__setattr__(self, name, np.zeros(shape, kind))
        for name in SHAPES:
            object.__setattr__(self, name, as_stored(name, getattr(self, name)))
        check_arrays(self)
        check_scalars(self)

    @property
    def n_items(self) -> int:
        """The size of the catalogue."""
        return len(self.item_bias)

    @property
    def n_users(self) -> int:
        """The size of the population."""
        return len(self.user_bias)

    @property
    def n_factors(self) -> int:
        """The number of latent tastes."""
        return int(self.item_factors.shape[1])

    def liking(self, user: ArrayLike, item: ArrayLike) -> NDArray[np.float64]:
        """Returns how much users like items; the two id arrays broadcast together."""
        user, item = np.asarray(user), np.asarray(item)
        taste = np.einsum(
            "...k,...k->...", self.user_factors[user], self.item_factors[item], dtype=np.float64
        )
        return np.asarray(self.global_mean + self.user_bias[user] + self.item_bias[item] + taste)

    def rating_of(self, experience: ArrayLike) -> NDArray[np.float64]:
        """Returns the rating nearest to what was felt: rounded to the scale's step and clipped."""
        steps = np.rint((np.asarray(experience, np.float64) - self.rating_min) / self.rating_step)
        return np.clip(self.rating_min + steps * self.rating_step, self.rating_min, self.rating_max)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the world to one .npz file that `load` reads without the log."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in SHAPES}
        arrays = {name: getattr(self, name) for name in SHAPES}
        write_arrays(path, arrays, values, kind=KIND, version=FORMAT_VERSION)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> RatedWorld:
        """Returns the world stored at `path`; loading runs no code of the file.

        Raises:
          FileNotFoundError: there is no such file.
          ValueError: the file does not hold a rated world of this format.
        """
        arrays, values = read_arrays(path, kind=KIND, version=FORMAT_VERSION)
        expected = {f.name for f in fields(cls)}
        if found := expected ^ (set(arrays) | set(values) | set(OPTIONAL) | NUMBERS):
            raise ValueError(f"{path} is damaged: unknown or missing entries {sorted(found)}")
        try:
            return cls(**{**values, **arrays})
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} is damaged: {error}") from error
