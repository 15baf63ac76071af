"""SAC: directions rank candidates, critics see what they pick out, and all of it is kept."""

from typing import Any

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.agents.core.restoring import flattened, nested
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution

torch = pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')
pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')


@pytest.fixture(scope="module")
def agent() -> Any:
    env = RecommendationVectorEnv(InterestEvolution, num_envs=8, n_candidates=6, slate_size=2)
    return make_agent("sac", env, seed=0, learning_starts=100).learn(400)


def tensors(agent, n=5, seed=1):
    agent.set_env(agent.env.twin(num_envs=n))
    observation, _ = agent.env.reset(seed=seed)
    rng = np.random.default_rng(seed)
    observation["candidates"] = rng.normal(size=(n, 6, 20)).astype(np.float32)  # no ties
    return agent.tensors(observation, agent.begin_state(n))


def test_the_largest_inner_products_are_shown(agent):
    rng = np.random.default_rng(0)
    candidates, directions = rng.normal(size=(9, 6, 20)), rng.uniform(-1, 1, (9, 20))
    slates = agent.form.slates(directions, {"candidates": candidates})
    for person in range(9):
        match = [float(np.dot(item, directions[person])) for item in candidates[person]]
        assert slates[person].tolist() == sorted(range(6), key=lambda item: -match[item])[:2]


@torch.no_grad()
def test_neither_actor_nor_critics_know_places(agent):
    seen = tensors(agent)
    order = torch.as_tensor(np.random.default_rng(2).permutation(6))
    shuffled = seen | {"candidates": seen["candidates"][:, order]}
    directions = torch.as_tensor(
        np.random.default_rng(3).uniform(-1, 1, (5, 20)), dtype=torch.float
    )
    torch.testing.assert_close(agent.model.actor(seen, True), agent.model.actor(shuffled, True))
    for one, other in zip(
        agent.model.critic(seen, directions), agent.model.critic(shuffled, directions), strict=True
    ):
        torch.testing.assert_close(one, other)


@torch.no_grad()
def test_critics_see_the_candidates_that_a_direction_picks_out(agent):
    """A direction far along one item's features is worth what a session with that item alone is."""
    seen = tensors(agent)
    for place in range(6):
        only = seen["candidates"][:, place : place + 1].expand(-1, 6, -1)
        toward = 1e4 * seen["candidates"][:, place]
        is_picked = torch.bmm(seen["candidates"], toward[:, :, None])[:, :, 0].argmax(1) == place
        assert is_picked.any()
        found = agent.model.critic(seen, toward)
        expected = agent.model.critic(seen | {"candidates": only}, torch.zeros(5, 20))
        for one, other in zip(found, expected, strict=True):
            torch.testing.assert_close(one[is_picked], other[is_picked])


def test_three_optimisers_and_the_entropy_coefficient_are_kept(agent):
    kept = flattened(agent.state_dict() | {"learning": {}})
    for name in ("actor_optimizer", "critic_optimizer", "ent_coef_optimizer"):
        assert any(key.startswith(f"optimizers.{name}.") for key in kept)
    assert kept["variables.log_ent_coef"] != np.log(0.1, dtype=np.float32)  # it is learned
    fresh: Any = make_agent("sac", agent.env, seed=5, learning_starts=100)
    fresh.load_state_dict(nested(kept))
    again = flattened(fresh.state_dict() | {"learning": {}})
    assert kept.keys() == again.keys()
    assert all(np.array_equal(kept[name], again[name]) for name in kept)


def test_slates_are_those_of_the_actors_directions(agent):
    """Of its mean, or drawn: then as often as among draws of Stable-Baselines3's own, n each."""
    n = 4_000
    env = RecommendationVectorEnv(agent.env.scenario, num_envs=n)
    agent.set_env(env)
    observation, _ = env.reset(seed=[7] * n)
    seen = agent.tensors(observation, agent.begin_state(n))
    for deterministic in (True, False):
        slates, _ = agent.predict(observation, deterministic=deterministic)
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(0)
            directions = agent.model.actor(seen, deterministic).numpy()
        expected = agent.form.slates(directions, observation)
        shares = [
            np.bincount(found[:, 0] * 6 + found[:, 1], minlength=36) / n
            for found in (slates, expected)
        ]
        # Hoeffding's bound for two means, 36 of them at 1e-6 in all
        allowed = np.sqrt(np.log(2 * 36 / 1e-6) / n) if not deterministic else 0.0
        assert np.abs(shares[0] - shares[1]).max() <= allowed
    assert (shares[0] > 0).sum() > 1
