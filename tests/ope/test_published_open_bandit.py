"""Open Bandit Pipeline's quickstart: Thompson sampling judged by the shop's log of uniform choices.

The notebook, obd.ipynb, prints 0.004553 by IPS, 1.198126 times what uniform choices earned, with a
bootstrap interval of 0.00153 to 0.00925.
"""

import csv

import numpy as np
import pytest

from recsim_env.data.open_bandit import open_bandit_path
from recsim_env.ope import LoggedActions
from recsim_env.ope.bandits import ips

pytestmark = pytest.mark.published

N_DRAWS, SIZE, SEED = 100_000, 3, 12345


@pytest.fixture(scope="module")
def sample():
    try:
        return open_bandit_path()
    except FileNotFoundError as error:
        pytest.skip(str(error))


def prior(folder):
    """The parameters of Thompson sampling as it was played in the campaign "all"."""
    found, inside = {"alpha": [], "beta": []}, None
    text = (folder / "policy/conf/prior_bts.yaml").read_text(encoding="utf-8")
    for line in text.partition("men:")[0].splitlines()[1:]:
        word = line.strip(" -:")
        if word in found:
            inside = word
        elif word:
            found[inside].append(float(word))
    return np.array(found["alpha"]), np.array(found["beta"])


def place_chances(folder):
    """How often it shows items at places, (n_items, slate_size), by the notebook's draws."""
    alpha, beta = prior(folder)
    rng, counts = np.random.RandomState(SEED), np.zeros((SIZE, len(alpha)))
    for _ in range(10):
        drawn = rng.beta(alpha, beta, size=(N_DRAWS // 10, len(alpha)))
        best = drawn.argsort(axis=1)[:, ::-1][:, :SIZE]
        counts += [np.bincount(place, minlength=len(alpha)) for place in best.T]
    return counts.T / N_DRAWS


def test_thompson_sampling_is_worth_what_was_published(sample):
    chances = place_chances(sample)
    assert chances[0] == pytest.approx([0.01078, 0.00931, 0.00917], abs=1e-12)
    path = sample / "dataset/obd/random/all/all.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = ("item_id", "position", "click", "propensity_score")
    item, place, click, chance = (np.array([float(row[name]) for row in rows]) for name in names)
    item, place = item.astype(int), place.astype(int) - 1
    log = LoggedActions(reward=click, propensity=chance, target=chances[item, place])
    found = ips(log)
    assert found.value == pytest.approx(0.004553, abs=5e-7)
    assert found.value / click.mean() == pytest.approx(1.198126, abs=5e-7)
    assert (found.low, found.high) == pytest.approx((0.001531, 0.009254), rel=0.15)
    # A handful of 38 clicks decide, which the notebook does not say.
    assert any("effective rows" in each or "tail" in each for each in found.warnings)
