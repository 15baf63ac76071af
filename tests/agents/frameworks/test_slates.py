"""Slates as a distribution of torch, against all slates enumerated."""

import itertools

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

import recsim_env  # noqa: F401  # registers the ids

pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')

import torch
from torch.distributions import Categorical, kl_divergence

from recsim_env.agents import from_predict
from recsim_env.agents.frameworks.slates import (
    Slates,
    distribution_over,
    scorer,
    slate_size_of,
)
from recsim_env.agents.networks.encoder import CandidateScores

N_CANDIDATES, SLATE_SIZE = 5, 3
SLATES = torch.tensor(list(itertools.permutations(range(N_CANDIDATES), SLATE_SIZE)))


def logits(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, N_CANDIDATES, generator=torch.Generator().manual_seed(seed))


def all_log_probs(distribution: Slates) -> torch.Tensor:
    """Returns those of all slates, (n_slates, ...)."""
    rows = SLATES.reshape(-1, *[1] * len(distribution.batch_shape), SLATE_SIZE)
    return distribution.log_prob(rows.expand(-1, *distribution.batch_shape, -1))


@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
def test_all_slates_together_are_certain(shape):
    distribution = Slates(logits(0, *shape), SLATE_SIZE)
    log_probs = all_log_probs(distribution)
    assert log_probs.shape == (len(SLATES), *shape)
    np.testing.assert_allclose(log_probs.exp().sum(dim=0), np.ones(shape), rtol=1e-5)


def test_rows_keep_their_places_whatever_the_leading_axes():
    scores = logits(1, 2, 3)
    drawn = Slates(scores, SLATE_SIZE).sample((7,))
    assert drawn.shape == (7, 2, 3, SLATE_SIZE)
    whole = Slates(scores, SLATE_SIZE).log_prob(drawn)
    for row in itertools.product(range(2), range(3)):
        alone = Slates(scores[row].expand(7, -1), SLATE_SIZE)
        torch.testing.assert_close(whole[:, row[0], row[1]], alone.log_prob(drawn[:, *row]))


def test_the_mode_is_the_likeliest_slate():
    distribution = Slates(logits(2, 4), SLATE_SIZE)
    likeliest = SLATES[all_log_probs(distribution).argmax(dim=0)]
    assert torch.equal(distribution.mode, likeliest)
    assert torch.equal(distribution.deterministic_sample, likeliest)


def test_entropy_and_divergence_are_right_in_the_mean():
    """Each is a mean of 40,000 draws, within five of its standard errors."""
    torch.manual_seed(0)
    n = 40_000
    one, other = (Slates(logits(seed, 1).expand(n, -1), SLATE_SIZE) for seed in (3, 4))
    p, q = (all_log_probs(Slates(each.logits[:1], SLATE_SIZE)) for each in (one, other))
    for drawn, expected in (
        (one.entropy(), -(p.exp() * p).sum()),
        (kl_divergence(one, other), (p.exp() * (p - q)).sum()),
    ):
        assert drawn.shape == (n,)
        assert abs(drawn.mean() - expected) < 5 * drawn.std() / n**0.5
        assert (drawn >= -1e-6).all()


def test_of_one_place_both_are_exact():
    one, other = (Slates(logits(seed, 4), 1) for seed in (5, 6))
    p, q = (Categorical(logits=each.logits) for each in (one, other))
    torch.testing.assert_close(one.entropy(), p.entropy())
    torch.testing.assert_close(kl_divergence(one, other), kl_divergence(p, q))


def test_slates_of_one_item_are_categorical_where_actions_are():
    scores = logits(7, 4)
    assert isinstance(distribution_over(scores, spaces.Discrete(5)), Categorical)
    found = distribution_over(scores, spaces.MultiDiscrete([5, 5]))
    assert isinstance(found, Slates) and found.slate_size == 2


@pytest.mark.parametrize(
    "space", [spaces.Box(0, 1, (5,)), spaces.MultiDiscrete(np.full((2, 2), 5))]
)
def test_other_actions_are_refused(space):
    with pytest.raises(TypeError, match="not slates; use an environment without an action wrapper"):
        slate_size_of(space)


def test_an_agent_of_a_network_shows_what_scores_highest():
    env = gymnasium.make_vec("recsim_env/MusicStreaming-v0", num_envs=6)  # with ids
    network = CandidateScores(env.single_observation_space, width=8)
    agent = from_predict(scorer(network), env)
    observation, _ = env.reset(seed=0)
    fields = {name: torch.as_tensor(value) for name, value in observation.items()}
    slates, _ = agent.predict(observation, deterministic=True)
    assert np.array_equal(slates, network.scores(fields).argmax(dim=1))
