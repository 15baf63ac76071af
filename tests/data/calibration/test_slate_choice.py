"""Of impressions, the slope of choice is that by which people clicked, whatever was shown."""

import dataclasses

import numpy as np
import pytest

from recsim_env.data import CalibrationSettings, Impressions, calibrate
from recsim_env.data.calibration.slate_choice import fit_slate_slope

N_PEOPLE, N_ITEMS, N_SLATES, SIZE = 40, 30, 2_500, 3


@pytest.fixture(scope="module")
def shown_to(make_log):
    """Returns a function of appeal: impressions, popular ones more often, clicked by it."""

    def log(appeal):
        rng = np.random.default_rng(0)
        user = rng.integers(N_PEOPLE, size=N_SLATES)
        often = np.sort(rng.random(N_ITEMS)) + 0.1
        item = np.array(
            [rng.choice(N_ITEMS, SIZE, replace=False, p=often / often.sum()) for _ in user]
        )
        weight = np.column_stack([np.exp(appeal[item]), np.full(N_SLATES, 2.0)]).cumsum(axis=1)
        place = (rng.random((N_SLATES, 1)) * weight[:, -1:] > weight).sum(axis=1)
        is_clicked = place[:, None] == np.arange(SIZE)
        row = np.full(is_clicked.shape, -1)
        row[is_clicked] = np.arange(is_clicked.sum())
        of_all = np.repeat(user, SIZE).astype(np.int32)
        clicks = make_log(
            of_all[is_clicked.ravel()],
            item[is_clicked],
            np.ones(is_clicked.sum()),
            n_users=N_PEOPLE,
            n_items=N_ITEMS,
            is_explicit=False,
        )
        shown = Impressions(
            user=of_all,
            item=item.ravel().astype(np.int32),
            row=row.ravel(),
            time=None,
            slate=np.repeat(np.arange(N_SLATES), SIZE),
            place=None,
            context=np.zeros((item.size, 0), np.int32),
        )
        return dataclasses.replace(clicks, impressions=shown)

    return log


def fitted(log):
    settings = CalibrationSettings(n_factors=1, held_out_share=0.4)
    return fit_slate_slope(log, settings, bias_penalty=4.0, factor_penalty=25.0)


def test_items_that_are_clicked_more_where_they_stand_are_chosen_more(shown_to):
    appeal = np.random.default_rng(1).normal(0.0, 1.2, N_ITEMS)
    found = fitted(shown_to(appeal))
    assert found.slope > 5 * found.standard_error
    world = calibrate(shown_to(appeal), n_factors=1)
    score = world.choice_slope * world.item_bias
    assert np.corrcoef(score, appeal)[0, 1] > 0.8
    assert 0.5 < np.polyfit(appeal, score, 1)[0] < 1.2  # drawn to the mean, as likings are


def test_what_is_only_shown_more_often_is_not_chosen_more(shown_to):
    found = fitted(shown_to(np.zeros(N_ITEMS)))
    assert abs(found.slope) < 4 * found.standard_error
