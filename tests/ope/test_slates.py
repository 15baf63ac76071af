"""Estimators from slates, on logs that hold every slate as often as it is likely.

On such a log the mean is the expectation, so that an estimator whose assumption holds is exact, and
one whose assumption fails is not.
"""

import dataclasses
from itertools import permutations

import numpy as np
import pytest

from recsim_env.ope import LoggedSlates, SlateProbabilities
from recsim_env.ope.fitted_q import fitted_cascade
from recsim_env.ope.plackett_luce import place_probabilities, prefix_probabilities
from recsim_env.ope.pseudo_inverse import (
    mixed_weights,
    product_weights,
    pseudo_inverse_weights,
    tied_weights,
    uniform_weights,
)
from recsim_env.ope.slates import SLATE_ESTIMATORS, cascade_dr, iips, pseudo_inverse, rips, sips

N_ACTIONS, SIZE = 5, 3
SLATES = np.array(list(permutations(range(N_ACTIONS), SIZE)))
PLACES = np.arange(SIZE)
LOGITS = np.random.default_rng(0).normal(size=N_ACTIONS)


def prefixes(slate):
    return [tuple(slate[: k + 1]) for k in PLACES]


class World:
    """Slates logged as often as `counts` says, and a Plackett-Luce target."""

    def __init__(self, counts):
        self.chance = counts / counts.sum()
        self.rows = np.repeat(np.arange(len(SLATES)), counts)
        self.target_chance = prefix_probabilities([LOGITS], SLATES)[:, -1]
        self.places = place_probabilities([LOGITS], SIZE)[0]

    def probabilities(self, chance):
        place, prefix = np.zeros((SIZE, N_ACTIONS)), {}
        for slate, each in zip(SLATES, chance, strict=True):
            place[PLACES, slate] += each
            for start in prefixes(slate):
                prefix[start] = prefix.get(start, 0.0) + each
        logged = SLATES[self.rows]
        return SlateProbabilities(
            slate=chance[self.rows],
            place=place[PLACES, logged],
            prefix=np.array([[prefix[start] for start in prefixes(slate)] for slate in logged]),
            shown=place.sum(axis=0)[logged],
        )

    def log(self, reward, **more):
        """The log, and what the target earns, by the rewards of all slates."""
        log = LoggedSlates(
            reward=reward[self.rows],
            propensity=self.probabilities(self.chance),
            target=self.probabilities(self.target_chance),
            **more,
        )
        return log, float(self.target_chance @ reward.sum(axis=1))


UNEVEN = World(np.random.default_rng(1).integers(1, 5, len(SLATES)))
EVEN = World(np.ones(len(SLATES), np.int64))

RNG = np.random.default_rng(2)
BY_ITEM = RNG.normal(size=(SIZE, N_ACTIONS))[PLACES, SLATES]
BY_PREFIX = {start: RNG.normal() for slate in SLATES for start in prefixes(slate)}
CASCADE = np.array([[BY_PREFIX[start] for start in prefixes(slate)] for slate in SLATES])
ANY = RNG.normal(size=SLATES.shape)


def test_each_estimator_is_exact_where_what_it_assumes_holds_and_not_elsewhere():
    def errors(reward):
        log, truth = UNEVEN.log(reward)
        return [abs(each(log).value - truth) for each in (sips, rips, iips)]

    assert max(errors(BY_ITEM)) < 1e-12
    by_slate, by_prefix, by_item = errors(CASCADE)
    assert max(by_slate, by_prefix) < 1e-12 < 0.01 < by_item
    by_slate, by_prefix, by_item = errors(ANY)
    assert by_slate < 1e-12 < 0.01 < min(by_prefix, by_item)


@pytest.mark.parametrize("name", SLATE_ESTIMATORS)
@pytest.mark.parametrize("self_normalised", [False, True])
def test_the_policy_of_the_log_earns_the_mean(name, self_normalised):
    log, _ = UNEVEN.log(ANY)
    n = len(log)
    later = np.tile([2.0, 1.0, 0.5], (n, 1))
    log = dataclasses.replace(
        log,
        target=log.propensity,
        model_reward=later,
        model_value=later,
        pseudo_inverse_weight=np.ones(n),
    )
    more = {} if name == "cascade-dr" else {"self_normalised": self_normalised}
    found = SLATE_ESTIMATORS[name](log, **more)
    assert found.value == pytest.approx(log.reward.sum(axis=1).mean(), abs=1e-12)
    assert found.weights.effective_sample_size == pytest.approx(n)


