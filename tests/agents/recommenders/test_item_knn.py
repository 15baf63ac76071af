"""Item neighbours are scored by the formula, entry by entry."""

import numpy as np
import pytest

from recsim_env.agents.recommenders.item_knn import ItemKNN
from recsim_env.agents.recommenders.recommender import Query


@pytest.fixture
def table(table_of):
    rng = np.random.default_rng(2)
    return table_of(
        [(*pair, reward) for *pair, reward in rng.integers(0, (15, 12, 3), (100, 3))],
        n_users=15,
        n_items=12,
    )


def restated(profiles, neighbours, shrinkage):
    """Returns the affinity of everybody to everything, one item after the other."""
    n_items = profiles.shape[1]
    norms = np.sqrt((profiles**2).sum(axis=0))
    score = np.zeros(profiles.shape)
    for item in range(n_items):
        cosine = profiles[:, item] @ profiles / (norms[item] * norms + shrinkage)
        cosine[item] = 0.0
        near = [other for other in np.argsort(-cosine)[:neighbours] if cosine[other] > 0]
        score[:, near] += np.outer(profiles[:, item], cosine[near])
    return score / np.abs(profiles).sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("neighbours", "shrinkage"), [(3, 0.5), (3, 10.0), (50, 0.5)])
def test_affinity_is_the_mean_similarity_to_the_profile(table, neighbours, shrinkage):
    settings = {**ItemKNN.defaults, "weighting": "none"}
    settings |= {"neighbours": neighbours, "shrinkage": shrinkage}
    model = ItemKNN.fit_table(table, settings, seed=0)
    weight, _ = table.evidence(settings["skip_weight"])
    profiles = np.zeros((15, 12))
    np.add.at(profiles, (table.user, table.item), weight)
    found = ItemKNN.affinity(model, Query.whole_catalogue(np.arange(15)))
    expected = restated(profiles, neighbours, shrinkage)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)  # float32


def test_people_who_like_everything_say_little_where_people_are_weighed(table_of):
    """Items 0 and 1 share one person of taste, 0 and 2 one who likes all ten."""
    rows = [(0, item, 1) for item in (0, 1)] + [(1, item, 1) for item in (0, *range(2, 10))]
    rows += [(person, 9, 1) for person in range(2, 6)]
    similar = {}
    for weighting in ("none", "bm25"):
        settings = {**ItemKNN.defaults, "weighting": weighting}
        model = ItemKNN.fit_table(table_of(rows), settings, seed=0)
        similar[weighting] = ItemKNN.affinity(model, Query.whole_catalogue(np.array([0])))[0]
    assert similar["none"][1] == pytest.approx(similar["none"][2])
    assert similar["bm25"][1] > 1.2 * similar["bm25"][2]


@pytest.mark.parametrize(
    ("setting", "value"), [("neighbours", 0), ("shrinkage", -1.0), ("weighting", "idf")]
)
def test_settings_out_of_range_are_named(checkerboard, setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value!r} is not allowed"):
        ItemKNN(checkerboard(is_seen=False), **{setting: value})
