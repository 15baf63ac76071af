"""How a world is fitted to a log: the settings of `calibrate`."""

from __future__ import annotations

import math
from dataclasses import dataclass

from recsim_env.core.settings import as_type_of, check_settings, setting


@dataclass(frozen=True)
class CalibrationSettings:
    """How a world is fitted.

    Attributes:
      n_factors: latent tastes per user and item.
      held_out_share: share of each user's rows, their last, to choose and measure with.
      like_threshold: the smallest rating that means liked; None: the first above the mean.
      session_gap_seconds: a longer pause starts a new session.
      choice_rate: assumed probability that someone chooses from a slate drawn by exposure; a log
        does not show what people saw and left.
      choice_slate_size: the size of that slate.
      n_alternatives: per consumed item, to estimate the slope of choice.
      exposure_smoothing: added to every item's count, so that none is never shown.
      unclicked_per_click: for logs of clicks, sampled items that stand for "not clicked".
      draws_tastes: whether factors and biases are drawn from their posterior; False takes point
        estimates, which differ too little between people. Only for ratings.
      contexts: whether effects of contexts are looked for: of the log's own and, where times tell
        them, of hour and weekday.
      repetition: whether it is looked for how often, and how soon, people consume things again;
        without it, nothing is consumed twice in a session.
      sessions: whether sessions are as long and as far apart as each person's were; without it,
        their length is log-normal, and they are a day apart.
      ages: whether it is looked for how popularity moves: items appear, age, and drift. Only served
        with sessions, which tell when people come.
      places: whether it is looked for how likely each place of a slate is looked at.
      seed: of every random part.

    Raises:
      ValueError: a setting of another type or outside its range.
    """

    n_factors: int = setting(16, low=1, high=256)
    held_out_share: float = setting(0.1, above=0, below=1)
    like_threshold: float | None = None
    session_gap_seconds: float = setting(3600.0, above=0, below=1e12)
    choice_rate: float = setting(0.5, above=0, below=1)
    choice_slate_size: int = setting(5, low=1, high=1000)
    n_alternatives: int = setting(19, low=1, high=1000)
    exposure_smoothing: float = setting(1.0, above=0, below=1e9)
    unclicked_per_click: int = setting(3, low=1, high=1000)
    draws_tastes: bool = True
    contexts: bool = True
    repetition: bool = True
    sessions: bool = True
    ages: bool = True
    places: bool = True
    seed: int = setting(0, low=0)

    def __post_init__(self) -> None:
        check_settings(self)
        if self.like_threshold is not None:
            as_type_of(math.inf, "like_threshold", self.like_threshold)