def test_cascade_doubly_robust_is_exact_with_any_model_of_rewards():
    model = {start: RNG.normal() for start in BY_PREFIX}
    logged = SLATES[UNEVEN.rows]
    expected = np.array([[model[start] for start in prefixes(slate)] for slate in logged])
    value = np.zeros_like(expected)
    odds = np.exp(LOGITS)
    for row, slate in enumerate(logged):
        for k in PLACES:
            left = [action for action in range(N_ACTIONS) if action not in slate[:k]]
            chance = odds[left] / odds[left].sum()
            value[row, k] = chance @ [model[(*slate[:k], action)] for action in left]
    log, truth = UNEVEN.log(CASCADE, model_reward=expected, model_value=value)
    assert cascade_dr(log).value == pytest.approx(truth, abs=1e-12)
    none = dataclasses.replace(log, model_reward=0 * expected, model_value=0 * value)
    assert cascade_dr(none).value == pytest.approx(rips(log).value, abs=1e-12)


def test_a_fitted_cascade_lowers_the_variance():
    """Rewards by an item and the one above, and some noise."""
    rng, many = np.random.default_rng(4), np.tile(UNEVEN.rows, 4)
    pairs = rng.normal(size=(N_ACTIONS + 1, N_ACTIONS))
    slates = SLATES[many]
    above = np.column_stack([np.full(len(many), N_ACTIONS), slates[:, :-1]])
    reward = pairs[above, slates] + rng.normal(0.0, 0.1, slates.shape)
    sides = [UNEVEN.probabilities(chance) for chance in (UNEVEN.chance, UNEVEN.target_chance)]
    sides = [SlateProbabilities(prefix=np.tile(side.prefix, (4, 1))) for side in sides]
    log = LoggedSlates(reward=reward, propensity=sides[0], target=sides[1])
    # A one for all that stands down to a place: the model can say whatever is to be said.
    cells = np.eye(len(SLATES) * SIZE)
    names = {start: at for at, start in enumerate(BY_PREFIX)}
    shown = np.array([[cells[names[start]] for start in prefixes(slate)] for slate in slates])
    shown = shown[:, :, : len(names)]
    means, odds = np.zeros_like(shown), np.exp(LOGITS)
    for k in PLACES:
        for action in range(N_ACTIONS):
            is_left = (slates[:, :k] != action).all(axis=1)
            taken = odds[slates[:, :k]].sum(axis=1)
            for row in np.flatnonzero(is_left):
                at = names[(*slates[row, :k], action)]
                means[row, k, at] += odds[action] / (odds.sum() - taken[row])
    expected, value = fitted_cascade(log, shown, means, ridge=0.1)
    found = dataclasses.replace(log, model_reward=expected, model_value=value)
    by_model, by_weights = cascade_dr(found), rips(log)
    assert by_model.value == pytest.approx(by_weights.value, abs=0.1)
    assert by_model.high - by_model.low < 0.5 * (by_weights.high - by_weights.low)
    with pytest.raises(ValueError, match="must both be"):
        fitted_cascade(log, shown[:, :2], means)


@pytest.mark.parametrize("world", [EVEN, UNEVEN])
def test_pseudo_inverse_is_exact_where_only_the_sum_of_a_slate_is_seen(world):
    total = np.zeros_like(BY_ITEM)
    total[:, 0] = BY_ITEM.sum(axis=1)
    weights = pseudo_inverse_weights(
        SLATES[world.rows],
        np.broadcast_to(world.places, (len(world.rows), SIZE, N_ACTIONS)),
        SLATES,
        world.chance[None],
    )
    log, truth = world.log(total, pseudo_inverse_weight=weights)
    assert pseudo_inverse(log).value == pytest.approx(truth, abs=1e-10)
    assert abs(iips(log).value - truth) > 0.01
    assert weights.mean() == pytest.approx(1.0)
    assert weights.var() < log.weights("slate").var()


