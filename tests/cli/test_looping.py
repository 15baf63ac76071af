"""`recsim-env feedback`: what is asked for wrongly is said in one line."""

import pytest

from recsim_env.cli import main


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["RatedCatalogue", "linucb"], "fits no model to a log"),
        (["RatedCatalogue", "ials", "--rounds", "1"], "rounds=1"),
        (["LongTermSatisfaction", "popularity"], "catalogue"),
        (["RatedCatalogue", "ials", "--set", "n_itms=5"], "n_itms"),
    ],
)
def test_what_cannot_be_measured_is_one_line(arguments, said, capsys):
    assert main(["feedback", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
