"""Worlds fitted to simulated people are compared with the truth, policy by policy."""

import csv
import math

import pytest

from recsim_env.benchmark.transfer.known_report import known_tables, write_known
from recsim_env.benchmark.transfer.known_truth import predict_known
from recsim_env.benchmark.transfer.known_values import (
    CLICKS,
    METHODS,
    RATE,
    SHOWN,
    TOLD,
    WEIGHTED,
    TruthSettings,
)

pytestmark = pytest.mark.learns

SMALL = TruthSettings(
    scenario="MusicStreaming",
    scenario_settings={"n_users": 40, "n_items": 60, "n_artists": 20},
    loggers=("uniform",),
    policies=("uniform", "popularity"),
    learn=3_000,
    interactions=3_000,
    sessions=200,
    seeds=(0,),
    fit={"n_factors": 2, "draws_tastes": False},
)


@pytest.fixture(scope="module")
def values():
    return predict_known(SMALL)


def of(values, policy, method):
    (found,) = [each for each in values if (each.policy, each.method) == (policy, method)]
    return found


def test_worlds_and_weights_know_that_popular_tracks_are_clicked_more(values):
    assert len(values) == 2 * len(METHODS)
    for method in METHODS:
        uniform, popular = (of(values, name, method) for name in ("uniform", "popularity"))
        assert popular.true_click_rate > uniform.true_click_rate + 0.05
        if method not in (RATE, CLICKS):  # clicks alone do not tell liked from often shown
            assert popular.click_rate > uniform.click_rate, method
    assert of(values, "popularity", WEIGHTED).click_rate == pytest.approx(
        of(values, "popularity", WEIGHTED).true_click_rate, abs=0.08
    )
    assert math.isnan(of(values, "uniform", WEIGHTED).clicks)
    # Whoever logs at random shows what there is: to be told the candidates tells nothing new.
    shown, told = (of(values, "popularity", method) for method in (SHOWN, TOLD))
    assert shown.click_rate == pytest.approx(told.click_rate, abs=0.04)


def test_tables_and_page_hold_every_value(values, tmp_path):
    heads = [rows[0] for _, _, rows in known_tables(values)]
    assert heads[0][:3] == ["log of", "predicted by", "error"]
    files = write_known(values, SMALL, tmp_path, command="recsim-env transfer --scenario …")
    with files[0].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["policy"] for row in rows[:: len(METHODS)]] == ["uniform", "popularity"]
    assert files[1].read_text(encoding="utf-8").startswith("# MusicStreaming: other policies")


def test_what_cannot_be_predicted_is_refused():
    with pytest.raises(ValueError, match="shows slate_size=5 items"):
        predict_known(TruthSettings(scenario_settings={"slate_size": 5}))
    with pytest.raises(ValueError, match="policy 'linucb' needs more than ids"):
        predict_known(TruthSettings(policies=("uniform", "linucb"), seeds=(0,)))
    with pytest.raises(ValueError, match="logger 'ppo' explores in its own way"):
        predict_known(TruthSettings(loggers=("uniform", "ppo")))
