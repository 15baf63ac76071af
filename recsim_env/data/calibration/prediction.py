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
    score: NDArray[np.float64], is_liked: NDArray[np.bool_], user: NDArray[np.int32]
) -> float:
    """Returns the mean over users of the AUC among their own rows.

    This is what a recommender needs: a kind rater's bias does not help here. Users whose rows are
    all liked, or none, do not count; NaN where no user counts.
    """
    order = np.argsort(user, kind="stable")
    starts = np.flatnonzero(np.append(True, np.diff(user[order]) != 0))
    rows = np.split(order, starts[1:])
    areas = np.array([auc(score[r], is_liked[r]) for r in rows])
    return float(np.nanmean(areas)) if np.isfinite(areas).any() else float("nan")
