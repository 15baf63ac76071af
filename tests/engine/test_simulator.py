"""The batch engine: what is compiled for one person serves many."""

import numpy as np
import pytest

from recsim_env import RecommendationVectorEnv
from recsim_env.scenarios.rated_catalogue import RatedCatalogue


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_batches_of_any_size_have_one_signature(mode):
    signatures = []
    for num_envs in (1, 3):
        env = RecommendationVectorEnv(
            RatedCatalogue(n_items=300), num_envs=num_envs, autoreset_mode=mode
        )
        env.reset(seed=0)
        env.step(np.zeros((num_envs, 3), int))
        env.expected_reward()
        kernel = env._simulator.kernel
        signatures.append((kernel.step.signatures, kernel.judges["expected_reward"][0].signatures))
    assert signatures[0] == signatures[1]
    assert [len(each) for each in signatures[0]] == [1, 1]
