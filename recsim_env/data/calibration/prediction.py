"""Metrics of predicted ratings on held-out rows: RMSE and AUC."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata


def rmse(prediction: ArrayLike, rating: ArrayLike) -> float:
    """Returns the root mean squared error, in units of the rating."""
    return float(np.sqrt(np.mean((np.asarray(prediction) - np.asarray(rating)) ** 2)))


def auc(score: ArrayLike, is_liked: ArrayLike) -> float:
    """Returns the chance that a liked row outscores another one; ties count half.

    NaN where every row is liked, or none.

    Source: Hanley and McNeil 1982, "The meaning and use of the area under a receiver operating
      characteristic curve".
    """
    score, is_liked = np.asarray(score, np.float64), np.asarray(is_liked, bool)
    n_liked = int(is_liked.sum())
    n_others = len(is_liked) - n_liked
    if not n_liked or not n_others:
        return float("nan")
    above = rankdata(score)[is_liked].sum() - n_liked * (n_liked + 1) / 2
    return float(above / (n_liked * n_others))


def user_auc(
    score: NDArray[np.float64], is_liked: NDArray[np.bool_], user: NDArray[np.integer]
) -> float:
    """Returns the mean over users of the AUC among their own rows.

    This is what a recommender needs: a kind rater's bias does not help here. Users whose rows are
    all liked, or none, do not count; NaN where no user counts.
    """
    areas = user_areas(score, is_liked, user)
    return float(areas.mean()) if len(areas) else float("nan")


def user_areas(
    score: NDArray[np.float64], is_liked: NDArray[np.bool_], user: NDArray[np.integer]
) -> NDArray[np.float64]:
    """Returns the AUC among the rows of each user who liked some and not all, by their ids."""
    order = np.lexsort((score, user))
    score, is_liked, user = score[order], is_liked[order], user[order]
    is_new = np.append(True, np.diff(user) != 0)
    first = np.flatnonzero(is_new)
    group = np.flatnonzero(is_new | np.append(True, np.diff(score) != 0))  # of one user and score
    n_equal = np.diff(np.append(group, len(user)))
    rank = np.repeat(group + (n_equal + 1) / 2, n_equal)
    n_rows = np.diff(np.append(first, len(user)))
    rank -= np.repeat(first, n_rows)
    n_liked = np.add.reduceat(is_liked.astype(np.int64), first)
    above = np.add.reduceat(rank * is_liked, first) - n_liked * (n_liked + 1) / 2
    pairs = n_liked * (n_rows - n_liked)
    counts = pairs > 0
    return np.asarray(above[counts] / pairs[counts])
