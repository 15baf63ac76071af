"""Agents that value whole sessions beat the best that looks no further than the next reward.

The myopic oracle sees what is hidden from them, and serves what pleases most now.
"""

from pathlib import Path

import pytest

from recsim_env.agents import make_agent
from recsim_env.benchmark import evaluate
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.results.intervals import paired_difference
from recsim_env.results.standings import best_reference, final_by_seed
from recsim_env.results.table import ResultTable
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction

pytestmark = pytest.mark.learns

pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')

STUDIES = Path(__file__).parents[2] / "docs" / "results" / "far-sight"


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


@pytest.mark.slow
def test_far_sight_pays_with_other_seeds_too():
    """Five seeds, 20,000 interactions each, evaluated with common random numbers."""
    scenario = LongTermSatisfaction()
    oracle = returns_of("oracle", scenario, seed=0).mean()
    seeing, blind = (
        {
            seed: returns_of("ppo", scenario, seed=seed, steps=20_000, gamma=gamma).mean()
            for seed in range(5, 10)
        }
        for gamma in (0.99, 0.0)
    )
    assert min(seeing.values()) > 3 * oracle
    assert paired_difference(seeing, blind).low > 0


@pytest.mark.parametrize(
    "folder",
    sorted(path.stem.removeprefix("far-sight-") for path in STUDIES.glob("far-sight-*.toml")),
)
def test_in_the_kept_studies_far_sight_pays(folder):
    """The best reference, then PPO, then the myopic oracle; and PPO without far sight is below."""
    table = ResultTable(STUDIES / folder)
    (scenario,) = table.scenarios()
    returns = final_by_seed(table, scenario)
    (blind,) = [agent for agent in returns if "gamma" in agent]
    assert len(returns["sb3_ppo"]) == len(returns[blind]) == 5
    for lower in ("uniform", "oracle", blind):
        assert paired_difference(returns["sb3_ppo"], returns[lower]).low > 0, lower
    assert best_reference(table, scenario) == "far_sighted"
