"""Curves of training: a line while learning, and markers before and after."""

import pytest

pytest.importorskip("matplotlib", reason='needs pip install "recsim-env[plots]"')

from recsim_env.plots import draw_training


def rows(scenario="recsim_env.scenarios.x:World", gain=1.0):
    about = {"scenario": scenario, "agent": "ppo", "seed": 0}
    found = [
        about | {"phase": "online", "interactions": n, "reward_per_step": gain * n / 1000}
        for n in (1000, 2000, 3000)
    ]
    before = about | {"phase": "evaluation", "interactions": 0, "reward_per_step": 0.5}
    after = about | {"phase": "evaluation", "interactions": 3000, "reward_per_step": 4.0}
    return [before, *found, after]


def test_lines_and_markers_are_the_rows():
    ax = draw_training({"ppo": rows(), "bold": rows(gain=2.0)})
    line, frozen = ax.lines[:2]
    assert line.get_xydata().tolist() == [[1000, 1], [2000, 2], [3000, 3]]
    assert frozen.get_xydata().tolist() == [[0, 0.5], [3000, 4]]
    assert ax.get_title(loc="left") == "World: reward in training"


def test_a_curve_without_evaluations_ends_where_its_line_does():
    online = [row for row in rows() if row["phase"] == "online"]
    ax = draw_training({"ppo": online})
    assert ax.texts[-1].xy[1] == 3.0


def test_rewards_of_several_scenarios_share_no_axis():
    with pytest.raises(ValueError, match="of one scenario together"):
        draw_training({"a": rows(), "b": rows("m:Other")})
