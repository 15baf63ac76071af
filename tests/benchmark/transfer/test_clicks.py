"""People who act alike under both policies are found to, and those who do not are refuted."""

import csv
import dataclasses

import numpy as np
import pytest

from recsim_env.benchmark.transfer.click_log import ClickLog, policy_chances, read_click_log
from recsim_env.benchmark.transfer.click_model import ClickFit
from recsim_env.benchmark.transfer.click_report import click_tables, summary, write_clicks
from recsim_env.benchmark.transfer.clicks import ALL, METHODS, MODEL, RATE, WEIGHTED, predict_clicks
from recsim_env.data.open_bandit import open_bandit_path

N_ITEMS = 12
APPEAL = np.linspace(-1.2, 1.2, N_ITEMS)
FADING = np.array([0.0, -0.6, -1.2])
TASTE = {"young": 0.7, "old": -0.7}
UNIFORM = np.full(N_ITEMS, 1 / N_ITEMS)
GREEDY = np.exp(1.5 * APPEAL) / np.exp(1.5 * APPEAL).sum()


def log_of(name, chances, seed, n=20_000, appeal=APPEAL):
    """A log of people whose clicks are known effects of item, place and age."""
    rng = np.random.default_rng(seed)
    item, place = rng.choice(N_ITEMS, n, p=chances), rng.integers(3, size=n)
    age = rng.choice(["young", "old"], n)
    score = -2.0 + appeal[item] + FADING[place] + np.vectorize(TASTE.get)(age)
    return ClickLog(
        name=name,
        columns={"item": item.astype(str), "place": place.astype(str), "age": age},
        click=(rng.random(n) < 1 / (1 + np.exp(-score))).astype(float),
        propensity=chances[item],
    )


@pytest.fixture(scope="module")
def logs():
    return log_of("uniform", UNIFORM, 0), log_of("greedy", GREEDY, 1)


@pytest.fixture(scope="module")
def both_ways(logs):
    return [
        predict_clicks(fitted, other, campaign="shop", n_resamples=30)
        for fitted, other in (logs, logs[::-1])
    ]


def found_in(predictions, group, method):
    return [each for each in predictions if (each.group, each.method) == (group, method)]


def test_effects_are_recovered_and_those_that_are_none_are_drawn_to_zero(logs):
    uniform, _ = logs
    noise = np.random.default_rng(2).integers(20, size=len(uniform)).astype(str)
    model = ClickFit({**uniform.columns, "noise": noise}, uniform.click).fit()
    order = np.argsort(model.labels["item"].astype(int))
    effects = model.effects["item"][order]
    assert np.abs(effects - effects.mean() - APPEAL).max() < 0.25
    young, old = (model.effects["age"][list(model.labels["age"]).index(a)] for a in TASTE)
    assert young - old == pytest.approx(1.4, abs=0.15)
    assert model.spread["noise"] < 0.1 < model.spread["place"] < model.spread["item"] * 1.5
    unknown = {name: np.array(["?"]) for name in model.labels}
    assert model.predict(unknown) == pytest.approx(1 / (1 + np.exp(-model.constant)))


def test_a_model_of_one_policy_tells_of_the_other_where_people_act_alike(both_ways):
    for found in both_ways:
        errors = {(each.group, each.method): each for each in found.errors}
        assert errors[ALL, RATE].p_value < 0.001  # another policy earns something else
        assert errors[ALL, RATE].error > 0.2
        for group in (ALL, "item", "place", "age"):
            assert errors[group, MODEL].error < 0.5 * errors[group, RATE].error
        (own,) = found_in(found.predictions, ALL, MODEL)
        for method in (MODEL, WEIGHTED):
            (line,) = found_in(found.predictions, ALL, method)
            assert line.predicted.low < own.own.mean < line.predicted.high, method
        assert found.score.gain.low > 0.0
        assert found.score.auc.mean > 0.65
    assert "click model in 2 of 2" in summary(both_ways)


def test_people_who_act_otherwise_under_the_other_policy_refute_the_model(logs):
    uniform, _ = logs
    changed = log_of("greedy", GREEDY, 3, appeal=-APPEAL)
    found = predict_clicks(uniform, changed, campaign="shop", n_resamples=30)
    refuted = {each.group for each in found.errors if each.method == MODEL and each.p_value < 0.001}
    assert {ALL, "item"} <= refuted


def test_chances_that_vary_in_time_are_averaged_over_time():
    rng = np.random.default_rng(0)
    n, is_early = 40_000, np.arange(40_000) % 2 == 0
    chance_of_a = np.where(is_early, 0.9, 0.1)
    is_a = rng.random(n) < chance_of_a
    log = ClickLog(
        name="drifting",
        columns={"item": np.where(is_a, "a", "b"), "place": np.full(n, "1")},
        click=np.arange(n) % 2.0,
        propensity=np.where(is_a, chance_of_a, 1 - chance_of_a),
    )
    chances = policy_chances(log)
    assert chances["a", "1"] == pytest.approx(0.5, abs=0.02)  # its plain mean would be 0.82
    assert sum(chances.values()) == pytest.approx(1.0)


def test_logs_that_cannot_be_are_refused(logs):
    uniform, greedy = logs
    with pytest.raises(ValueError, match=r"greedy: propensity=1\.5 of row 0 is not in \(0, 1\]"):
        dataclasses.replace(greedy, propensity=np.full(len(greedy), 1.5))
    with pytest.raises(ValueError, match="0 of 20000 rows are clicked; a model needs some of both"):
        ClickFit(uniform.columns, np.zeros(len(uniform)))
    other = dataclasses.replace(greedy, columns={"item": greedy.columns["item"]})
    with pytest.raises(ValueError, match="uniform has the columns item, place, age, and greedy"):
        predict_clicks(uniform, other, campaign="shop")


def test_tables_and_page_hold_every_prediction(both_ways, tmp_path):
    found = both_ways[:1]
    tables = {heading: rows for heading, _, rows in click_tables(found)}
    assert [row[3] for row in tables["By place"][1:]] == ["0", "1", "2"]
    files = write_clicks(found, tmp_path, title="A shop", command="recsim-env transfer a.csv b.csv")
    page = files[-1].read_text(encoding="utf-8")
    assert page.startswith("# A shop\n\n```sh\nrecsim-env transfer a.csv b.csv\n```")
    with files[0].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(METHODS) * (1 + N_ITEMS + 3 + 2)
    assert {row["label"] for row in rows if row["group"] == "age"} == {"young", "old"}


def test_the_open_bandit_sample_is_read_as_it_is():
    try:
        folder = open_bandit_path() / "dataset" / "obd"
    except FileNotFoundError as error:
        pytest.skip(str(error))
    log = read_click_log(folder / "random" / "all" / "all.csv")
    assert (log.name, log.click.sum()) == ("random", 38)
    assert set(log.columns["place"]) == {"1", "2", "3"}
    assert list(policy_chances(log).values()) == pytest.approx([1 / 80] * 240)
