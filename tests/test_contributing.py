"""CONTRIBUTING.md: the rooms are as the layers have them; its agents are short, and learn."""

import re
import tomllib

import pytest

from recsim_env.agents.references.uniform import Uniform
from recsim_env.benchmark import evaluate
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.rated_catalogue import RatedCatalogue
from recsim_env.testing import check_agent
from tests.checkout import REPOSITORY

PAGE = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
CATALOGUE = RatedCatalogue(n_users=50, n_items=60, max_slates=20)


@pytest.fixture(params=["AlsoLiked", "Optimist"])
def agent(request):
    """The class, made by its block alone."""
    block = next(each for each in BLOCKS if f"class {request.param}(" in each)
    names = {"__name__": "contributing"}
    exec(compile(block, "CONTRIBUTING.md", "exec"), names)
    return names[request.param]


def test_rooms_stand_in_the_order_of_the_layers():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    (rooms,) = (
        each for each in project["tool"]["importlinter"]["contracts"] if each["id"] == "rooms"
    )
    private = {"(__main__)", "agent_registry", "interrupts", "links", "progress"}
    layers = [set(layer.split(" | ")) - private for layer in rooms["layers"]]
    section = PAGE.partition("## Where things are")[2].partition("\n## ")[0]
    lines = re.findall(r"^    (.*?)  ", section, flags=re.MULTILINE)
    assert [set(line.split(" | ")) for line in lines] == [layer for layer in layers if layer]


def test_code_is_at_most_25_lines():
    assert len(BLOCKS) == 2
    for block in BLOCKS:
        assert len([line for line in block.splitlines() if line.strip()]) <= 25


def test_it_keeps_the_contract_and_refuses_what_does_not_suit_it(agent):
    check_agent(agent, CATALOGUE)
    check_agent(agent, InterestEvolution())


def test_it_learns(agent):
    """By more than four standard errors of the difference, person by person."""
    learned = agent(RecommendationVectorEnv(CATALOGUE, num_envs=16)).learn(6_000)
    uniform = Uniform(RecommendationVectorEnv(CATALOGUE, num_envs=16))
    found, floor = (
        evaluate(each, CATALOGUE, n_episodes=400, seed=1).returns for each in (learned, uniform)
    )
    gain = found - floor
    assert gain.mean() > 4 * gain.std() / 20
