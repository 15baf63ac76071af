"""Agents that value whole visits beat the best that looks no further than the next reward.

The myopic oracle sees what is hidden from them, and serves what pleases most now.
"""

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.benchmark import evaluate
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.boredom import Boredom
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction

pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')


def returns_of(kind: str, scenario, *, seed: int, num_envs: int = 64, steps: int = 0, **settings):
    """Returns what each of 500 people brings, the same for every agent, after learning."""
    env = RecommendationVectorEnv(scenario, num_envs=num_envs)
    agent = make_agent(kind, env, seed=seed, **settings)
    if steps:
        agent.learn(steps)
    return evaluate(agent, scenario, n_episodes=500, seed=10**6).returns


def test_kale_is_served_for_tomorrow_and_chocolate_without_an_eye_for_it():
    """Kale satisfies and chocolate engages: for those in sight of the next reward alone, always."""
    scenario = LongTermSatisfaction()
    oracle = returns_of("oracle", scenario, seed=0)
    far_sighted = returns_of("far_sighted", scenario, seed=0)
    learned = returns_of("ppo", scenario, seed=0, steps=10_000)
    myopic = returns_of("ppo", scenario, seed=0, steps=10_000, gamma=0.0)
    assert learned.mean() > 0.97 * far_sighted.mean()
    assert (learned > oracle).mean() > 0.95
    assert myopic.mean() == pytest.approx(oracle.mean(), rel=0.03)


# Of Student's t with 4 degrees of freedom, for 5 seeds.
T_QUANTILE = 2.776

# Long rollouts against the noise of clicks, and big steps, as a slate's score is learned slowly.
PATIENT = {"gae_lambda": 0.95, "rollout": 3_200, "n_minibatches": 8, "learning_rate": 3e-3}


def compared(scenario, *, seeds, gamma: float, **learning):
    """Returns means by seed of the oracle, of ppo with `gamma`, and of ppo without, in this order.

    All are evaluated on the same people with the same luck.
    """
    oracle = returns_of("oracle", scenario, seed=0).mean()
    found = [
        [
            returns_of("ppo", scenario, seed=seed, **learning, gamma=gamma).mean(),
            returns_of("ppo", scenario, seed=seed, **learning, gamma=0.0).mean(),
        ]
        for seed in seeds
    ]
    return oracle, *np.array(found).T


def is_above(found, reference) -> bool:
    """Returns whether seeds' means are above the reference's beyond a 95 % interval (paired)."""
    gap = found - reference
    error = gap.std(ddof=1) / len(gap) ** 0.5
    return gap.mean() > T_QUANTILE * error


@pytest.mark.slow
def test_far_sight_pays_in_long_term_satisfaction():
    """Five seeds, 20,000 user-steps each."""
    oracle, seeing, blind = compared(
        LongTermSatisfaction(), seeds=range(5), gamma=0.99, steps=20_000
    )
    assert is_above(seeing, oracle)
    assert is_above(seeing, blind)


@pytest.mark.slow
def test_far_sight_pays_in_boredom():
    """Uniform << the myopic oracle < ppo << far sight by the formula, and gamma 0 < gamma 0.9.

    Five seeds, 240,000 user-steps each; tastes are hidden from ppo and not from the oracle.
    """
    scenario = Boredom()
    oracle, seeing, blind = compared(scenario, seeds=range(5), gamma=0.9, steps=240_000, **PATIENT)
    assert returns_of("uniform", scenario, seed=0).mean() < 0.6 * oracle
    assert is_above(seeing, oracle)
    assert is_above(seeing, blind)
    assert seeing.max() < 0.9 * returns_of("far_sighted", scenario, seed=0).mean()
