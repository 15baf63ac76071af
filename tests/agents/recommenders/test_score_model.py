"""Models of other libraries that are fitted here learn, are kept, and are judged on real logs."""

import numpy as np
import pytest
from scipy import sparse

from recsim_env.agents.recommenders.query import Fit, Query
from recsim_env.agents.recommenders.score_model import ScoreModel
from recsim_env.testing import check_agent


class AlsoLiked(ScoreModel):
    """Items that are liked together with what the person liked."""

    @classmethod
    def scores_of(cls, likes, *, seed):
        return likes @ (likes.T @ likes)


class Broken(ScoreModel):
    """Scores of other people."""

    @classmethod
    def scores_of(cls, likes, *, seed):
        return np.zeros((1, 1))


def test_it_keeps_the_contract_of_agents(checkerboard):
    check_agent(AlsoLiked, checkerboard().scenario)


def test_it_learns_who_likes_what(checkerboard, share_of_matches):
    env = checkerboard(is_seen=False)
    agent = AlsoLiked(env, seed=1).learn(4_000)
    assert share_of_matches(agent, checkerboard(200, is_seen=False)) > 0.8


def test_scores_are_those_of_the_fit_and_a_stranger_has_the_average(table_of):
    table = table_of([(0, 0, 1.0), (0, 1, 1.0), (1, 1, 1.0), (1, 2, 1.0), (1, 0, 0.0)])
    model = AlsoLiked.fit_table(Fit(table=table, settings=AlsoLiked.Settings()))
    likes = np.array([[1.0, 1, 0], [0, 1, 1]])
    assert model["scores"].tolist() == (likes @ likes.T @ likes).tolist()
    assert isinstance(table.likes(), sparse.csr_array)
    query = Query.whole_catalogue(np.array([1, -1]))
    found = AlsoLiked.affinity(model, query)
    assert found.tolist() == [model["scores"][1].tolist(), model["scores"].mean(axis=0).tolist()]


def test_scores_of_another_shape_are_refused(table_of):
    fit = Fit(table=table_of([(0, 0, 1.0), (1, 2, 1.0)]), settings=Broken.Settings())
    with pytest.raises(ValueError, match=r"Broken.scores_of\(\) returned an array of shape \(1, 1"):
        Broken.fit_table(fit)
