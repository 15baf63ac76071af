"""Two towers: networks make a vector of the item, and of the person, by likes or their order."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from recsim_env.agents.recommenders.recommender import Recommender
from recsim_env.agents.recommenders.tower_model import (
    FIELDS,
    LAYOUT,
    REMEMBERED,
    Parts,
    TowerModel,
    TowerSettings,
)
from recsim_env.data.interactions import Interactions


def last_likes(table: Interactions) -> Parts:
    """Returns the last likes before each row, a part for each."""
    rows = np.arange(len(table))
    return table.history(rows, REMEMBERED), rows, np.zeros(len(table), np.int64)


def overlapping_parts(table: Interactions) -> Parts:
    """Returns parts that overlap by half; a row stands in the later half, or in the first."""
    half = REMEMBERED // 2
    item, first, end = table.liked_before(np.arange(len(table)))
    part = np.maximum((end - first) // half - 1, 0)
    place = end - first - part * half
    start = first + part * half
    key = table.user.astype(np.int64) * (int(part.max()) + 1) + part
    _, row, number = np.unique(key, return_index=True, return_inverse=True)
    # Where a part reaches beyond the person, it holds what no row in it asks for.
    reach = start[row, None] + np.arange(2 * half)
    return np.append(item, -1)[np.minimum(reach, len(item))], number, place


_MEANS = TowerModel("MeanTowers", last_likes)
_RECURRENT = TowerModel("RecurrentTowers", overlapping_parts)
_ATTENTIVE = TowerModel("AttentiveTowers", overlapping_parts)


class TwoTower(Recommender[TowerSettings]):
    """Shows the candidates whose vectors agree best with the person's; both come from networks.

    Idea: whatever is known of a person (id, likes, the moment) and of an item (id, features as they
      look now) can be a vector; then those who are new are judged by what is known of them.
    Update: affinity is a = p·q + b with p = e_user + sum of liked vectors / sqrt(their number) +
      N(context) and (q, b) = e_item + M(features). Networks N, M are linear plus one hidden layer.
      The likes are the last 50 before the row; to serve, also those of this session. See
      `TowerModel` for what is learned and served. Without item ids the features are all there
      is of an item, and a stranger is what they liked and the context.
    Cost: O(rows (width (width + 50) + hidden (F + G)) epochs) a fit; O(hidden F + width) a
      candidate; 8 bytes a number of the vectors of everybody in the log, 12 of every item.
    Source: Yi et al. 2019, "Sampling-bias-corrected neural modeling for large corpus item
      recommendations"; what was liked as a sum: Covington, Adams and Sargin 2016, "Deep neural
      networks for YouTube recommendations".
    Differs: what was shown and passed over is learned from, and then stands for what is sampled;
      how often an item is sampled is counted, not estimated as a stream; the sample is drawn anew.
    """

    requires = ("item ids or features",)
    compared_with = "showings"
    logged_fields = FIELDS
    fitted_with = "torch"
    layout = LAYOUT
    Settings = TowerSettings
    fit_table, affinity, check_fitted = _MEANS.fit, _MEANS.affinity, _MEANS.check


class Sequential(Recommender[TowerSettings]):
    """Shows the candidates that suit what the person liked so far, in its order.

    Idea: what somebody wants next depends on what they just had; who they are does not matter.
    Update: a gated recurrent unit reads the likes: h = GRU(h, e_liked), with h learned for the
      beginning. Affinity is a = (h + N(context))·q + b with (q, b) = e_item + M(features); see
      `TowerModel` for what is learned and served. It learns from parts of 50 likes, each
      beginning in the middle of the one before, so that whatever is predicted follows at least 25
      likes, or all; to serve, it goes on from a person's last 50 likes in the log with those of
      this session.
    Cost: O((likes + rows) width^2 epochs) a fit; O(width^2) a like of the session and O(width) a
      candidate; 4 bytes a number of the states of everybody in the log, 12 of every item's vector.
    Source: Hidasi, Karatzoglou, Baltrunas and Tikk 2016, "Session-based recommendations with
      recurrent neural networks" (GRU4Rec).
    Differs: passes teach too, and sampled items are corrected for popularity; a sequence is all
      that somebody liked, not a session; features and context have networks of their own.
    """

    requires = ("item ids",)
    compared_with = "showings"
    logged_fields = FIELDS
    fitted_with = "torch"
    layout = LAYOUT
    Settings = TowerSettings
    fit_table, affinity, check_fitted = _RECURRENT.fit, _RECURRENT.affinity, _RECURRENT.check


class SASRec(Recommender[TowerSettings]):
    """Shows the candidates that suit what the person liked, each like seen beside all before it.

    Idea: which of the things that somebody liked matter for what they want next, these say.
    Update: a transformer of two blocks of one head reads a learned beginning and the likes, as sums
      of an embedding and one of their place, each in view of itself and those before it; t is what
      it makes of the last. Affinity is a = (t + N(context))·q + b with (q, b) = e_item +
      M(features); see `TowerModel` for what is learned and served. It learns from parts of 50
      likes as `sequential` does, and is served the last 49, those of this session last.
    Cost: O((likes + rows) (width^2 + 50 width) epochs) a fit, and 50 (width^2 + 50 width) a person
      served; O(width) a candidate; 196 bytes for everybody in the log, 4 a number of every item's
      vectors.
    Source: Kang and McAuley 2018, "Self-attentive sequential recommendation"; blocks are torch's
      `TransformerEncoderLayer`, normalised first (Xiong et al. 2020).
    Differs: passes teach too, and items to compare with are sampled by popularity and corrected for
      it; what was liked and what is scored have embeddings of their own; features and context have
      networks.
    """

    requires = ("item ids",)
    compared_with = "showings"
    logged_fields = FIELDS
    fitted_with = "torch"
    layout: ClassVar[Mapping[str, str]] = {**LAYOUT, "states": "i U S"}
    Settings = TowerSettings
    fit_table, affinity, check_fitted = _ATTENTIVE.fit, _ATTENTIVE.affinity, _ATTENTIVE.check
