"""One agent of each family finds what there is to learn, in seconds."""

import pytest

from recsim_env.agent_registry import FAMILIES, REGISTRY
from recsim_env.agents import make_agent

#: An agent of each family, the interactions it learns from, and whether people are all alike: what
#: everybody likes is all that can be found without telling people apart.
LEARNERS = {
    "non-personalized": ("popularity", 3_000, True),
    "content and sequence": ("content", 3_000, False),
    "collaborative filtering": ("ials", 10_000, False),
    "multi-armed bandits": ("ucb", 3_000, True),
    "contextual bandits": ("linucb", 3_000, False),
    "value-based RL": ("dqn", 3_000, False),
    "policy-based RL": ("ppo", 5_000, False),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_one_agent_of_each_family_learns(family, checkerboard, share_of_matches):
    name, interactions, is_alike = LEARNERS[family]
    assert REGISTRY[name].family == family
    pytest.importorskip(
        REGISTRY[name].extra or "numpy", reason='needs pip install "recsim-env[agents]"'
    )
    env, people = (checkerboard(n, is_alike=is_alike) for n in (32, 500))
    agent = make_agent(name, env, seed=0).learn(interactions)
    uniform = make_agent("uniform", env)
    assert share_of_matches(agent, people) > share_of_matches(uniform, people) + 0.4
