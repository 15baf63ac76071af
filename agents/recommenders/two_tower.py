"""Two towers: a network makes a vector of the person, and another one of the item."""

from typing import Any

import numpy as np

from recsim_env.agents.recommenders.deep_recommender import DeepRecommender
from recsim_env.core.scenario import Scenario
from recsim_env.data.interactions import Interactions


class TwoTower(DeepRecommender):
    """Shows the candidates whose vectors agree best with the person's; both come from networks.

    Idea: whatever is known of a person (id, likes, the moment) and of an item (id, features as they
      look now) can be a vector; then those who are new are judged by what is known of them.
    Update: affinity is a = p·q + b with p = e_user + sum of liked vectors / sqrt(their number) +
      N(context) and (q, b) = e_item + M(features). Networks N, M are linear plus one hidden layer.
      The likes are the last 50 before the row; to serve, also those of this session. See
      `DeepRecommender` for what is learned and served. Without item ids the features are all there
      is of an item, and a stranger is what they liked and the context.
    Cost: O(rows (width (width + 50) + hidden (F + G)) epochs) a fit; O(hidden F + width) a
      candidate; 8 bytes a number of the vectors of everybody in the log, 12 of every item.
    Source: Yi et al. 2019, "Sampling-bias-corrected neural modeling for large corpus item
      recommendations"; what was liked as a sum: Covington, Adams and Sargin 2016, "Deep neural
      networks for YouTube recommendations".
    Differs: what was shown and passed over is learned from, and then stands for what is sampled;
      how often an item is sampled is counted, not estimated as a stream; the sample is drawn anew.

    Settings: see `DeepRecommender`.
    """

    needs_items = False

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where items have neither ids nor features."""
        if not scenario.n_items and "candidates" not in scenario.schema.spaces:
            return (
                f"{cls.__name__} needs item ids or features, and {type(scenario).__name__} with "
                "these settings has neither; set n_items"
            )
        return super().unsuitable(scenario)

    @classmethod
    def network(cls, sizes: Any) -> Any:
        """Returns towers in which a person is an id and the sum of what they liked."""
        from recsim_env.agents.recommenders.towers import MeanTowers

        return MeanTowers(sizes)

    @classmethod
    def parts(cls, table: Interactions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Returns the last likes before each row, a part for each."""
        rows = np.arange(len(table))
        return table.history(rows, cls.remembered), rows, np.zeros(len(table), np.int64)
