"""What each place shows is what all slates, counted out, say; and so are their prefixes."""

import itertools

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.agents.core.slate_distribution import Independent, Listed, Mixture, Ranked
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution

N, K, C = 3, 3, 5
SLATES = np.array(list(itertools.permutations(range(C), K)))
REPEATING = np.array(list(itertools.product(range(C), repeat=K)))


def distributions():
    rng = np.random.default_rng(0)
    tied = rng.integers(0, 3, (N, C)).astype(float)
    chances = rng.dirichlet(np.ones(C), (N, K))
    return {
        "ranked": Ranked(tied, K),
        "listed": Listed(SLATES[rng.integers(0, len(SLATES), (1, 7))], N, C),
        "mixture": Mixture(0.3, Ranked(np.zeros((N, C)), K), Ranked(tied, K)),
        "independent": Independent(chances),
    }


def require_consistent(found, slates):
    """Compares prefixes and places with sums over the chances of all slates."""
    chance = np.array([found.slate(np.tile(slate, (N, 1))) for slate in slates]).T
    assert chance.sum(axis=1) == pytest.approx(1.0, abs=1e-12)
    places = np.array(
        [[chance[:, slates[:, k] == c].sum(axis=1) for c in range(C)] for k in range(K)]
    ).transpose(2, 0, 1)
    assert found.places() == pytest.approx(places, abs=1e-12)
    shown = np.tile(slates[len(slates) // 2], (N, 1))
    for k in range(K):
        begins = (slates[:, : k + 1] == shown[0, : k + 1]).all(axis=1)
        assert found.prefix(shown)[:, k] == pytest.approx(chance[:, begins].sum(axis=1), abs=1e-12)
        above = (slates[:, :k] == shown[0, :k]).all(axis=1)
        following = np.array(
            [chance[:, above & (slates[:, k] == c)].sum(axis=1) for c in range(C)]
        ).T
        assert found.next_places(shown)[:, k] == pytest.approx(following, abs=1e-12)


@pytest.mark.parametrize("name", ["ranked", "listed", "mixture", "independent"])
def test_places_and_prefixes_are_sums_over_all_slates(name):
    require_consistent(distributions()[name], REPEATING if name == "independent" else SLATES)


def test_drawn_slates_are_summed_over_exactly_or_drawn_within_their_error(monkeypatch):
    pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')
    from recsim_env.agents.networks import plackett_luce

    scores = 2.0 * np.random.default_rng(1).normal(size=(N, C))
    scores[0, 0] = 90.0  # no other has a chance at the first place, but all at the next
    exact = plackett_luce.DrawnSlates(scores, K)
    require_consistent(exact, SLATES)
    assert exact.error == 0.0
    monkeypatch.setattr(plackett_luce, "_MAX_SETS", 2)
    drawn = plackett_luce.DrawnSlates(scores, K)
    assert 0.0 < drawn.error < 0.02
    assert drawn.places() == pytest.approx(exact.places(), abs=5 * drawn.error)
    assert drawn.places().sum(axis=2) == pytest.approx(np.ones((N, K)))


def test_agents_that_draw_tell_the_mean_over_their_draws_and_its_error():
    env = RecommendationVectorEnv(InterestEvolution(n_candidates=4, slate_size=2), num_envs=6)
    agent = make_agent("lin_thompson", env, seed=0).learn(60)
    observation, _ = env.reset(seed=1)
    state = agent.begin_state(6)
    slates = agent.recommend(observation, state, deterministic=False)
    found = agent.place_propensities(observation, slates, state, n_draws=200)
    assert np.array_equal(found.slate, agent.propensity(observation, slates, state, n_draws=200))
    assert found.prefix[:, -1] == pytest.approx(found.slate)
    assert found.shown(slates)[:, 0] == pytest.approx(found.prefix[:, 0])
    assert found.places.sum(axis=2) == pytest.approx(np.ones((6, 2)))
    assert 0.0 < found.error <= 0.5 / np.sqrt(200)
