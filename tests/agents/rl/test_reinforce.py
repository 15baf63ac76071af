"""REINFORCE: the published closed forms of its corrections, by its own loss on logs."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from recsim_env.agents import make_agent
from recsim_env.agents.core.replay import NEXT
from recsim_env.agents.core.session import SessionMemory
from recsim_env.agents.core.step_log import LoggedSteps
from recsim_env.core.fields import Layout, shown
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv

torch = pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')

N_ITEMS = 10


@dataclass(frozen=True, kw_only=True)
class TenItems(Scenario):
    """Ten items that can be told apart and nothing else; what they earn is up to the log."""

    n_candidates: int = N_ITEMS
    slate_size: int = 1
    horizon: int = 1

    def response_layout(self) -> Layout:
        return {"clicked": shown(bool)}

    def observation_layout(self) -> Mapping[str, Any]:
        return {"candidates": {"is_item": shown(float, 0, 1, N_ITEMS)}}

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        return 0.0, False

    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        for index in range(len(candidates)):
            observation.candidates[index].is_item[index] = 1.0


def log_of(slates, clicked, rewards, propensity) -> LoggedSteps:
    """Returns sessions of one slate each; arrays have a row for each."""
    n, slate_size = slates.shape
    scenario = TenItems(slate_size=slate_size)
    env = RecommendationVectorEnv(scenario, num_envs=n, autoreset_mode="Disabled")
    observation, _ = env.reset(seed=0)
    memory = SessionMemory(scenario)
    seen = memory.seen(memory.begin(n), observation)
    columns = {
        **seen,
        **{NEXT + name: value for name, value in seen.items()},
        "slate": slates.astype(np.int32),
        "clicked": clicked,
        "reward": rewards.astype(np.float32),
        "propensity": propensity,
        "is_terminal": np.ones(n, np.float32),
        "is_over": np.ones(n, bool),
        "session_number": np.arange(n, dtype=np.int32),
        "step": np.zeros(n, np.int32),
    }
    return LoggedSteps(columns)


def single_items(rewards) -> LoggedSteps:
    """Returns the log of beta_i = (11 - i) / 55, item by item as often as that, 55 rows."""
    counts = np.arange(N_ITEMS, 0, -1)
    items = np.repeat(np.arange(N_ITEMS), counts)
    shown = np.ones((len(items), 1), bool)
    return log_of(items[:, None], shown, np.asarray(rewards)[items], counts[items] / 55)


def uniform_pairs(rewards) -> LoggedSteps:
    """Returns every pair once for each of its items that may be the clicked one, 180 rows."""
    pairs = np.repeat(np.array(list(permutations(range(N_ITEMS), 2))), 2, axis=0)
    clicked = np.tile(np.eye(2, dtype=bool), (len(pairs) // 2, 1))
    earned = np.asarray(rewards)[pairs[clicked]]
    return log_of(pairs, clicked, earned, np.full(len(pairs), 1 / 90))


def policy_after(log, *, n_steps=600, **settings) -> np.ndarray:
    """Returns pi over the ten items where the agent's loss on the whole log is least."""
    env = RecommendationVectorEnv(TenItems, num_envs=1, slate_size=log["slate"].shape[1])
    agent: Any = make_agent(
        "reinforce",
        env,
        update_every=1_000_000,  # the log is taken over, and the steps are taken here
        batch_size=64,
        entropy=0.0,
        baseline="none",
        max_weight=1e6,
        **settings,
    )
    agent.learn_from(log)
    agent.prepare()
    batch = agent.trainer.on_device({name: agent.replay[name] for name in agent.replay_columns()})
    optimizer = torch.optim.Adam(agent.network.parameters(), lr=1e-2)
    for _ in range(n_steps):
        optimizer.zero_grad()
        agent.loss(batch).backward()
        optimizer.step()
    with torch.no_grad():
        return agent.network.scores(batch)[0].softmax(dim=0).numpy()


def test_without_correction_the_policy_tends_to_behaviour_times_reward():
    """Chen et al. 2019, section 6.1: pi_i ∝ beta_i r_i."""
    rewards = np.arange(1, N_ITEMS + 1)
    wanted = np.arange(N_ITEMS, 0, -1) * rewards
    found = policy_after(single_items(rewards), off_policy_correction=False)
    assert found == pytest.approx(wanted / wanted.sum(), abs=0.002)


def test_with_correction_it_tends_to_the_best_item():
    found = policy_after(single_items(np.arange(1, N_ITEMS + 1)))
    assert found.argmax() == N_ITEMS - 1
    assert found[-1] > 0.98


REWARDS = np.array([10.0, 9.0, *np.ones(8)])


def test_top_k_correction_shares_the_slate_between_the_two_best():
    """10 (1 - p) = 9 (1 - q) where p + q = 1; the behaviour is estimated, hence 0.02."""
    found = policy_after(uniform_pairs(REWARDS), top_k_correction=True)
    assert found[:2] == pytest.approx([10 / 19, 9 / 19], abs=0.02)
    assert found[2:].sum() < 0.01


def test_the_estimated_behaviour_of_uniform_pairs_is_uniform():
    env = RecommendationVectorEnv(TenItems, num_envs=1, slate_size=2)
    agent: Any = make_agent("reinforce", env, top_k_correction=True)
    agent.learn_from(uniform_pairs(REWARDS))
    assert agent.replay["item_chance"] == pytest.approx(0.1, abs=0.02)


def test_returns_of_sessions_that_go_on_count_their_value():
    env = RecommendationVectorEnv(TenItems, num_envs=1)
    agent: Any = make_agent("reinforce", env, gamma=0.5)
    agent.learn_from(single_items(np.ones(N_ITEMS)))
    agent.network.centre.fill_(7.0)
    agent.network.unit.fill_(1e-9)  # every value is 7
    agent.replay.set("is_over", np.array([3]), np.array([False]))
    agent.prepare()
    expected = np.ones(55)
    expected[3] = 1.0 + 0.5 * 7.0
    assert agent.replay["return_to_go"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("gamma", 1.1),
        ("max_weight", 0.0),
        ("entropy", -0.1),
        ("baseline", "median"),
        ("refit_every", 0),
    ],
)
def test_settings_out_of_range_are_named(setting, value):
    env = RecommendationVectorEnv(TenItems, num_envs=1)
    with pytest.raises(ValueError, match=rf"^{setting}={value!r} is not allowed"):
        make_agent("reinforce", env, **{setting: value})


def test_what_showed_the_slates_is_estimated_without_dropping_out():
    class Dropping(torch.nn.Module):
        """An encoder that drops out half of what it says while it learns."""

        def __init__(self, space, width):
            super().__init__()
            self.items = torch.nn.Linear(space["candidates"].shape[1], width)
            self.dropped = torch.nn.Dropout(0.5)

        def forward(self, observation):
            items = self.dropped(self.items(observation["candidates"]))
            return items.mean(dim=1), items

    rng, n = np.random.default_rng(0), 20
    slates = rng.permuted(np.tile(np.arange(N_ITEMS), (n, 1)), axis=1)[:, :2]
    log = log_of(slates, np.zeros((n, 2), bool), np.zeros(n), np.full(n, 1 / 90))
    env = RecommendationVectorEnv(TenItems(slate_size=2), num_envs=2)
    agent: Any = make_agent("reinforce", env, network=Dropping, width=8, top_k_correction=True)
    chances = agent.rows_of_log(log)["item_chance"]
    for item in range(N_ITEMS):  # everybody sees the same candidates
        assert np.ptp(chances[slates == item]) < 1e-6
