"""Models of the library implicit, fitted here: ours can be compared with them on one log.

recsim-env rank movielens-100k --agents item_knn docs/how-to/implicit_models.py:BM25
python docs/how-to/implicit_models.py       # how long a fit takes, and whether it repeats
"""

import warnings

from implicit.cpu.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender

from recsim_env.agents.recommenders.score_model import ScoreModel


class Cosine(ScoreModel):
    """Items are alike that the same people like: cosines of the columns of likes."""

    kind = CosineRecommender
    neighbours = 100

    @classmethod
    def scores_of(cls, likes, *, seed):
        """Returns the sums of the similarities to what was liked."""
        model = cls.kind(K=cls.neighbours, num_threads=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of matrices of its own, which it converts
            model.fit(likes, show_progress=False)
        return likes @ model.similarity


class TFIDF(Cosine):
    """Likewise, where people who like little count more."""

    kind = TFIDFRecommender


class BM25(Cosine):
    """Likewise, where one like more adds less."""

    kind = BM25Recommender


class BPR(ScoreModel):
    """Bayesian personalized ranking; one thread, as with several a seed repeats nothing."""

    @classmethod
    def scores_of(cls, likes, *, seed):
        """Returns the products of the factors, the items' biases being one of them."""
        model = BayesianPersonalizedRanking(
            factors=32, iterations=100, num_threads=1, random_state=seed
        )
        model.fit(likes, show_progress=False)
        return model.user_factors @ model.item_factors.T


if __name__ == "__main__":
    import time

    import numpy as np

    from recsim_env.agents.recommenders import bpr, knn
    from recsim_env.agents.recommenders.query import Fit
    from recsim_env.data import Interactions, read_log
    from recsim_env.data.movielens import fetch_movielens_100k

    table = Interactions.of(read_log(fetch_movielens_100k()))
    for kind in (knn.ItemKNN, Cosine, TFIDF, BM25, bpr.BPR, BPR):
        start = time.perf_counter()
        fits = [kind.fit_table(Fit(table=table, settings=kind.Settings(), seed=0)) for _ in "ab"]
        seconds = (time.perf_counter() - start) / 2
        is_same = all(np.array_equal(fits[0][name], fits[1][name]) for name in fits[0])
        print(f"{kind.__module__}:{kind.__name__}: {seconds:.2f} s a fit, repeated: {is_same}")
