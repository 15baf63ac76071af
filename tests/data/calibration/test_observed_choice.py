"""A log of impressions tells how often people choose, from how many, and what is shown."""

import dataclasses

import numpy as np
import pytest

from recsim_env.data import CalibrationSettings, Impressions
from recsim_env.data.calibration.observed_choice import observed_exposure, with_observed_choice
from recsim_env.data.calibration.unclicked import ratings_matrix, with_unclicked


@pytest.fixture
def log(make_log):
    """Two people see four slates of three items; two get a click."""
    slates = np.array([[0, 1, 2], [1, 2, 3], [0, 1, 2], [3, 1, 0]])
    clicked = np.array([[0, 1, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]], bool)
    user = np.repeat([0, 0, 1, 1], 3).astype(np.int32)
    item, row = slates.ravel().astype(np.int32), np.full(12, -1)
    row[clicked.ravel()] = [0, 1]
    log = make_log(
        user[row >= 0], item[row >= 0], np.ones(2), n_users=2, n_items=5, is_explicit=False
    )
    shown = Impressions(
        user=user,
        item=item,
        row=row,
        time=None,
        slate=np.repeat(np.arange(4), 3),
        place=None,
        context=np.zeros((12, 0), np.int32),
    )
    return dataclasses.replace(log, impressions=shown)


def test_rate_and_size_of_slates_are_those_of_the_log_unless_asked_for(log):
    found = with_observed_choice(log, CalibrationSettings(n_factors=3))
    assert (found.n_factors, found.choice_slate_size) == (3, 3)
    assert found.choice_rate == pytest.approx(2.5 / 5)
    single = dataclasses.replace(log.impressions, slate=None)
    found = with_observed_choice(
        dataclasses.replace(log, impressions=single), CalibrationSettings()
    )
    assert (found.choice_rate, found.choice_slate_size) == (pytest.approx(2.5 / 13), 1)
    asked = CalibrationSettings(choice_rate=0.2)
    assert with_observed_choice(log, asked) is asked
    plain = dataclasses.replace(log, impressions=None)
    assert with_observed_choice(plain, CalibrationSettings()) == CalibrationSettings()
    assert observed_exposure(plain, 1.0) is None


def test_a_click_counts_as_the_share_of_impressions_that_were_clicked(log):
    again = dataclasses.replace(
        log.select(np.array([0, 0, 1])),  # the first click, twice
        impressions=dataclasses.replace(
            log.impressions, row=np.where(log.impressions.row == 1, 2, log.impressions.row)
        ),
    )
    shown = again.impressions  # person 0 saw item 1 twice: let both be clicks
    twice = (shown.user == 0) & (shown.item == 1)
    again = dataclasses.replace(
        again, impressions=dataclasses.replace(shown, row=np.where(twice, [0, 1] * 6, shown.row))
    )
    once = again.once("first")
    assert len(once) == 2 and len(once.impressions) == 12
    assert once.impressions.row[twice].tolist() == [0, 0]
    shares = ratings_matrix(once, 1, seed=0).toarray()
    assert shares[0, 1] == 1.0
    assert ratings_matrix(log, 1, seed=0).toarray()[0, 1] == 0.5


def test_exposure_is_how_often_items_were_shown(log):
    np.testing.assert_allclose(
        observed_exposure(log, 0.5), np.array([3, 4, 3, 2, 0]) / 14.5 + 0.5 / 14.5
    )


def test_what_was_shown_and_never_clicked_stands_for_no_click(log):
    found = with_unclicked(log, log, unclicked_per_click=10, seed=0)
    rows = zip(found.user.tolist(), found.item.tolist(), found.rating.tolist(), strict=True)
    passed = {(0, 0, 0.0), (0, 2, 0.0), (0, 3, 0.0), (1, 0, 0.0), (1, 1, 0.0), (1, 3, 0.0)}
    assert set(rows) == {(0, 1, 1.0), (1, 2, 1.0)} | passed
    assert len(with_unclicked(log, log, unclicked_per_click=1, seed=0)) == 4
