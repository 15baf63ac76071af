"""Published settings give the published returns; defaults are worth playing.

Reference returns are those stated in the scenarios' docstrings, each with its own interval where
one was published; a figure without one is taken as exact to its last digit. Closed forms stand
beside them where there are any.
"""

import gymnasium
import numpy as np
import pytest
from scipy import stats

import recsim_env  # noqa: F401  (registers the environments)

N = 8192


def uniform_scores(env, rng):
    return rng.random((env.num_envs, env.scenario.n_candidates))


def appeal(env, rng):
    return env.appeal()


def least_appeal(env, rng):
    return -env.appeal()


def worth(env, rng):
    return env.worth()


def quality(env, rng):
    return env.items["quality"]


def returns(env_id, policy, n=N, **settings):
    """Returns the return and the length of one episode of each of `n` people."""
    env = gymnasium.make_vec(f"recsim_env/{env_id}", num_envs=n, threads=2, **settings)
    env.reset(seed=0)
    rng = np.random.default_rng(0)
    total, length, is_running = np.zeros(n), np.zeros(n), np.ones(n, bool)
    k = env.scenario.slate_size
    while is_running.any():
        slates = np.argsort(-policy(env, rng), axis=1)[:, :k]
        step = env.step(slates[:, 0] if k == 1 else slates)
        total += step[1] * is_running
        length += is_running
        is_running &= ~(step[2] | step[3])
    env.close()
    return total, length


def assert_mean(values, reference, reference_error=0.0):
    """Asserts that the mean lies within 3 standard errors (both sides') of the reference."""
    error = np.hypot(values.std(ddof=1) / np.sqrt(len(values)), reference_error)
    assert abs(values.mean() - reference) < 3 * error, (values.mean(), reference, error)


# The published 95 % intervals are 1.96 standard errors wide on each side.
@pytest.mark.parametrize(
    ("policy", "reference", "interval", "steps"),
    [
        (uniform_scores, 160.5, 0.6, 70.9),
        (appeal, 168.4, 1.1, 60.5),
        (quality, 265.2, 1.7, 122),
    ],
)
def test_recsim_interest_evolution(policy, reference, interval, steps):
    total, length = returns("RecSim-InterestEvolution-v0", policy)
    assert_mean(total, reference, interval / 1.96)
    assert length.mean() == pytest.approx(steps, rel=0.02)


@pytest.mark.parametrize(
    ("policy", "reference"), [(uniform_scores, 0.310), (quality, 0.444), (appeal, 0.450)]
)
def test_recsim_interest_exploration(policy, reference):
    total, length = returns("RecSim-InterestExploration-v0", policy)
    assert (length == 100).all()
    assert_mean(total / 100, reference, reference_error=0.0005)


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
def test_interest_exploration_equals_an_independent_simulation(match, looks):
    expected = exploration_click_rate(match=match, looks=looks)
    total, _ = returns(
        "RecSim-InterestExploration-v0",
        uniform_scores,
        matching_affinity=match,
        topic_0_quality=looks,
    )
    error = expected.std() / np.sqrt(len(expected))
    assert_mean(total / 100, expected.mean(), error)


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
        (uniform_scores, lambda offered: offered[:, 0]),
        (lambda env, rng: env.items["clickbait"], lambda offered: offered.max(axis=1)),
        (lambda env, rng: -env.items["clickbait"], lambda offered: offered.min(axis=1)),
    ],
    ids=["uniform", "chocolate", "kale"],
)
def test_long_term_satisfaction_equals_an_independent_simulation(ours, theirs, sensitivity):
    expected = satisfaction_return(theirs, sensitivity)
    total, length = returns("LongTermSatisfaction-v0", ours, sensitivity=sensitivity)
    assert (length == 60).all()
    assert_mean(total, expected.mean(), expected.std() / np.sqrt(len(expected)))


@pytest.mark.parametrize(
    ("policy", "reference"), [(appeal, 1115), (uniform_scores, 950), (least_appeal, 792)]
)
def test_recsim_long_term_satisfaction(policy, reference):
    """Within 1 %, the precision that is published for the uniform return."""
    total, _ = returns("RecSim-LongTermSatisfaction-v0", policy)
    assert total.mean() == pytest.approx(reference, rel=0.01)


def test_kale_wins_above_the_critical_sensitivity_only():
    for sensitivity, kale_wins in ((0.04, False), (0.1, True)):
        kale, _ = returns(
            "LongTermSatisfaction-v0", lambda e, r: -e.items["clickbait"], sensitivity=sensitivity
        )
        chocolate, _ = returns(
            "LongTermSatisfaction-v0", lambda e, r: e.items["clickbait"], sensitivity=sensitivity
        )
        gap = kale - chocolate  # the same people: paired
        assert (gap.mean() > 0) == kale_wins
        assert abs(stats.ttest_1samp(gap, 0).pvalue) < 1e-6


@pytest.mark.parametrize(
    ("env_id", "ceiling"),
    [
        ("InterestEvolution-v0", appeal),
        ("InterestExploration-v0", appeal),
        ("LongTermSatisfaction-v0", worth),
        ("RatedCatalogue-v0", appeal),
    ],
)
def test_defaults_are_worth_playing(env_id, ceiling):
    """Perfect knowledge earns half as much again as none, with 99.9 % confidence."""
    best, _ = returns(env_id, ceiling, n=2048)
    floor, _ = returns(env_id, uniform_scores, n=2048)
    margin = best - 1.5 * floor
    assert margin.mean() > 3.3 * margin.std() / np.sqrt(len(margin))


@pytest.mark.parametrize("env_id", ["InterestEvolution-v0", "LongTermSatisfaction-v0"])
def test_foresight_pays_where_time_matters(env_id):
    """The far-sighted reference earns at least 5 % more than the myopic oracle."""
    far, _ = returns(env_id, worth)
    myopic, _ = returns(env_id, appeal)
    margin = far - 1.05 * myopic
    assert margin.mean() > 3.3 * margin.std() / np.sqrt(len(margin))


def test_foresight_is_worth_nothing_when_nothing_lasts():
    """With sensitivity 0, satisfaction stays 1/2 and both references rank by clickbait."""
    far, _ = returns("LongTermSatisfaction-v0", worth, n=256, sensitivity=0.0)
    myopic, _ = returns("LongTermSatisfaction-v0", appeal, n=256, sensitivity=0.0)
    assert np.array_equal(far, myopic)
