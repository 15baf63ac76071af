"""The noise of ratings around the liking that is predicted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from recsim_env.data.log import InteractionLog

Floats = NDArray[np.float64]

# Ratings with more levels than this count as continuous and get a step of 1 % of their range.
_MOST_LEVELS = 100

# A level this far from a step, in steps, is on it: thirds are written as 0.33 and 0.67.
_NEARLY = 0.1


@dataclass(frozen=True)
class RatingScale:
    """The ratings one may give, minimum to maximum by step, and the first that means liked."""

    minimum: float
    maximum: float
    step: float
    like_threshold: float

    def levels(self) -> Floats:
        """Returns every rating of the scale."""
        n_steps = round((self.maximum - self.minimum) / self.step)
        return np.asarray(self.minimum + self.step * np.arange(n_steps + 1))


def rating_scale(log: InteractionLog, like_threshold: float | None) -> RatingScale:
    """Returns the scale of a log's ratings; without a threshold, liked is rated above the mean.

    Clicks have one level, 1, and everything clicked is liked.

    Raises:
      ValueError: ratings that never differ, or by too little beside their size for the single
        precision of a world, or a threshold that no rating or every rating reaches.
    """
    if not log.is_explicit:
        if like_threshold not in (None, 1.0):
            raise ValueError(
                f"like_threshold={like_threshold}: in a log of clicks, clicked is liked"
            )
        return RatingScale(1.0, 1.0, 1.0, 1.0)
    levels = np.unique(log.rating)
    low, high = float(levels[0]), float(levels[-1])
    _check_range(low, high, log.name)
    step = _common_step(levels) if 1 < len(levels) <= _MOST_LEVELS else (high - low) / _MOST_LEVELS
    if like_threshold is None:
        like_threshold = float(levels[levels > log.rating.mean()][0])
    if not low < like_threshold <= high:
        raise ValueError(
            f"like_threshold={like_threshold} must lie above the lowest rating, {low:g}, and not"
            f" above the highest, {high:g}"
        )
    return RatingScale(low, high, step, like_threshold)


def _common_step(levels: Floats) -> float:
    """Returns the largest step from the lowest level that meets all of them, but for rounding.

    Levels that only a very small step would meet count as continuous.
    """
    above, least = levels - levels[0], float(np.diff(levels).min())
    parts = 1
    while above[-1] * parts / least <= 10 * _MOST_LEVELS:
        steps = above * parts / least
        if np.abs(steps - np.rint(steps)).max() < _NEARLY:
            return least / parts
        parts += 1
    return float(above[-1]) / _MOST_LEVELS


def _check_range(low: float, high: float, name: str) -> None:
    """Raises ValueError for ratings that cannot be told apart, or that have no usable size."""
    if low == high:
        raise ValueError(
            f"{name}: every rating is {low:g}, and ratings that never differ say nothing of"
            " tastes; give ratings that differ, or leave the rating column out to count rows as"
            " clicks"
        )
    largest = max(abs(low), abs(high))
    if high - low < 1e-3 or largest > min(1e4 * (high - low), 1e5):
        raise ValueError(
            f"{name}: ratings reach from {low:g} to {high:g}; subtract their minimum and divide by"
            " their range, so that they lie between 0 and 1"
        )


def rating_shares(liking: Floats, noise: float, scale: RatingScale) -> Floats:
    """Returns (n, n_levels), the probability of every rating given the liking.

    A rating is liking + noise · N(0, 1), rounded to the step and clipped to the scale.
    """
    edges = scale.levels()[:-1] + scale.step / 2
    below = ndtr((edges - liking[:, None]) / max(noise, 1e-9))
    ends = np.zeros((len(liking), 1)), np.ones((len(liking), 1))
    return np.diff(np.concatenate([ends[0], below, ends[1]], axis=1), axis=1)


def fit_rating_noise(liking: Floats, rating: Floats, scale: RatingScale) -> float:
    """Returns the noise with which rounded ratings scatter about likings as observed.

    Rounding adds scatter and clipping removes some, so the plain standard deviation of the
    residuals would not do. The likings are predictions of ratings held out from their fit, or a
    posterior draw given these very ratings. Predictions vary less than true likings; what they miss
    is then part of this noise, which keeps the spread of all ratings right.
    """
    if scale.minimum == scale.maximum:
        return 0.0
    wanted = float(np.mean((rating - liking) ** 2))
    squares = (scale.levels() - liking[:, None]) ** 2

    def excess(noise: float) -> float:
        return float((rating_shares(liking, noise, scale) * squares).sum(axis=1).mean()) - wanted

    top = scale.maximum - scale.minimum
    if excess(1e-6) >= 0.0:
        return 0.0
    return float(brentq(excess, 1e-6, top)) if excess(top) > 0.0 else top
