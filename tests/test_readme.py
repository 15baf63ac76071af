"""The README's Python runs as written, in order, and its scenario of one's own is short."""

import re
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from recsim_env.agents import AGENTS
from recsim_env.envs.registry import ENVIRONMENTS
from recsim_env.testing import check_agent

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.fixture(scope="module")
def namespace():
    """What the blocks define, run one after the other as one program."""
    pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')
    names = {"__name__": "readme"}
    for block in BLOCKS:
        exec(compile(block, "README.md", "exec"), names)
    return names


def test_blocks_run_in_order(namespace, capsys):
    assert len(BLOCKS) >= 3
    assert namespace["people"].num_envs == 64


def test_the_first_block_is_ten_lines_and_ranks_the_agents(capsys):
    assert len([line for line in BLOCKS[0].splitlines() if line.strip()]) <= 10
    exec(compile(BLOCKS[0], "README.md", "exec"), {})
    returns = dict(line.split() for line in capsys.readouterr().out.splitlines())
    assert list(returns) == ["uniform", "popularity", "linucb", "oracle"]
    assert float(returns["uniform"]) < min(float(returns["popularity"]), float(returns["linucb"]))
    assert float(returns["oracle"]) == max(map(float, returns.values()))


def test_the_scenario_of_ones_own_is_short_and_works_with_everything(namespace):
    block = next(block for block in BLOCKS if "class CoffeeShop" in block)
    assert len(block.splitlines()) <= 40
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


def test_values_are_those_that_the_command_wrote():
    written = Path(__file__).parent.parent / "docs" / "results" / "value" / "values.md"
    assert written.read_text(encoding="utf-8").strip() in README


def test_the_ladder_is_that_of_the_report():
    report = Path(__file__).parent.parent / "docs" / "results" / "ladder" / "report.md"
    section = report.read_text(encoding="utf-8").split("\n## ")[1]
    table = [line for line in section.splitlines() if line.startswith("|")]
    assert table[0].startswith("| agent |") and "\n".join(table) in README


def test_the_ranking_on_a_real_log_is_that_of_the_kept_page():
    page = Path(__file__).parent.parent / "docs" / "results" / "ranking" / "leave-one-out"
    lines = (page / "ranking.md").read_text(encoding="utf-8").splitlines()
    found = []
    for line in lines:
        agent, *cells = line.strip("| ").split(" | ")
        if cells and "[" in line:
            hit_rate, gain = (cell.split()[0].lstrip("0") for cell in cells[:2])
            found.append(f"| `{agent}` | {hit_rate} / {gain} |")
    table = README.partition("**On a real log**")[2].partition("**Exploring.**")[0].splitlines()
    said = ["|".join(line.split("|")[:3]) + "|" for line in table if line.startswith("| `")]
    assert said == found


def test_every_scenario_and_agent_is_listed():
    assert [name for name in [*ENVIRONMENTS, *AGENTS] if f"`{name}`" not in README] == []
