"""Golden trajectories: a fixed seed keeps giving the same numbers.

A change of any number here is a change of the simulator: raise the version of the id, write it down
in CHANGELOG.md under "Numbers changed", and write the file anew with

    RECSIM_ENV_WRITE_GOLDEN=1 python -m pytest tests/test_golden.py
"""

import json
import os
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from recsim_env.envs.registry import ENVIRONMENTS

GOLDEN = Path(__file__).parent / "golden.json"


def trajectory(name):
    """Returns what three people do in 12 steps with slates in turn, to six significant digits."""
    env = gymnasium.make_vec(f"recsim_env/{name}", num_envs=3, max_episode_steps=8)
    k, n = env.scenario.slate_size, env.scenario.n_candidates
    observation, _ = env.reset(seed=2026)
    rows = []
    for step in range(12):
        slate = (step + np.arange(k)) % n
        observation, rewards, terminated, truncated, _ = env.step(
            np.tile(slate if k > 1 else slate[0], (3, 1) if k > 1 else 3)
        )
        sums = [float(np.sum(observation[field], dtype=float)) for field in sorted(observation)]
        numbers = [*rewards.tolist(), *sums]
        rounded = [float(f"{number:.6g}") for number in numbers]
        rows.append([*rounded, *(terminated | truncated).tolist()])
    return rows


@pytest.mark.parametrize("name", sorted(ENVIRONMENTS))
def test_a_fixed_seed_gives_the_recorded_trajectory(name):
    golden = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    given = trajectory(name)
    if os.environ.get("RECSIM_ENV_WRITE_GOLDEN"):
        golden[name] = given
        GOLDEN.write_text(json.dumps(golden, sort_keys=True) + "\n")
    assert name in golden, f"{name} has no recorded trajectory; write it as this module's text says"
    # Processors differ in the last place of transcendental functions.
    assert np.allclose(np.array(given, float), np.array(golden[name], float), rtol=2e-5)
