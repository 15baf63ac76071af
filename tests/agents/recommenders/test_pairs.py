"""Pairs compare what was liked with what was not, as often as it was liked."""

import numpy as np
import pytest

from recsim_env.agents.recommenders.pairs import Pairs


def test_what_was_liked_too_is_compared_with_nothing(table_of):
    table = table_of([(0, 0, 1), (0, 2, 1), (1, 1, 1)])
    pairs, rng = Pairs(table, 0.5), np.random.default_rng(0)
    drawn = [set(zip(*pairs.draw(rng), strict=True)) for _ in range(100)]
    assert set.union(*drawn) == {(0, 0, 1), (0, 2, 1), (1, 1, 0), (1, 1, 2)}


def test_an_epoch_takes_likes_as_often_as_they_were_liked(table_of):
    """Likings are 1/2, 1 and 3/2 of the mean; the one pass is what each is compared with."""
    table = table_of([(0, 0, 1), (0, 1, 2), (0, 3, 0), (1, 2, 3), (1, 3, 0)])
    pairs, rng = Pairs(table, 1.0), np.random.default_rng(0)
    drawn = [pairs.draw(rng) for _ in range(1_000)]
    assert {len(user) for user, _, _ in drawn} == {3}
    counts = np.array([np.bincount(item, minlength=4) for _, item, _ in drawn])
    assert (abs(counts - [0.5, 1.0, 1.5, 0.0]) < 1).all()
    # Half of 1,000 epochs, more than 5 standard deviations of a fair coin apart: 1e-6.
    assert counts.mean(axis=0) == pytest.approx([0.5, 1.0, 1.5, 0.0], abs=0.08)
    assert all((user == (item == 2)).all() for user, item, _ in drawn)


def test_compares_with_what_the_session_passed_over_as_it_was_looked_at(table_of):
    """Session 0 liked item 0 and looked at 1 three times as likely as at 2, and never at 3."""
    rows = [(0, 3, 0), (0, 0, 1), (0, 1, 0), (0, 2, 0), (0, 4, 1), (1, 5, 0), (1, 0, 0)]
    table = table_of(
        rows,
        session=np.array([0, 0, 0, 0, 1, 2, 0]),
        examination_probability=np.array([0.0, 1.0, 0.75, 0.25, 1.0, 1.0, 0.0]),
    )
    pairs, rng = Pairs(table, 1.0), np.random.default_rng(0)
    drawn = [pairs.draw(rng) for _ in range(4_000)]
    item, other = np.hstack([each[1:] for each in drawn])
    counts = np.bincount(other[item == 0], minlength=6)
    assert counts[[0, 3, 4, 5]].sum() == 0
    assert counts[1] / 4_000 == pytest.approx(0.75, abs=0.035)  # 5 standard deviations
    any_else = np.bincount(other[item == 4], minlength=6)  # nothing passed over: any not liked
    assert (any_else > 0).tolist() == [False, True, True, True, False, True]
