"""Compiled fits solve what plain NumPy solves, on any number of threads."""

import numpy as np
import pytest
from scipy import sparse

from recsim_env.data.calibration import factorization
from recsim_env.data.calibration.factorization import solve_side
from recsim_env.data.calibration.prediction import auc, user_auc
from recsim_env.data.calibration.sampling import some_people


@pytest.fixture(scope="module")
def system():
    """Rows of 0 to 40 values, which are predicted from 4 factors and a bias."""
    rng = np.random.default_rng(0)
    matrix = sparse.random_array((60, 45), density=0.4, rng=rng, format="csr")
    matrix.data = rng.normal(size=matrix.nnz)
    return matrix, rng.normal(size=(45, 5)), np.array([2.0, 2.0, 2.0, 2.0, 0.5])


def test_every_row_is_a_ridge_regression(system):
    matrix, others, penalty = system
    found = solve_side(matrix, others, penalty)
    for row in range(matrix.shape[0]):
        columns = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]
        values = matrix.data[matrix.indptr[row] : matrix.indptr[row + 1]]
        design = np.column_stack([others[columns, :-1], np.ones(len(columns))])
        normal = design.T @ design + np.diag(penalty)
        wanted = np.linalg.solve(normal, design.T @ (values - others[columns, -1]))
        np.testing.assert_allclose(found[row], wanted, atol=1e-10)


def test_threads_do_not_change_a_fit(system, monkeypatch):
    fits = []
    for n in (1, 3, 100):
        monkeypatch.setattr(factorization, "n_threads", lambda n=n: n)
        fits.append(solve_side(*system))
    np.testing.assert_array_equal(fits[0], fits[1])
    np.testing.assert_array_equal(fits[0], fits[2])


def test_area_within_users_is_the_mean_of_their_areas():
    rng = np.random.default_rng(1)
    user, score = rng.integers(0, 40, 400), rng.integers(0, 6, 400).astype(float)
    is_liked = rng.random(400) < 0.3
    areas = [auc(score[user == one], is_liked[user == one]) for one in range(40)]
    assert np.isnan(areas).any(), "people who like all or nothing do not count"
    assert user_auc(score, is_liked, user) == pytest.approx(np.nanmean(areas))
    assert np.isnan(user_auc(score, np.ones(400, bool), user))


def test_all_rows_of_some_people_are_drawn(make_log):
    rng = np.random.default_rng(2)
    user = rng.integers(0, 50, 1_000)
    log = make_log(user, np.arange(1_000), np.ones(1_000), n_users=50)
    some = some_people(log, 300, seed=0)
    kept = np.unique(some.user)
    assert 300 <= len(some) < 300 + np.bincount(user).max()
    assert len(some) == np.isin(user, kept).sum() and some.n_users == 50
    assert some_people(log, 1_000, seed=0) is log