def test_weights_of_uniform_slates_are_in_closed_form():
    log, _ = EVEN.log(ANY)
    places = np.broadcast_to(EVEN.places, (len(SLATES), SIZE, N_ACTIONS))
    wanted = pseudo_inverse_weights(SLATES, places, SLATES, np.tile(EVEN.chance, (60, 1)))
    found = uniform_weights(log.target.place, log.target.shown, N_ACTIONS)
    np.testing.assert_allclose(found, wanted, atol=1e-10)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_uniform_weights_of_slates_of_any_size(size):
    slates = np.array(list(permutations(range(4), size)))
    places = np.broadcast_to(place_probabilities([LOGITS[:4]], size), (len(slates), size, 4))
    at = np.arange(len(slates))[:, None], np.arange(size), slates
    shown = places.sum(axis=1)[at[0], slates]
    wanted = pseudo_inverse_weights(
        slates, places, slates, np.full((1, len(slates)), 1 / len(slates))
    )
    np.testing.assert_allclose(uniform_weights(places[at], shown, 4), wanted, atol=1e-10)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_weights_of_a_slate_shown_among_uniform_ones_are_in_closed_form(size):
    slates = np.array(list(permutations(range(4), size)))
    n = len(slates)
    best = slates[n // 3]
    places = np.broadcast_to(place_probabilities([LOGITS[:4]], size), (n, size, 4))
    for share in (1.0, 0.3, 0.01):
        chance = share / n + (1 - share) * (slates == best).all(axis=1)
        wanted = pseudo_inverse_weights(slates, places, slates, chance[None])
        found = mixed_weights(slates, places, np.tile(best, (n, 1)), np.full(n, share))
        np.testing.assert_allclose(found, wanted, rtol=1e-8)
        assert chance @ found == pytest.approx(1.0)


def test_weights_of_rankings_with_ties_are_those_of_their_slates():
    slates = np.array(list(permutations(range(4), 3)))
    scores = np.array([2.0, 1.0, 1.0, 0.0])  # the second and third place are a tie
    ranking = (slates[:, 0] == 0) * np.isin(slates[:, 1:], [1, 2]).all(axis=1) / 2
    best = np.array([scores == 2, scores == 1, scores == 1]) / np.array([1, 2, 2])[:, None]
    n = len(slates)
    places = np.broadcast_to(place_probabilities([LOGITS[:4]], 3), (n, 3, 4))
    wanted = pseudo_inverse_weights(slates, places, slates, (0.3 / n + 0.7 * ranking)[None])
    found = tied_weights(slates, places, np.tile(best, (n, 1, 1)), np.full(n, 0.3))
    np.testing.assert_allclose(found, wanted, rtol=1e-8)


def test_weights_of_independent_places_are_in_closed_form():
    rng = np.random.default_rng(3)
    logging, target = rng.dirichlet(np.ones(3), 2), rng.dirichlet(np.ones(3), 2)
    slates = np.array([(a, b) for a in range(3) for b in range(3)])
    at = np.arange(2), slates
    wanted = pseudo_inverse_weights(
        slates,
        np.broadcast_to(target, (9, 2, 3)),
        slates,
        logging[at].prod(axis=1)[None],
    )
    np.testing.assert_allclose(product_weights((target / logging)[at]), wanted, atol=1e-10)


def test_what_is_lacking_is_named():
    log, _ = EVEN.log(ANY)
    bare = dataclasses.replace(log, propensity=SlateProbabilities(slate=log.propensity.slate))
    with pytest.raises(ValueError, match="propensity.place is not known"):
        iips(bare)
    with pytest.raises(ValueError, match="no pseudo_inverse_weight"):
        pseudo_inverse(bare)
    with pytest.raises(ValueError, match="no model_reward"):
        cascade_dr(bare)
    with pytest.raises(ValueError, match="target.place has shape"):
        dataclasses.replace(log, target=SlateProbabilities(place=log.target.place[:, :2]))
    with pytest.raises(ValueError, match="prefix.0, 1.=0.0, but what was logged had a chance"):
        prefix = log.propensity.prefix.copy()
        prefix[0, 1] = 0.0
        dataclasses.replace(log, propensity=SlateProbabilities(prefix=prefix))
