"""The news feed: articles come and go, ids learned are soon worthless, features and trying pay."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy import stats

from recsim_env.agents.references.oracle import Oracle
from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv
from recsim_env.scenarios.news_calendar import calendar_of, publishing_rhythm, reading_rhythm
from recsim_env.scenarios.news_feed import NewsFeed
from recsim_env.testing import check_scenario

pytestmark = pytest.mark.published

FALSE_ALARM = 1e-6
ID, N = "NewsFeed-v0", 2048
LEARNING = NewsFeed()
LATER = LEARNING.evaluation_settings()
OFF = {
    "half_life_hours": 0.0,
    "rhythm": 0.0,
    "topic_spread": 0.0,
    "interest_sd": 0.0,
    "eagerness_sd": 0.0,
    "quality_sd": 0.0,
    "surge_strength": 0.0,
    "surge_coverage": 0.0,
    "hour_strength": 0.0,
    "dwell_slope": 0.0,
    "dwell_sd": 0.0,
}
SMALL = {
    "n_items": 1500,
    "articles_per_day": 200.0,
    "n_candidates": 6,
    "slate_size": 2,
    "n_topics": 3,
    "n_days": 2,
    "evaluation_days": 1,
}


def by_features(env, observation, rng):
    """What can be told of a click from true interests and what is seen of the candidates."""
    scenario = env.scenario
    candidates, topics = observation["candidates"], scenario.n_topics
    topic = candidates[:, :, :topics].argmax(axis=2)
    headline = candidates[:, :, topics : topics + scenario.n_headline_features].mean(axis=2)
    reliability = 1 / (1 + scenario.headline_noise**2 / scenario.n_headline_features)
    age_in_half_lives = candidates[:, :, -1] * 24 / scenario.half_life_hours
    interest = np.take_along_axis(env.users["interest"], topic, axis=1)
    quality = scenario.quality_sd * reliability * headline
    return interest + quality - math.log(2) * age_in_half_lives


@pytest.fixture(scope="module")
def by_fixed_ids():
    """The mean true expected reward of each past article; those not yet seen have the mean."""
    env = RecommendationVectorEnv(LEARNING, num_envs=4096)
    observation, _ = env.reset(seed=99)
    rng = np.random.default_rng(1)
    total, count = np.zeros(LEARNING.n_items), np.zeros(LEARNING.n_items)
    for _ in range(60):
        np.add.at(total, observation["item_id"], env.expected_reward())
        np.add.at(count, observation["item_id"], 1)
        observation, *_ = env.step(rng.permuted(np.tile(np.arange(20), (4096, 1)), axis=1)[:, :5])
    assert (count > 0).mean() > 0.5
    score = np.where(count > 0, total / np.maximum(count, 1), total.sum() / count.sum())
    return lambda env, observation, rng: score[observation["item_id"]]


# Worth playing -------------------------------------------------------------------------------


@pytest.mark.slow
def test_knowing_readers_pays_and_so_does_knowing_the_news(play, assert_more):
    uniform, oracle = (play(ID, name, n=N, **LATER).returns for name in ("uniform", "oracle"))
    non_personal = play(ID, "oracle", n=N, ablate="person", **LATER).returns
    assert_more(oracle, uniform, 1.5)
    assert_more(oracle, non_personal, 1.1)
    assert_more(non_personal, uniform, 1.4)


def test_features_beat_ids_that_are_gone(play, assert_more, by_fixed_ids):
    """Even the true worth of every past article tells little; what can be seen of new ones much."""
    features, ids = (play(ID, policy, n=N, **LATER) for policy in (by_features, by_fixed_ids))
    assert_more(features.returns, ids.returns, 1.5)


def test_ids_help_while_the_articles_are_there(play, assert_more, by_fixed_ids):
    """The same fixed ranking earns half as much again as uniform slates on the days it is from."""
    during, after = (
        play(ID, by_fixed_ids, n=N, **days).returns
        / play(ID, "uniform", n=N, **days).returns.mean()
        for days in ({}, LATER)
    )
    assert_more(during, after, 1.2)
    assert_more(during, 1.5)


@pytest.mark.parametrize(
    ("state_group", "settings"),
    [
        ("taste", {"interest_sd": 0.0, "eagerness_sd": 0.0}),
        ("context", {"surge_strength": 0.0, "hour_strength": 0.0}),
    ],
)
def test_what_is_switched_off_is_not_worth_knowing(state_group, settings):
    env = RecommendationVectorEnv(NewsFeed(**settings), num_envs=64)
    env.reset(seed=0)
    for _ in range(5):
        hidden = Oracle(env, ablate=state_group).candidate_values()
        assert np.allclose(hidden, env.expected_reward(), rtol=1e-5)
        env.step(np.tile(np.arange(5), (64, 1)))
    env = RecommendationVectorEnv(NewsFeed(), num_envs=64)
    env.reset(seed=0)
    assert not np.allclose(
        Oracle(env, ablate=state_group).candidate_values(), env.expected_reward(), rtol=0.1
    )


def test_nothing_is_worth_knowing_when_all_articles_are_alike():
    alike = NewsFeed(**OFF)
    env = RecommendationVectorEnv(alike, num_envs=64)
    env.reset(seed=0)
    chance = 1 / (1 + np.exp(alike.no_click_score))
    assert np.allclose(env.expected_reward(), chance)


# Articles ------------------------------------------------------------------------------------


def test_articles_appear_as_a_poisson_process_that_follows_the_hour():
    calendar = LEARNING.calendar
    assert (np.diff(calendar.published) >= 0).all()
    per_hour = np.bincount(calendar.published.astype(int), minlength=600)
    expected = np.resize(publishing_rhythm(1.0), 600)
    expected *= LEARNING.n_items / expected.sum()
    assert stats.chisquare(per_hour, expected).pvalue > FALSE_ALARM
    dispersion = ((per_hour - expected) ** 2 / expected).mean()
    assert abs(dispersion - 1) < stats.norm.isf(FALSE_ALARM / 2) * math.sqrt(2 / 600)
    assert np.array_equal(np.diff(calendar.n_published), per_hour)


def test_surges_raise_coverage_and_fade():
    calendar = NewsFeed(surges_per_week=0.3, surge_strength=3.0, surge_coverage=1.0).calendar
    after, before = calendar.surge[1:], calendar.surge[:-1]
    is_quiet = after <= before + 1e-12
    assert np.allclose(after[is_quiet], before[is_quiet] * np.exp(-1 / 18), atol=1e-12)
    assert 0 < (~is_quiet).sum() < 30
    settled = slice(24, None)
    correlation = np.corrcoef(calendar.surge[settled].ravel(), calendar.coverage[settled].ravel())
    assert correlation[0, 1] > 0.4
    assert (NewsFeed(surge_strength=0.0).calendar.surge == 0).all()


def test_candidates_are_alive_and_clicked_ones_do_not_come_back():
    env = RecommendationVectorEnv(NewsFeed, num_envs=256, no_click_score=0.0)
    published = env.scenario.calendar.published
    observation, _ = env.reset(seed=1)
    clicked, is_running = [set() for _ in range(256)], np.ones(256, bool)
    ages, n_steps = [], 0
    while is_running.any() and n_steps < 25:
        ids, clock = observation["item_id"], env.users["clock"]
        age = clock[:, None] - published[ids]
        assert (age >= 0).all() and (age <= 48).all()
        assert np.allclose(observation["candidates"][:, :, -1], age / 24, atol=1e-4)
        for person in np.flatnonzero(is_running):
            assert not clicked[person] & set(ids[person].tolist())
        observation, _, terminated, truncated, infos = env.step(np.tile(np.arange(5), (256, 1)))
        ages.append(np.abs(age[:, :5].mean(axis=1) - infos["shown_age_hours"])[is_running].max())
        for person, place in np.argwhere(observation["response"][:, :, 0] > 0):
            clicked[person].add(int(ids[person, place]))
        is_running &= ~(terminated | truncated)
        n_steps += 1
    assert max(ages) < 1e-3
    assert max(map(len, clicked)) > 12


def test_the_number_alive_is_that_of_the_calendar():
    env = RecommendationVectorEnv(NewsFeed, num_envs=512)
    _, infos = env.reset(seed=2)
    published, clock = env.scenario.calendar.published, env.users["clock"]
    expected = np.searchsorted(published, clock, "right") - np.searchsorted(
        published, clock - 48.0, "right"
    )
    assert np.array_equal(infos["n_alive"], expected)
    assert np.allclose(infos["day"], clock / 24)


@pytest.mark.parametrize("n_topics", [2, 3, 8])
def test_mean_interests_have_the_stated_spread(n_topics):
    popularity = NewsFeed(n_topics=n_topics, topic_spread=0.4).calendar.popularity
    assert popularity.std() == pytest.approx(0.4)
    assert popularity.mean() == pytest.approx(0, abs=1e-12)


# Readers -------------------------------------------------------------------------------------


def test_readers_come_by_the_hour():
    """Both when a stay begins and when its later sessions do."""
    scenario = NewsFeed(shelves_per_session=1.0, scan_seconds=0.0, no_click_score=50.0)
    env = RecommendationVectorEnv(scenario, num_envs=16384)
    env.reset(seed=8)
    expected = reading_rhythm(1.0)
    first = np.bincount(env.users["clock"].astype(int) % 24, minlength=24)
    assert stats.chisquare(first, expected * len(env.users) / 24).pvalue > FALSE_ALARM
    later, begin, is_running = np.zeros(24), env.users["clock"], np.ones(16384, bool)
    while is_running.any():
        _, _, terminated, _, _ = env.step(np.tile(np.arange(5), (16384, 1)))
        is_running &= ~terminated
        # Within a day of the beginning, every hour is possible for everybody.
        is_new = is_running & (env.users["clock"] < begin + 24)
        np.add.at(later, env.users["clock"][is_new].astype(int) % 24, 1)
    assert abs(later.sum() / 16384 - 2) < 5 * math.sqrt(2 / 16384)
    assert stats.chisquare(later, expected * later.sum() / 24).pvalue > FALSE_ALARM


@pytest.mark.parametrize("choice", ["cascade", "position_based"])
def test_clicks_follow_the_stated_law(choice):
    """An independent restatement of the log-odds, and of how a shelf is read."""
    env = RecommendationVectorEnv(NewsFeed, num_envs=8192, choice=choice)
    observation, _ = env.reset(seed=3)
    users, calendar = env.users, env.scenario.calendar
    ids = observation["item_id"][:, :5]
    hour, age = users["clock"].astype(int), users["clock"][:, None] - calendar.published[ids]
    topic = calendar.topic[ids]
    odds = users["interest"][np.arange(8192)[:, None], topic] + users["eagerness"][:, None]
    odds += calendar.quality[ids] + calendar.pull[hour[:, None], topic]
    attraction = 1 / (1 + np.exp(3.3 - odds + math.log(2) * age / 18))
    assert np.allclose(env.expected_reward()[:, :5], attraction, rtol=1e-4)
    goes_on = 0.85 * (1 - attraction) if choice == "cascade" else np.full_like(attraction, 0.85)
    reach = np.cumprod(np.hstack([np.ones((8192, 1)), goes_on[:, :-1]]), axis=1)
    chance = reach * attraction
    response = env.step(np.tile(np.arange(5), (8192, 1)))[0]["response"]
    surplus = (response[:, :, 0] - chance).sum(axis=0)
    noise = np.sqrt((chance * (1 - chance)).sum(axis=0))
    assert (np.abs(surplus / noise) < stats.norm.isf(FALSE_ALARM / 2)).all()
    assert (response[:, :, 0].sum(axis=1).max() > 1) == (choice == "position_based")


def test_dwell_is_log_normal_and_expected_reward_its_mean():
    env = RecommendationVectorEnv(
        NewsFeed, num_envs=16384, reward="dwell", no_click_score=1.0, interest_sd=0.5
    )
    observation, _ = env.reset(seed=4)
    users, calendar = env.users, env.scenario.calendar
    expected = env.expected_reward()[:, 0]
    topic = calendar.topic[observation["item_id"][:, 0]]
    liking = users["interest"][np.arange(16384), topic]
    liking = liking + calendar.quality[observation["item_id"][:, 0]]
    observation, rewards, *_ = env.step(np.zeros((16384, 5), int))
    clicked, minutes = observation["response"][:, 0].T
    assert np.allclose(rewards, minutes)
    noise = np.log(60 * minutes[clicked > 0]) - math.log(25) - 0.3 * liking[clicked > 0]
    noise = noise[minutes[clicked > 0] < 29.9] / 0.9
    assert stats.kstest(noise, "norm").pvalue > FALSE_ALARM
    surplus = (rewards - expected).mean() / ((rewards - expected).std() / 128)
    assert abs(surplus) < stats.norm.isf(FALSE_ALARM / 2)


def test_long_dwells_are_cut_and_expected_reward_knows():
    env = RecommendationVectorEnv(
        NewsFeed, num_envs=8192, reward="dwell", no_click_score=-20.0, dwell_seconds=1500.0
    )
    env.reset(seed=5)
    expected = env.expected_reward()[:, 0]
    rewards = env.step(np.zeros((8192, 5), int))[1]
    assert rewards.max() == pytest.approx(30)
    surplus = (rewards - expected).mean() / ((rewards - expected).std() / math.sqrt(8192))
    assert abs(surplus) < stats.norm.isf(FALSE_ALARM / 2)


def test_stays_have_the_stated_sessions_and_shelves():
    """1 + 2 x 36 / 24 sessions of 4 shelves are 16, were sessions no time and the day flat."""
    scenario = NewsFeed(rhythm=0.0, scan_seconds=0.0, no_click_score=50.0)
    env = RecommendationVectorEnv(scenario, num_envs=N)
    env.reset(seed=6)
    length, is_running, begin = np.zeros(N), np.ones(N, bool), env.users["clock"]
    while is_running.any():
        _, _, terminated, _, _ = env.step(np.tile(np.arange(5), (N, 1)))
        length += is_running
        assert (env.users["clock"][is_running] <= (begin + 36)[is_running] + 1e-9).all()
        is_running &= ~terminated
    # A Poisson number plus one of geometric numbers with mean 4 and variance 12.
    error = math.sqrt((4 * 12 + 3 * 16) / N)
    assert abs(length.mean() - 16) < stats.norm.isf(FALSE_ALARM / 2) * error


def test_history_counts_clicks_by_topic():
    busy = {"no_click_score": 0.0, "evaluation_days": 0, "stay_hours": 150.0}
    env = RecommendationVectorEnv(NewsFeed, num_envs=64, **busy)
    observation, _ = env.reset(seed=7)
    shown, clicks, n_read = np.zeros((64, 8)), np.zeros((64, 8)), np.zeros(64)
    for _ in range(6):
        topics = observation["candidates"][:, :5, :8]
        observation, rewards, terminated, _, infos = env.step(np.tile(np.arange(5), (64, 1)))
        assert not terminated.any()
        shown += topics.sum(axis=1)
        clicks += (topics * observation["response"][:, :, :1]).sum(axis=1)
        n_read += rewards
        assert np.array_equal(infos["n_read"], n_read)
        assert np.allclose(observation["history"][:, 1:], clicks / (shown + 3), atol=1e-6)
        assert np.allclose(observation["history"][:, 0], np.log1p(n_read), atol=1e-6)
    assert clicks.sum() > 64


# Learning ------------------------------------------------------------------------------------


def earned_by_ids(seed, bonus, n=256, n_steps=150):
    """Clicks per shelf while the click rate of every article is learned from nothing."""
    env = RecommendationVectorEnv(LEARNING, num_envs=n)
    observation, _ = env.reset(seed=n * seed)
    rng = np.random.default_rng(seed)
    clicks, shown, total = np.zeros(LEARNING.n_items), np.zeros(LEARNING.n_items), 0.0
    for _ in range(n_steps):
        ids = observation["item_id"]
        scores = clicks[ids] / (shown[ids] + 10) + bonus / np.sqrt(shown[ids] + 10)
        slates = np.lexsort((rng.random(scores.shape), -scores))[:, :5]
        placed = np.take_along_axis(ids, slates, axis=1)
        observation, rewards, *_ = env.step(slates)
        np.add.at(clicks, placed, observation["response"][:, :, 0])
        np.add.at(shown, placed, 1)
        total += rewards.sum()
    return total / (n * n_steps)


def test_trying_what_nobody_has_rated_pays(assert_more):
    """Whoever shows what has earned clicks so far misses the news."""
    trying, relying = (
        np.array([earned_by_ids(seed, bonus) for seed in range(8)]) for bonus in (0.4, 0.0)
    )
    assert_more(trying, relying)


# Contract ------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        OFF,
        SMALL | {"choice": "position_based", "reward": "dwell"},
        SMALL | {"slate_size": 1, "n_users": 0, "n_topics": 12, "n_headline_features": 1},
        SMALL
        | {"reward": "dwell", "dwell_sd": 10.0, "dwell_slope": 100.0, "interest_sd": 100.0}
        | {"surge_strength": 100.0, "surge_coverage": 100.0, "headline_noise": 100.0}
        | {"lifetime_hours": 1e9},
    ],
    ids=["everything_off", "position_based", "strangers", "everything_at_its_most"],
)
def test_other_settings_keep_the_contract(settings):
    check_scenario(NewsFeed, **settings)


@hypothesis_settings(max_examples=10)
@given(
    lifetime=st.floats(24, 100),
    half_life=st.floats(0, 1e4),
    sds=st.lists(st.floats(0, 5), min_size=5, max_size=5),
    surge_hours=st.floats(0.1, 1e3),
    rhythm=st.floats(0, 1),
    score=st.floats(-50, 50),
    stay=st.floats(0, 40),
    shelves=st.floats(1, 50),
    seed=st.integers(0, 2**63 - 1),
)
def test_any_settings_in_range_keep_observations_in_their_spaces(
    lifetime, half_life, sds, surge_hours, rhythm, score, stay, shelves, seed
):
    names = ("interest_sd", "eagerness_sd", "quality_sd", "surge_strength", "dwell_sd")
    scenario = NewsFeed(
        **SMALL | dict(zip(names, sds, strict=True)),
        lifetime_hours=lifetime,
        half_life_hours=half_life,
        surge_hours=surge_hours,
        rhythm=rhythm,
        no_click_score=score,
        stay_hours=stay,
        shelves_per_session=shelves,
        world_seed=seed,
    )
    env = RecommendationEnv(scenario)
    observation, _ = env.reset(seed=seed)
    for _ in range(30):
        assert env.observation_space.contains(observation)
        assert np.isfinite(env.expected_reward()).all()
        observation, _, is_over, _, _ = env.step([0, 1])
        if is_over:
            assert env.observation_space.contains(observation)
            observation, _ = env.reset()


def test_evaluation_comes_after_learning():
    later = NewsFeed(**LATER)
    assert later.settings == LEARNING.settings | {
        "first_day": 16,
        "n_days": 7,
        "evaluation_days": 0,
    }
    assert later.calendar is LEARNING.calendar
    assert later.evaluation_settings() == {}
    clocks = []
    for scenario in (LEARNING, later):
        env = RecommendationVectorEnv(scenario, num_envs=1024)
        env.reset(seed=0)
        clocks.append(env.users["clock"] / 24)
    assert 2 <= clocks[0].min() < 3 and 15 < clocks[0].max() < 16 <= clocks[1].min()
    assert 22 < clocks[1].max() < 23


@pytest.mark.parametrize(
    ("settings", "remedy"),
    [
        ({"n_items": 3000}, "use n_items of at least 9817, or fewer days"),
        ({"first_day": 0}, "raise one of the former"),
        ({"lifetime_hours": 6.0}, "raise one of the former or lower n_candidates"),
        ({"choice": "multinomial_logit"}, "use one of cascade, position_based"),
        ({"reward": "likes"}, "use 'clicks', 'dwell', 'module:function'"),
        ({"half_life_hours": -1.0}, "use 0 to"),
        ({"rhythm": 1.5}, "use 0 to 1"),
        ({"n_topics": 1}, "use 2 to"),
        ({"dwell_sd": 100.0}, "use 0 to 10"),
        ({"interest_sd": 1e300}, "use 0 to 100"),
        ({"surge_hours": 1e5}, "use 1e-09 to"),
        ({"shelves_per_session": 0.5}, "use 1 to"),
        ({"articles_per_day": 0.0}, "use 1e-09 to"),
    ],
)
def test_bad_settings_name_the_remedy(settings, remedy):
    with pytest.raises(ValueError, match=remedy):
        NewsFeed(**settings)


def test_render_tells_topics_and_surges():
    env = RecommendationEnv(NewsFeed, render_mode="ansi", n_users=0, compiled=False)
    env.reset(seed=0)
    env.step([0, 1, 2, 3, 4])
    assert "somebody (day" in env.render() and "quality" in env.render()
    picture = RecommendationEnv(NewsFeed, render_mode="rgb_array", n_topics=9, compiled=False)
    picture.reset(seed=0)
    assert picture.render().shape == (400, 800, 3)
    assert picture.scenario.topic_names[-1] == "topic_8"


def test_another_world_seed_is_another_calendar():
    settings = LEARNING._calendar_settings
    assert calendar_of(settings) is LEARNING.calendar
    assert not np.array_equal(NewsFeed(world_seed=1).calendar.topic, LEARNING.calendar.topic)
