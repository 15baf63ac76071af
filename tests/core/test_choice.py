"""Choice models: stated probabilities equal closed forms, and frequencies follow them."""

import itertools
import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from recsim_env.core import choice
from recsim_env.core.fields import record_dtype
from recsim_env.core.streams import STREAM

N_DRAWS = 10_000
FALSE_ALARM = 1e-6
SCORES = np.array([0.4, -0.6, 1.3])


def config_of(model, **settings):
    values = {"no_click_score": 0.5, "min_normalizer": -1.0, "examination": 0.7} | settings
    return SimpleNamespace(choice=choice.model_code(model), **values)


def response_of(scores):
    response = np.zeros(len(scores), record_dtype(choice.RESPONSE_FIELDS, of="response"))
    response["score"] = scores
    return response.view(np.recarray)


def rng_of(key):
    rng = np.zeros(1, STREAM).view(np.recarray)
    rng["state"] = key
    return rng[0]


def probabilities(model, slate=(0, 1, 2), **settings):
    response = response_of(SCORES)
    choice.choose(config_of(model, **settings), np.array(slate), response, rng_of(1))
    return np.array(response.probability)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_multinomial_logit_closed_form():
    weights = np.exp(SCORES)
    assert probabilities("multinomial_logit") == pytest.approx(
        weights / (weights.sum() + math.exp(0.5))
    )


def test_multinomial_logit_survives_large_scores():
    response = response_of([1000.0, 999.0, -1000.0])
    choice.multinomial_logit(np.arange(3), response, 0.0, rng_of(1))
    assert response.probability == pytest.approx([sigmoid(1.0), sigmoid(-1.0), 0])


def test_proportional_closed_form():
    weights = SCORES + 1
    assert probabilities("proportional") == pytest.approx(weights / (weights.sum() + 1.5))


def test_cascade_by_enumeration():
    """Sums over all ways of being attracted or not, and reading on or not."""
    attraction = sigmoid(SCORES - 0.5)
    expected = np.zeros(3)
    for attracted in itertools.product([True, False], repeat=3):
        for reads_on in itertools.product([True, False], repeat=3):
            chance = np.prod(np.where(attracted, attraction, 1 - attraction))
            chance *= np.prod(np.where(reads_on, 0.7, 0.3))
            for place in range(3):
                if attracted[place]:
                    expected[place] += chance
                    break
                if not reads_on[place]:
                    break
    assert probabilities("cascade") == pytest.approx(expected)


def test_position_based_closed_form():
    expected = sigmoid(SCORES - 0.5) * 0.7 ** np.arange(3)
    assert probabilities("position_based") == pytest.approx(expected)


def test_always_first_takes_the_first_shown_place():
    assert np.array_equal(probabilities("always_first"), [1, 0, 0])
    assert np.array_equal(probabilities("always_first", slate=(-1, 4, 2)), [0, 1, 0])


@pytest.mark.parametrize("model", ["multinomial_logit", "cascade", "position_based"])
def test_models_agree_on_a_slate_of_one(model):
    response = response_of([0.9])
    choice.choose(config_of(model), np.array([3]), response, rng_of(1))
    assert response.probability[0] == pytest.approx(sigmoid(0.9 - 0.5))


@pytest.mark.parametrize("model", choice.MODELS)
def test_frequencies_follow_the_stated_probabilities(model):
    config, slate, rng = config_of(model), np.array([5, -1, 6]), rng_of(77)
    clicks = np.zeros(3)
    for _ in range(N_DRAWS):
        response = response_of(SCORES)
        first = choice.choose(config, slate, response, rng)
        clicks += response.clicked
        clicked = np.flatnonzero(response.clicked)
        assert first == (clicked[0] if clicked.size else -1)
    assert clicks[1] == 0
    for place in (0, 2):
        chance = float(response.probability[place])
        assert stats.binomtest(int(clicks[place]), N_DRAWS, chance).pvalue > FALSE_ALARM


@given(
    st.sampled_from(choice.MODELS),
    st.lists(st.floats(-30, 30), min_size=1, max_size=4),
    st.data(),
)
def test_empty_places_are_never_clicked_and_single_choice_models_click_once(model, scores, data):
    slate = np.array(
        data.draw(st.lists(st.sampled_from([-1, 3]), min_size=len(scores), max_size=len(scores)))
    )
    response = response_of(scores)
    choice.choose(config_of(model), slate, response, rng_of(data.draw(st.integers(0, 2**30))))
    is_empty = slate < 0
    assert not response.clicked[is_empty].any()
    assert (response.probability[is_empty] == 0).all()
    assert ((response.probability >= 0) & (response.probability <= 1)).all()
    if model != "position_based":
        assert response.clicked.sum() <= 1
        assert response.probability.sum() <= 1 + 1e-9


def test_unknown_model_lists_the_known_ones():
    with pytest.raises(ValueError, match="choice='mnl' is unknown; use one of multinomial_logit, "):
        choice.model_code("mnl")


CLICKED = np.array([[False, True, False], [False, False, False], [True, False, True]])


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("multinomial_logit", [[1, 1, 1]] * 3),
        ("proportional", [[1, 1, 1]] * 3),
        ("always_first", [[1, 0, 0]] * 3),
        ("cascade", [[1, 1, 0], [1, 0.5, 0.25], [1, 0, 0]]),
        ("position_based", [[1, 1, 0.25], [1, 0.5, 0.25], [1, 0.5, 1]]),
    ],
)
def test_attention_is_what_a_click_tells_of_how_far_was_read(model, expected):
    assert choice.examination_probability(model, CLICKED, 0.5).tolist() == expected


@pytest.mark.parametrize("model", ["cascade", "position_based"])
def test_attention_is_the_posterior_of_having_looked_where_items_attract_little(model):
    """Five places of attraction .01, simulated reading; exact in the limit of no attraction."""
    rng = np.random.default_rng(0)
    n, examination, attraction = 100_000, 0.8, 0.01
    if model == "cascade":
        reads_on = rng.random((n, 4)) < examination
        looked = np.cumprod(np.hstack([np.ones((n, 1), bool), reads_on]), axis=1)[:, :5] > 0
        clicked = looked & (rng.random((n, 5)) < attraction)
        looked &= np.cumsum(clicked, axis=1) - clicked == 0  # nothing is read after a click
        clicked &= looked
    else:
        looked = rng.random((n, 5)) < examination ** np.arange(5)
        clicked = looked & (rng.random((n, 5)) < attraction)
    found = choice.examination_probability(model, clicked, examination)
    assert (found[clicked] == 1).all()
    # Within 5 standard errors (.0016 each) and the neglected attraction (at most 5 x .01).
    assert found.mean(axis=0) == pytest.approx(looked.mean(axis=0), abs=0.05 + 5 * 0.0016)
