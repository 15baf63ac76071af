"""Plackett-Luce against plain products over the places, for all slates counted out."""

import itertools
import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')

from recsim_env.agents.networks.plackett_luce import PlackettLuce  # noqa: E402 (needs torch)

N_CANDIDATES = 5


def slate_probability(logits, slate, redundancy=None):
    """Returns the product over places of weight by the sum of the weights that are left."""
    chance = 1.0
    for place, item in enumerate(slate):
        taken_off = 0.0 if redundancy is None else redundancy[slate[:place]].sum(axis=0)
        weights = np.exp(logits - taken_off - np.max(logits - taken_off))
        left = [other for other in range(len(logits)) if other not in slate[:place]]
        chance *= weights[item] / weights[left].sum()
    return chance


def slates_of(slate_size):
    return np.array(list(itertools.permutations(range(N_CANDIDATES), slate_size)))


def of_all(logits, slate_size, dtype=torch.float64):
    """Returns the distribution with a row for every slate, and the slates."""
    slates = slates_of(slate_size)
    rows = torch.as_tensor(np.tile(logits, (len(slates), 1)), dtype=dtype)
    return PlackettLuce(rows, slate_size), torch.as_tensor(slates)


@pytest.mark.parametrize("slate_size", [1, 2, 3, 5])
@pytest.mark.parametrize("spread", [0.0, 1.0, 30.0])
def test_probabilities_are_the_products_and_add_up_to_one(slate_size, spread):
    logits = spread * np.random.default_rng(0).normal(size=N_CANDIDATES)
    distribution, slates = of_all(logits, slate_size)
    found = distribution.log_prob(slates).exp().numpy()
    expected = [slate_probability(logits, slate.tolist()) for slate in slates.numpy()]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-300)
    assert found.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("slate_size", [1, 3])
def test_place_entropies_are_in_the_mean_the_entropy(slate_size):
    logits = np.random.default_rng(1).normal(size=N_CANDIDATES)
    distribution, slates = of_all(logits, slate_size)
    log_prob, entropy = distribution.log_prob_and_entropy(slates)
    chance = log_prob.exp()
    assert torch.equal(log_prob, distribution.log_prob(slates))
    assert float((chance * entropy).sum()) == pytest.approx(float(-(chance * log_prob).sum()))
    if slate_size == 1:
        assert entropy.numpy() == pytest.approx(float(-(chance * log_prob).sum()))


@pytest.mark.parametrize("slate_size", [1, 2, 5])
def test_gradients_are_those_of_finite_differences(slate_size):
    logits = np.random.default_rng(2).normal(size=(3, N_CANDIDATES))
    slates = torch.as_tensor(slates_of(slate_size)[[0, 3, -1]])

    def both(values):
        return torch.stack(PlackettLuce(values, slate_size).log_prob_and_entropy(slates))

    assert torch.autograd.gradcheck(both, torch.tensor(logits, requires_grad=True))


def test_extreme_logits_in_single_precision_stay_finite():
    logits = torch.tensor([[1e4, -1e4, 0.0, 1e4, -1e4]], requires_grad=True)
    log_prob, entropy = PlackettLuce(logits, 3).log_prob_and_entropy(torch.tensor([[0, 3, 2]]))
    (log_prob + entropy).sum().backward()
    assert log_prob.item() == pytest.approx(math.log(0.5))
    assert torch.isfinite(entropy).all()
    assert torch.isfinite(logits.grad).all()


def test_slates_are_drawn_as_often_as_their_probability():
    """200,000 draws; each of 20 frequencies within Hoeffding's bound of 1e-6 / 20."""
    n = 200_000
    logits = np.random.default_rng(3).normal(size=N_CANDIDATES)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn = PlackettLuce(torch.as_tensor(np.tile(logits, (n, 1))), 2).sample().numpy()
    allowed = math.sqrt(math.log(2 * 20 / 1e-6) / (2 * n))
    for slate in slates_of(2).tolist():
        share = (drawn == slate).all(axis=1).mean()
        assert abs(share - slate_probability(logits, slate)) < allowed


def test_the_mode_is_the_likeliest_slate():
    logits = np.random.default_rng(4).normal(size=N_CANDIDATES)
    distribution, slates = of_all(logits, 3)
    best = slates[distribution.log_prob(slates).argmax()]
    assert torch.equal(distribution.mode()[0], best)
    equal = PlackettLuce(torch.zeros(1, N_CANDIDATES), 3)
    assert equal.mode().tolist() == [[0, 1, 2]]  # the lower index first


def test_a_slate_that_repeats_an_item_has_no_chance():
    distribution = PlackettLuce(torch.zeros(1, 3), 2)
    assert distribution.log_prob(torch.tensor([[1, 1]])).exp().tolist() == [0.0]


def test_what_is_on_a_slate_takes_from_what_follows():
    """Against products over the places; 200,000 draws of both samplers, as above."""
    from recsim_env.agents.networks.drawing import drawn as drawn_by

    n, rng = 200_000, np.random.default_rng(5)
    logits, redundancy = rng.normal(size=5), 2.0 * rng.normal(size=(5, 5))
    slates = slates_of(2)
    expected = np.array([slate_probability(logits, slate, redundancy) for slate in slates.tolist()])
    assert expected.sum() == pytest.approx(1.0)
    rows = [torch.as_tensor(np.tile(each, (n, *[1] * each.ndim))) for each in (logits, redundancy)]
    distribution = PlackettLuce(rows[0], 2, rows[1])
    some = PlackettLuce(rows[0][: len(slates)], 2, rows[1][: len(slates)])
    found = some.log_prob(torch.as_tensor(slates)).exp().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        drawn = [distribution.sample().numpy()]
    arrays = [each.numpy() for each in rows]
    theirs, log_prob = drawn_by(*arrays, 2, rng)
    chances = distribution.log_prob(torch.as_tensor(theirs)).numpy()
    np.testing.assert_allclose(log_prob, chances, atol=1e-5)
    drawn.append(theirs)
    allowed = math.sqrt(math.log(2 * 40 / 1e-6) / (2 * n))
    for each in drawn:
        shares = (each[:, None] == slates).all(axis=2).mean(axis=0)
        assert np.abs(shares - expected).max() < allowed
    first, _ = drawn_by(arrays[0][:1], arrays[1][:1], 2, None)
    assert np.array_equal(first, some.mode().numpy()[:1])
