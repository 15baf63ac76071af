"""The registry says of every agent what the agent itself says, and imports none."""

import importlib
import re
import subprocess
import sys
from dataclasses import dataclass

import pytest

from recsim_env.agent_registry import FAMILIES, REFERENCES, REGISTRY, names_of, registered_name
from recsim_env.agents import AGENTS, agent_class
from recsim_env.core.scenario import Scenario
from recsim_env.envs.resolving import resolve_scenario, scenario_ids


@dataclass(frozen=True, kw_only=True)
class Bare(Scenario):
    """People of whom, and of whose items, nothing is known."""

    slate_size: int = 1

    def user_layout(self):
        return {"mood": float}

    def item_layout(self):
        return {"quality": float}

    def response_layout(self):
        return {"clicked": bool}

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        return 0.0, False


SCENARIOS = {"bare": Bare()} | {env_id: resolve_scenario(env_id) for env_id in scenario_ids()}


def lack(name, scenario):
    """Returns what an agent says that it needs and a scenario lacks, or nothing."""
    kind = agent_class(name)
    reason = kind.unsuitable(scenario) or ""
    found = re.match(rf"{kind.__name__} needs (.*?), and ", reason)
    return found[1] if found else reason


@pytest.mark.parametrize("name", REGISTRY)
def test_what_an_agent_needs_is_what_it_refuses_for_the_lack_of(name):
    entry = REGISTRY[name]
    assert bool(entry.needs) == bool(lack(name, SCENARIOS["bare"]))
    if entry.family != REFERENCES:
        lacking = {lack(name, scenario) for scenario in SCENARIOS.values()}
        assert entry.needs in lacking


def test_paths_lead_to_classes_and_back():
    assert {name: entry.path for name, entry in REGISTRY.items()} == AGENTS
    for name, path in AGENTS.items():
        module, _, attribute = path.partition(":")
        kind = getattr(importlib.import_module(module), attribute)
        assert agent_class(name) is kind
        assert registered_name(f"{kind.__module__}:{kind.__qualname__}") == name
    assert registered_name("linucb") == "linucb"
    assert registered_name("mine.py:Mine") == "mine.py:Mine"


def test_every_agent_has_one_family_and_those_that_learn_a_family_of_figures():
    assert [name for family in [REFERENCES, *FAMILIES] for name in names_of(family)] == [*REGISTRY]
    assert {name for name in REGISTRY if not agent_class(name).learns} == set(names_of(REFERENCES))


def test_the_extra_of_an_agent_is_what_its_lack_is_said_of():
    """Without any extra, exactly the agents that name one cannot be imported or made."""
    program = """
import sys

class Absent:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in ("torch", "stable_baselines3", "sb3_contrib", "implicit"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from recsim_env.agents import AGENTS, make_agent
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.news_feed import NewsFeed
from recsim_env.scenarios.rated_catalogue import RatedCatalogue
catalogue = RecommendationVectorEnv(RatedCatalogue(n_users=9, n_items=9, n_candidates=3))
news = RecommendationVectorEnv(NewsFeed())
for name in AGENTS:
    is_other = name in ("cascade_ucb", "topic_ucb", "diverse_oracle", "far_sighted")
    try:
        make_agent(name, news if is_other else catalogue).learn(1)
    except ImportError as error:
        print(name)
    except ValueError as error:
        assert name == "far_sighted", error
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [name for name, entry in REGISTRY.items() if entry.extra]
