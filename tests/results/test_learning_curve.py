"""The curve beside an agent's file is read as it was written, or refused."""

import math

import pytest

from recsim_env.results.learning_curve import COLUMNS, curve_file, read_curve, write_curve

ABOUT = {"scenario": "m:World", "agent": "ppo", "seed": 3}
ROWS = [
    ABOUT | {"phase": "evaluation", "interactions": 0, "episodes": 100, "return_mean": 1.5},
    ABOUT | {"phase": "online", "interactions": 1000, "reward_per_step": 0.1},
]


def test_rows_are_read_as_they_were_written(tmp_path):
    file = curve_file(tmp_path / "ppo.agent")
    write_curve(file, ROWS)
    found = read_curve(file)
    assert [list(row) for row in found] == [list(COLUMNS)] * 2
    assert [row["interactions"] for row in found] == [0, 1000]
    assert found[0]["return_mean"] == 1.5
    assert math.isnan(found[0]["reward_per_step"])
    assert found[1]["reward_per_step"] == 0.1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no learning curve"),
        ("a,b\n1,2\n", "no learning curve"),
        (",".join(COLUMNS) + "\nw,a,0,online,ten,0,1,,,\n", "is damaged"),
        (",".join(COLUMNS) + "\nw,a,0,offline,10,0,1,,,\n", "offline"),
    ],
)
def test_other_files_are_refused(tmp_path, text, said):
    file = tmp_path / "x.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match=said):
        read_curve(file)
