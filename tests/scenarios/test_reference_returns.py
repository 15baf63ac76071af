"""Published settings give the published returns; defaults are worth playing.

Reference returns are those stated in the scenarios' docstrings, each with its own interval where
one was published; a figure without one is taken as exact to its last digit. Closed forms stand
beside them where there are any.
"""

import numpy as np
import pytest
from scipy import stats

pytestmark = pytest.mark.published

N = 8192


def least_appeal(env, observation, rng):
    return -env.expected_reward()


def quality(env, observation, rng):
    return env.items["quality"]


def clickbait(env, observation, rng):
    return env.items["clickbait"]


def no_clickbait(env, observation, rng):
    return -env.items["clickbait"]


def assert_mean(values, reference, reference_error=0.0):
    """Asserts that the mean lies within 3 standard errors (both sides') of the reference."""
    error = np.hypot(values.std(ddof=1) / np.sqrt(len(values)), reference_error)
    assert abs(values.mean() - reference) < 3 * error, (values.mean(), reference, error)


# The published 95 % intervals are 1.96 standard errors wide on each side.
@pytest.mark.parametrize(
    ("policy", "reference", "interval", "steps"),
    [
        ("uniform", 160.5, 0.6, 70.9),
        ("oracle", 168.4, 1.1, 60.5),
        (quality, 265.2, 1.7, 122),
    ],
)
def test_recsim_interest_evolution(play, policy, reference, interval, steps):
    played = play("RecSim-InterestEvolution-v0", policy, n=N)
    assert_mean(played.returns, reference, interval / 1.96)
    assert played.lengths.mean() == pytest.approx(steps, rel=0.02)


@pytest.mark.parametrize(
    ("policy", "reference"), [("uniform", 0.310), (quality, 0.444), ("oracle", 0.450)]
)
def test_recsim_interest_exploration(play, policy, reference):
    played = play("RecSim-InterestExploration-v0", policy, n=N)
    assert (played.lengths == 100).all()
    assert_mean(played.returns / 100, reference, reference_error=0.0005)


def exploration_click_rate(n_people=200_000, **mean):
    """An independent simulation: NumPy's own draws, all people at once, uniform slates of 3."""
    rng = np.random.default_rng(1)
    kind = (rng.random(n_people) >= 0.3).astype(int)
    centre = np.array([[0.1, mean["match"]], [mean["match"], 0.1]])[kind]
    affinity = rng.lognormal(centre, 0.1)
    topic = (rng.random((n_people, 3)) >= 0.2).astype(int)
    looks = rng.lognormal(np.array([mean["looks"], 0.2])[topic], 0.1)
    weights = np.exp(np.take_along_axis(affinity, topic, axis=1) + looks).sum(axis=1)
    return weights / (weights + np.exp(5.0))


@pytest.mark.parametrize(("match", "looks"), [(0.7, 0.8), (1.2, 0.5), (0.4, 1.0)])
def test_interest_exploration_equals_an_independent_simulation(play, match, looks):
    expected = exploration_click_rate(match=match, looks=looks)
    ours = {"matching_affinity": match, "topic_0_quality": looks}
    played = play("RecSim-InterestExploration-v0", "uniform", n=N, **ours)
    error = expected.std() / np.sqrt(len(expected))
    assert_mean(played.returns / 100, expected.mean(), error)


def satisfaction_return(policy, sensitivity, n_people=40_000):
    """An independent simulation of chocolate and kale in NumPy; expected engagement, no noise."""
    rng = np.random.default_rng(2)
    z = (rng.random(n_people) - 0.5) / 0.3
    total = np.zeros(n_people)
    for _ in range(60):
        offered = rng.random((n_people, 10))
        clickbait = policy(offered)
        mean = (5 * clickbait + 4 * (1 - clickbait)) / (1 + np.exp(-sensitivity * z))
        total += np.exp(mean + 0.5)
        z = 0.7 * z - 2 * (clickbait - 0.5) + rng.normal(0, 0.05, n_people)
    return total


@pytest.mark.parametrize("sensitivity", [0.01, 0.1, 0.3])
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("uniform", lambda offered: offered[:, 0]),
        (clickbait, lambda offered: offered.max(axis=1)),
        (no_clickbait, lambda offered: offered.min(axis=1)),
    ],
    ids=["uniform", "chocolate", "kale"],
)
def test_long_term_satisfaction_equals_an_independent_simulation(play, ours, theirs, sensitivity):
    expected = satisfaction_return(theirs, sensitivity)
    played = play("LongTermSatisfaction-v0", ours, n=N, sensitivity=sensitivity)
    assert (played.lengths == 60).all()
    assert_mean(played.returns, expected.mean(), expected.std() / np.sqrt(len(expected)))


@pytest.mark.parametrize(
    ("policy", "reference"), [("oracle", 1115), ("uniform", 950), (least_appeal, 792)]
)
def test_recsim_long_term_satisfaction(play, policy, reference):
    """Within 1 %, the precision that is published for the uniform return."""
    played = play("RecSim-LongTermSatisfaction-v0", policy, n=N)
    assert played.returns.mean() == pytest.approx(reference, rel=0.01)


def test_kale_wins_above_the_critical_sensitivity_only(play):
    for sensitivity, kale_wins in ((0.04, False), (0.1, True)):
        kale, chocolate = (
            play("LongTermSatisfaction-v0", policy, n=N, sensitivity=sensitivity).returns
            for policy in (no_clickbait, clickbait)
        )
        gap = kale - chocolate  # the same people: paired
        assert (gap.mean() > 0) == kale_wins
        assert abs(stats.ttest_1samp(gap, 0).pvalue) < 1e-6


@pytest.mark.parametrize(
    ("env_id", "ceiling"),
    [
        ("InterestEvolution-v0", "oracle"),
        ("InterestExploration-v0", "oracle"),
        ("LongTermSatisfaction-v0", "far_sighted"),
        ("RatedCatalogue-v0", "oracle"),
    ],
)
def test_defaults_are_worth_playing(play, assert_more, env_id, ceiling):
    """Perfect knowledge earns half as much again as none."""
    best, floor = (play(env_id, policy, n=2048).returns for policy in (ceiling, "uniform"))
    assert_more(best, floor, 1.5)


@pytest.mark.parametrize("env_id", ["InterestEvolution-v0", "LongTermSatisfaction-v0"])
def test_foresight_pays_where_time_matters(play, assert_more, env_id):
    """The far-sighted reference earns at least 5 % more than the myopic oracle."""
    far, myopic = (play(env_id, policy, n=N).returns for policy in ("far_sighted", "oracle"))
    assert_more(far, myopic, 1.05)


def test_foresight_is_worth_nothing_when_nothing_lasts(play):
    """With sensitivity 0, satisfaction stays 1/2 and both references rank by clickbait."""
    far, myopic = (
        play("LongTermSatisfaction-v0", policy, n=256, sensitivity=0.0).returns
        for policy in ("far_sighted", "oracle")
    )
    assert np.array_equal(far, myopic)
