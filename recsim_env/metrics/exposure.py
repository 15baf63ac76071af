"""How exposure is shared out among items and their makers: pure functions of exposure by item.

Exposure is how often an item was shown, or how likely it was looked at, added up over all people:
what makers live on. Everything here takes exposure as (n,) numbers of 0 or more.
"""

from dataclasses import dataclass

import numpy as np

#: Share of all consumption that the short head of the catalogue gets; the rest is the long tail.
HEAD_SHARE = 0.8


def coverage(exposure: np.ndarray) -> float:
    """Returns the share of the catalogue that was shown at all, in [0, 1].

    Source: Ge, Delgado-Battenfeld and Jannach 2010, "Beyond accuracy: evaluating recommender
      systems by coverage and serendipity" (catalogue coverage).

    >>> coverage(np.array([3, 0, 1, 0]))
    0.5
    """
    return float(np.mean(exposure > 0)) if len(exposure) else np.nan


def gini(exposure: np.ndarray) -> float:
    """Returns how unevenly exposure is shared out: 0 all alike, (n - 1) / n one has all of it.

    NaN where nothing was shown.

    Source: Gini 1912, "Variabilità e mutabilità"; of recommendations Fleder and Hosanagar 2009,
      "Blockbuster culture's next rise or fall".

    >>> gini(np.array([1.0, 1.0])), gini(np.array([0.0, 0.0, 0.0, 2.0]))
    (0.0, 0.75)
    """
    n, total = len(exposure), float(exposure.sum())
    if total <= 0:
        return np.nan
    weights = 2.0 * np.arange(1, n + 1) - n - 1
    return float(weights @ np.sort(exposure)) / (n * total)


def average_popularity(exposure: np.ndarray, popularity: np.ndarray) -> float:
    """Returns the mean popularity of what is shown: ARP; NaN where nothing was.

    Args:
      exposure: (n_items,).
      popularity: (n_items,), in any unit.

    Source: Abdollahpouri, Burke and Mobasher 2019, "Managing popularity bias in recommender systems
      with personalized re-ranking" (ARP, after Yin et al. 2012).
    Differs: every showing counts alike, where the source averages within each person's list first;
      it is the same for lists of one length.
    """
    total = float(exposure.sum())
    return float(exposure @ popularity) / total if total > 0 else np.nan


def long_tail(popularity: np.ndarray, head_share: float = HEAD_SHARE) -> np.ndarray:
    """Returns which items are the long tail, (n_items,) bool: all but the short head.

    The short head is the fewest items that together have at least `head_share` of the popularity.

    Source: Abdollahpouri, Burke and Mobasher 2017, "Controlling popularity bias in learning-to-rank
      recommendation" (the short head, by a share of all ratings).

    >>> long_tail(np.array([1.0, 80.0, 10.0, 9.0]))
    array([ True, False,  True,  True])
    """
    order = np.argsort(-popularity, kind="stable")
    above = np.cumsum(popularity[order]) - popularity[order]
    is_tail = np.empty(len(order), bool)
    # What is a rounding error short of the share has it.
    is_tail[order] = above >= head_share * popularity.sum() * (1 - 1e-12)
    return is_tail


def tail_share(exposure: np.ndarray, is_tail: np.ndarray) -> float:
    """Returns the share of exposure that the long tail gets: APLT; NaN where nothing was shown.

    Source: Abdollahpouri, Burke and Mobasher 2019, as of `average_popularity` (APLT).
    Differs: likewise.
    """
    total = float(exposure.sum())
    return float(exposure[is_tail].sum()) / total if total > 0 else np.nan


@dataclass(frozen=True)
class ExpectedExposure:
    """How expected exposure compares with what merit calls for; all in units of the target's own.

    Attributes:
      loss: 0 is the target's exposure, 1 as far away as showing nothing.
      disparity: how concentrated exposure is; 1 is as concentrated as the target.
      relevance: how much of it lies where the target lies, twice: 2 is the target's exposure.
    """

    loss: float
    disparity: float
    relevance: float


