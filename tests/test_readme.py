"""The README's Python runs as written, in order, and what it tells is so."""

import contextlib
import re
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from matplotlib import image

from recsim_env.agent_registry import FAMILIES, REFERENCES, names_of
from recsim_env.benchmark.experiment.settings import DEFAULT_SCENARIO
from recsim_env.envs.registry import ENVIRONMENTS
from recsim_env.results.standings import standings
from recsim_env.results.table import ResultTable
from recsim_env.testing import check_agent

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The folder in which the blocks are run."""
    return tmp_path_factory.mktemp("readme")


@pytest.fixture(scope="module")
def namespace(place):
    """What the blocks define, run one after the other as one program."""
    pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')
    names = {"__name__": "readme"}
    with contextlib.chdir(place):
        for block in BLOCKS:
            exec(compile(block, "README.md", "exec"), names)
    yield names
    del gymnasium.registry["me/CoffeeShop-v0"]  # other tests list what is registered


def test_it_is_read_in_one_go():
    assert len(README.splitlines()) <= 200


def test_blocks_run_in_order(namespace, capsys):
    assert len(BLOCKS) >= 4
    assert namespace["people"].num_envs == 64


def test_the_picture_is_what_its_block_draws(namespace, place):
    assert "![A simulated person and a slate](docs/person.png)" in README
    drawn, kept = (image.imread(folder / "person.png") for folder in (place, ROOT / "docs"))
    assert drawn.shape == kept.shape
    assert np.abs(drawn - kept).mean() < 0.01  # letters differ a little between Matplotlibs


def test_the_first_block_is_ten_lines_and_ranks_the_agents(capsys):
    assert len([line for line in BLOCKS[0].splitlines() if line.strip()]) <= 10
    exec(compile(BLOCKS[0], "README.md", "exec"), {})
    returns = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert list(returns) == ["uniform", "popularity", "linucb", "oracle"]
    assert float(returns["uniform"]) < min(float(returns["popularity"]), float(returns["linucb"]))
    assert float(returns["oracle"]) == max(map(float, returns.values()))


def test_the_scenario_of_ones_own_is_short_and_works_with_everything(namespace):
    block = next(block for block in BLOCKS if "class CoffeeShop" in block)
    assert len(block.splitlines()) <= 30
    scenario = namespace["CoffeeShop"]
    for agent in ("linucb", "content"):
        check_agent(agent, scenario)
    check_agent("popularity", scenario(n_users=50, n_items=30))
    env = gymnasium.make("me/CoffeeShop-v0", render_mode="ansi")
    env.reset(seed=0)
    env.step(0)
    assert "taste" in env.render() and "strength" in env.render()
    oracle, uniform = (
        np.mean([namespace["env"].step(slates(namespace["env"]))[1] for _ in range(20)])
        for slates in (
            lambda env: np.argsort(-env.expected_reward(), axis=1)[:, :3],
            lambda env: np.tile([0, 1, 2], (env.num_envs, 1)),
        )
    )
    assert oracle > uniform + 0.05


def test_the_default_benchmark_is_that_of_the_kept_table():
    table = ResultTable(ROOT / "docs" / "results" / "default")
    found = {}
    for each in standings(table, DEFAULT_SCENARIO):
        low, mean, high = (
            f"{value:.2f}".replace("0.", ".")
            for value in (each.score.low, each.score.mean, each.score.high)
        )
        found[f"`{each.agent}`"] = f"{mean} [{low}, {high}]"
    rows = re.findall(r"^\| (`\w+`) \| (\.\d\d \[.*?\]) \|", README, flags=re.MULTILINE)
    assert len(rows) == 7
    assert rows == [(agent, found[agent]) for agent, _ in rows]
    assert {agent for agent, _ in rows} == set(found) - {"`uniform`", "`oracle`", "`far_sighted`"}


def test_agents_stand_in_their_families():
    rows = re.findall(r"^\| ([a-zA-Z -]+) \| (`.*`) \| (.*) \|$", README, flags=re.MULTILINE)
    expected = [
        (family, ", ".join(f"`{name}`" for name in names_of(family)), unites)
        for family, unites in FAMILIES.items()
    ]
    assert rows == expected
    assert all(f"`{name}`" in README for name in names_of(REFERENCES))


def test_every_scenario_is_listed_with_its_question():
    published = ("RecSim-", "RecoGym-", "Sardine-")
    ours = [name for name in ENVIRONMENTS if not name.startswith(published)]
    rows = dict(re.findall(r"^\| `(\w+-v\d+)` \| (.*\?) \|$", README, flags=re.MULTILINE))
    assert set(rows) == set(ours) and len(rows) == 12
