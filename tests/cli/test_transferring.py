"""`recsim-env transfer` predicts one log by another, keeps what it found, and refuses the rest."""

import numpy as np
import pytest

from recsim_env.cli import main


@pytest.fixture
def logs(tmp_path):
    """Two tables in the form of the Open Bandit Dataset."""
    files = []
    for seed, policy in enumerate(("random", "bts")):
        rng = np.random.default_rng(seed)
        lines = ["timestamp,item_id,position,click,propensity_score,user_feature_0"]
        lines += [
            f"2019-11-24 {rng.integers(24):02}:00:00,{rng.integers(4)},{1 + rng.integers(3)},"
            f"{int(rng.random() < 0.2)},0.25,{'ab'[rng.integers(2)]}"
            for _ in range(300)
        ]
        file = tmp_path / policy / "all" / "all.csv"
        file.parent.mkdir(parents=True)
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
        files.append(str(file))
    return files


def test_both_ways_are_shown_and_kept(logs, tmp_path, capsys):
    command = ["transfer", *logs, "--resamples", "5", "--out", str(tmp_path / "out")]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "The predicted click rate lies within the interval" in said
    page = (tmp_path / "out" / "transfer.md").read_text(encoding="utf-8")
    assert "| all | random | bts |" in page and "| all | bts | random |" in page
    assert main(command) == 2
    assert "replace it with --overwrite" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ([], "name either LOGs, such as open-bandit, or --scenario SCENARIO"),
        (["random/all.csv"], "name two tables of the Open Bandit Dataset, or open-bandit"),
        (["a.csv", "b.csv", "--scenario", "MusicStreaming"], "name either LOGs"),
        (["--scenario", "LongTermSatisfaction"], "a log needs item ids"),
    ],
)
def test_what_cannot_be_asked_is_refused(asked, said, capsys):
    assert main(["transfer", *asked]) != 0
    assert said in capsys.readouterr().err