def expected_exposure(exposure: np.ndarray, target: np.ndarray) -> ExpectedExposure:
    r"""Returns how far expected exposure is from its target: EE-L, EE-D and EE-R.

        loss = |e - e*|^2 = disparity - relevance + |e*|^2,  disparity = |e|^2,  relevance = 2 e.e*

    with e and e* as shares of all exposure, all divided by |e*|^2.

    Args:
      exposure: (n,), what items got from all people together.
      target: (n,), what they would get from a ranking by true relevance, ties in random order.

    Source: Diaz et al. 2020, "Evaluating stochastic rankings with expected exposure"; all people as
      one query is all-to-individual fairness of Wu et al. 2022, "Joint multisided exposure fairness
      for recommendation".
    Differs: shares, and in units of the target's own, so that worlds of any size compare.
    """
    if exposure.sum() <= 0 or target.sum() <= 0:
        return ExpectedExposure(np.nan, np.nan, np.nan)
    found, wanted = exposure / exposure.sum(), target / target.sum()
    unit = float(wanted @ wanted)
    disparity, relevance = float(found @ found) / unit, 2.0 * float(found @ wanted) / unit
    return ExpectedExposure(disparity - relevance + 1.0, disparity, relevance)


def attention_gap(exposure: np.ndarray, target: np.ndarray) -> float:
    """Returns how far groups' shares of attention are from their target, in [0, 1]: AWRF.

        half of the sum over groups of |share of exposure - share of target|

    0 is that each group gets its share, 1 that those get all who should get none.

    Args:
      exposure: (n_groups,), exposure weighted by how likely places are looked at.
      target: (n_groups,), what should be in proportion.

    Source: Sapiezynski et al. 2019, "Quantifying the impact of user attention on fair group
      representation in ranked lists"; named AWRF and made a distance of distributions by Raj and
      Ekstrand 2022, "Measuring fairness in ranked results: an analytical and empirical comparison".
    Differs: the distance is total variation, which of two groups is the difference of shares.

    >>> attention_gap(np.array([3.0, 1.0]), np.array([1.0, 1.0]))
    0.25
    """
    if exposure.sum() <= 0 or target.sum() <= 0:
        return np.nan
    return float(np.abs(exposure / exposure.sum() - target / target.sum()).sum()) / 2


def exposure_ratio(exposure: np.ndarray, merit: np.ndarray, is_low: np.ndarray) -> float:
    """Returns exposure per merit in one set of groups over that in the others: DTR.

    1 is exposure in proportion to merit, below 1 that the first set gets less than its due. NaN
    where either has no merit, or the others no exposure.

    Args:
      exposure, merit: (n,).
      is_low: (n,) bool, the first set.

    Source: Singh and Joachims 2018, "Fairness of exposure in rankings" (disparate treatment ratio).

    >>> exposure_ratio(np.array([1.0, 4.0]), np.array([1.0, 2.0]), np.array([True, False]))
    0.5
    """
    low, high = exposure[is_low].sum(), exposure[~is_low].sum()
    low_merit, high_merit = merit[is_low].sum(), merit[~is_low].sum()
    if low_merit <= 0 or high_merit <= 0 or high <= 0:
        return np.nan
    return float(low / low_merit) / float(high / high_merit)


def lesser_half(merit: np.ndarray) -> np.ndarray:
    """Returns which half of makers has the least merit, (n,) bool; of an odd number less than half.

    >>> lesser_half(np.array([5.0, 1.0, 3.0]))
    array([False,  True, False])
    """
    is_low = np.zeros(len(merit), bool)
    is_low[np.argsort(merit, kind="stable")[: len(merit) // 2]] = True
    return is_low


def by_group(values: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
    """Returns the sum of what items have, by their group, (n_groups,)."""
    return np.bincount(group, values, n_groups)
