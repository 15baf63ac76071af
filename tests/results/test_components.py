"""Known components of variance are found again."""

import numpy as np
import pytest

from recsim_env.results.components import components

SEED, PERSON, BOTH, MEETING, REST = 4.0, 9.0, 1.0, 16.0, 2.0


def drawn(rng: np.random.Generator, n_seeds: int, n_people: int, n_meetings: int) -> np.ndarray:
    def noise(variance: float, *shape: int) -> np.ndarray:
        return np.sqrt(variance) * rng.normal(size=shape)

    return np.asarray(
        7.0
        + noise(SEED, n_seeds, 1, 1)
        + noise(PERSON, 1, n_people, 1)
        + noise(BOTH, n_seeds, n_people, 1)
        + noise(MEETING, 1, n_people, n_meetings)
        + noise(REST, n_seeds, n_people, n_meetings)
    )


def test_known_components_come_out_on_average() -> None:
    """Of 400 tables of 5 seeds; the standard error of the seed's variance is 3.5 %."""
    rng = np.random.default_rng(0)
    found = [components(drawn(rng, 5, 30, 3)) for _ in range(400)]
    assert np.mean([each.learning for each in found]) == pytest.approx(SEED, rel=0.15)
    assert np.mean([each.people for each in found]) == pytest.approx(PERSON + BOTH, rel=0.06)
    assert np.mean([each.chance for each in found]) == pytest.approx(MEETING + REST, rel=0.03)


def test_they_add_up_to_the_variance_of_a_reported_mean() -> None:
    """A mean of one seed over 20 people met once, drawn 4,000 times; three per cent at four se."""
    rng = np.random.default_rng(1)
    means = [float(drawn(rng, 1, 20, 1).mean()) for _ in range(4_000)]
    exact = components(drawn(rng, 400, 400, 2)).of_mean(20)
    assert sum(exact.values()) == pytest.approx(np.var(means), rel=0.15)
    assert exact["people"] == pytest.approx((PERSON + BOTH) / 20, rel=0.2)


def test_what_does_not_vary_has_no_variance() -> None:
    person = np.arange(6.0).reshape(1, 6, 1)
    found = components(np.broadcast_to(person, (3, 6, 2)))
    assert (found.learning, found.chance) == (0.0, 0.0)
    assert found.people == pytest.approx(person.var(ddof=1))
    assert found.of_mean(10, n_seeds=5)["people"] == pytest.approx(found.people / 50)


@pytest.mark.parametrize("shape", [(1, 3, 3), (3, 1, 3), (3, 3, 1), (3, 3)])
def test_fewer_than_two_of_anything_split_nothing(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="each at least 2"):
        components(np.zeros(shape))


def test_missing_returns_are_not_taken_for_numbers() -> None:
    with pytest.raises(ValueError, match="not finite"):
        components(np.full((2, 2, 2), np.nan))
