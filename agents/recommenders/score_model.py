"""Models of other libraries that are fitted here, to what people did so far."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from recsim_env.agents.recommenders.query import Fit, Model, Query
from recsim_env.agents.recommenders.recommender import Recommender, RecommenderSettings


class ScoreModel(Recommender[RecommenderSettings]):
    """Shows the candidates to which a model of another library gives the highest scores.

    A subclass gives `scores_of`, which fits the model. As any recommender it is fitted anew as its
    log grows, and `recsim-env rank` judges it on real logs. A model that was trained elsewhere is a
    `ScoreTable`.

    Update: see `scores_of`; a stranger has the average of all scores, and `Personalization` says
      what is served.
    Cost: the fit's own; 8 bytes for every person in the log and item.
    """

    layout: ClassVar[Mapping[str, str]] = {"scores": "f U I"}

    @classmethod
    @abstractmethod
    def scores_of(cls, likes: sparse.csr_matrix, *, seed: int) -> Any:
        """Returns the scores of a model that is fitted to what people liked.

        Args:
          likes: (n_users, n_items), above 0 where somebody liked something, in units of a typical
            like; repeated ones are summed.
          seed: of whatever the fit draws.

        Returns:
          (n_users, n_items), higher is better, as an array or a sparse matrix.
        """

    @classmethod
    def fit_table(cls, fit: Fit[RecommenderSettings]) -> dict[str, np.ndarray]:
        """Returns `scores`.

        Raises:
          ValueError: they have another shape, or are not all finite.
        """
        likes = sparse.csr_matrix(fit.table.likes())
        found = cls.scores_of(likes, seed=fit.seed)
        scores = np.asarray(found.toarray() if sparse.issparse(found) else found, np.float64)
        if scores.shape != likes.shape or not np.isfinite(scores).all():
            raise ValueError(
                f"{cls.__name__}.scores_of() returned an array of shape {scores.shape}; return "
                f"{likes.shape} finite numbers, of everybody in the rows of likes"
            )
        return {"scores": scores}

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns the scores of items."""
        scores = query.of_users(model["scores"], model["scores"].mean(axis=0))
        return scores if query.item is None else np.take_along_axis(scores, query.item, axis=1)
