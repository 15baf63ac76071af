"""Loops in the manner of other people's libraries, with their bookkeeping checked."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.performance import benchmark_step
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers.vector import RecordEpisodeStatistics

import recsim_env
from recsim_env.envs.wrappers import enumerate_slates, score_candidates

ID = "recsim_env/InterestEvolution-v0"
SHORT = {"n_candidates": 5, "slate_size": 2, "n_topics": 4, "time_budget": 20.0}


def rollout(env, next_obs, next_done, n_steps: int, rng) -> dict[str, np.ndarray]:
    """Gathers as CleanRL's scripts do: `dones[t]` tells whether `obs[t]` ended an episode.

    Under NEXT_STEP the action after such an observation is ignored, and its reward is 0.
    """
    kept: dict[str, list[np.ndarray]] = {name: [] for name in ("obs", "done", "reward")}
    for _ in range(n_steps):
        kept["obs"].append(next_obs)
        kept["done"].append(next_done)
        action = rng.integers(0, env.single_action_space.n, env.num_envs)
        next_obs, reward, terminated, truncated, _ = env.step(action)
        next_done = terminated | truncated
        kept["reward"].append(reward)
    return {name: np.array(values) for name, values in kept.items()} | {
        "next_obs": next_obs,
        "next_done": next_done,
    }


def test_cleanrl_style_rollouts_are_whole_episodes_in_order():
    env = RecordEpisodeStatistics(
        enumerate_slates(gymnasium.make_vec(ID, 6, flat=True, **SHORT), ordered=False)
    )
    assert env.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    rng = np.random.default_rng(0)
    obs, _ = env.reset(seed=1)
    done = np.zeros(6, bool)
    parts = []
    for _ in range(3):
        part = rollout(env, obs, done, 16, rng)
        obs, done = part["next_obs"], part["next_done"]
        parts.append(part)
    dones = np.concatenate([part["done"] for part in parts])
    rewards = np.concatenate([part["reward"] for part in parts])
    observations = np.concatenate([part["obs"] for part in parts])
    assert dones.sum() > 6
    assert (rewards[dones] == 0).all()  # the step that only begins an episode
    assert (rewards[~dones] != 0).any()
    begins = np.roll(dones, 1, axis=0)
    begins[0] = True
    response = observations[:, :, -2 * 4 :]
    assert (response[begins] == 0).all()  # nothing was shown yet
    assert (np.abs(response[~begins]).sum(axis=-1) > 0).all()


def test_advantages_of_a_rollout_are_those_of_its_episodes():
    """CleanRL's backward recursion, with begin steps masked, against sums within each episode."""
    env = enumerate_slates(gymnasium.make_vec(ID, 4, flat=True, **SHORT), ordered=False)
    obs, _ = env.reset(seed=3)
    part = rollout(env, obs, np.zeros(4, bool), 60, np.random.default_rng(1))
    gamma = 0.9
    returns = np.zeros((60, 4))
    following = np.zeros(4)
    for t in reversed(range(60)):
        ended = part["next_done"] if t == 59 else part["done"][t + 1]
        following = part["reward"][t] + gamma * (1 - ended) * following
        returns[t] = following
    single = recsim_env.RecommendationEnv(
        "recsim_env.scenarios.interest_evolution:InterestEvolution", **SHORT
    )
    alone = enumerate_slates(single, ordered=False)
    rng = np.random.default_rng(1)
    actions = np.array([rng.integers(0, 10, 4) for _ in range(60)])
    for index in range(4):
        alone.reset(seed=3 + index)
        rewards = []
        for t in range(60):
            _, reward, terminated, _, _ = alone.step(actions[t, index])
            rewards.append(reward)
            if terminated:
                break
        assert terminated
        expected = sum(gamma**k * reward for k, reward in enumerate(rewards))
        assert returns[0, index] == pytest.approx(expected)
        assert part["done"][len(rewards), index]


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_make_vec_passes_the_autoreset_mode_to_wrappers(mode):
    env = score_candidates(gymnasium.make_vec(ID, 3, autoreset_mode=mode, **SHORT))
    assert env.metadata["autoreset_mode"] == env.autoreset_mode == mode


def test_gymnasium_measures_the_environment():
    env = enumerate_slates(gymnasium.make(ID, disable_env_checker=True, **SHORT))
    env.action_space.seed(0)
    assert benchmark_step(env, target_duration=1, seed=0) > 0


@pytest.mark.parametrize("vector", [False, True])
def test_torchrl_accepts_the_environment(vector):
    """Plain and with scores as actions; TorchRL refuses NEXT_STEP, so batches use SAME_STEP."""
    torchrl = pytest.importorskip("torchrl.envs", reason="torchrl is not installed")
    for wrap in (lambda env: env, score_candidates):
        made = (
            gymnasium.make_vec(ID, 3, autoreset_mode=AutoresetMode.SAME_STEP, **SHORT)
            if vector
            else gymnasium.make(ID, **SHORT)
        )
        torchrl.check_env_specs(torchrl.GymWrapper(wrap(made)))
