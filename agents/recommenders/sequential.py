"""What comes next: a recurrent network that reads what somebody liked, in order."""

from typing import Any

import numpy as np

from recsim_env.agents.recommenders.deep_recommender import DeepRecommender
from recsim_env.data.interactions import Interactions


class Sequential(DeepRecommender):
    """Shows the candidates that suit what the person liked so far, in its order.

    Idea: what somebody wants next depends on what they just had; who they are does not matter.
    Update: a gated recurrent unit reads the likes: h = GRU(h, e_liked), with h learned for the
      beginning. Affinity is a = (h + N(context))·q + b with (q, b) = e_item + M(features); see
      `DeepRecommender` for what is learned and served. It learns from parts of 50 likes, each
      beginning in the middle of the one before, so that whatever is predicted follows at least 25
      likes, or all; to serve, it goes on from a person's last 50 likes in the log with those of
      this session.
    Cost: O((likes + rows) width^2 epochs) a fit; O(width^2) a like of the session and O(width) a
      candidate; 4 bytes a number of the states of everybody in the log, 12 of every item's vector.
    Source: Hidasi, Karatzoglou, Baltrunas and Tikk 2016, "Session-based recommendations with
      recurrent neural networks" (GRU4Rec).
    Differs: passes teach too, and sampled items are corrected for popularity; a sequence is all
      that somebody liked, not a session; features and context have networks of their own.

    Settings: see `DeepRecommender`.
    """

    @classmethod
    def network(cls, sizes: Any) -> Any:
        """Returns towers in which a person is the state of a recurrent network."""
        from recsim_env.agents.recommenders.towers import OrderedTowers

        return OrderedTowers(sizes)

    @classmethod
    def parts(cls, table: Interactions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns parts that overlap by half; a row stands in the later half, or in the first."""
        half = cls.remembered // 2
        item, first, end = table.liked_before(np.arange(len(table)))
        part = np.maximum((end - first) // half - 1, 0)
        place = end - first - part * half
        start = first + part * half
        key = table.user.astype(np.int64) * (int(part.max()) + 1) + part
        _, row, number = np.unique(key, return_index=True, return_inverse=True)
        # Where a part reaches beyond the person, it holds what no row in it asks for.
        reach = start[row, None] + np.arange(2 * half)
        return np.append(item, -1)[np.minimum(reach, len(item))], number, place
