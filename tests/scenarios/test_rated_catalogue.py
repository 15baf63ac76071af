"""The rated catalogue: nothing twice, the stated laws, and fitted worlds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv, resolve_scenario
from recsim_env.formats.rated_world import NEVER, RatedWorld
from recsim_env.scenarios.fitted_world import alias_table
from recsim_env.scenarios.rated_catalogue import RatedCatalogue
from recsim_env.testing import check_scenario

FALSE_ALARM = 1e-6


def small_world(**changes):
    rng = np.random.default_rng(0)
    exposure = np.arange(80, 0, -1.0)
    values = {
        "name": "small",
        "item_factors": rng.normal(0, 0.5, (80, 3)),
        "item_bias": rng.normal(0, 0.4, 80),
        "item_features": rng.integers(0, 2, (80, 4)),
        "item_feature_names": ["comedy", "drama", "war", "year"],
        "item_exposure": exposure / exposure.sum(),
        "item_labels": [f"Film {index}" for index in range(80)],
        "user_factors": rng.normal(0, 0.5, (9, 3)),
        "user_bias": rng.normal(0, 0.3, 9),
        "user_features": rng.integers(0, 2, (9, 2)),
        "user_feature_names": ["young", "student"],
        "user_visit_weight": np.array([1, 1, 1, 1, 1, 1, 1, 1, 8]) / 16,
        "user_session_mean": np.full(9, 6.0),
        "user_labels": [f"U{index}" for index in range(9)],
        "global_mean": 3.5,
        "rating_noise": 0.9,
        "rating_min": 1.0,
        "rating_max": 5.0,
        "rating_step": 1.0,
        "like_threshold": 4.0,
        "session_log_sd": 0.5,
        "choice_slope": 1.0,
        "no_choice_score": 1.5,
        "choice_rate": 0.5,
        "choice_slate_size": 5,
    }
    return RatedWorld(**(values | changes))


@pytest.fixture
def world_path(tmp_path):
    path = tmp_path / "small.npz"
    small_world().save(path)
    return str(path)


FITTED = {"n_candidates": 6, "slate_size": 2, "max_slates": 40}


def test_a_fitted_world_keeps_the_contract(world_path):
    check_scenario(RatedCatalogue, world=world_path, **FITTED)


def test_a_world_without_features_shows_none(tmp_path):
    path = tmp_path / "bare.npz"
    bare = {"item_features": np.zeros((80, 0)), "item_feature_names": []}
    bare |= {"user_features": np.zeros((9, 0)), "user_feature_names": []}
    small_world(**bare).save(path)
    scenario = RatedCatalogue(world=str(path), **FITTED)
    assert set(scenario.schema.boxes) == {"history", "response"}
    check_scenario(scenario)


@pytest.mark.parametrize("fitted", [False, True])
def test_nothing_is_consumed_twice_in_a_visit(fitted, world_path):
    settings = {"world": world_path} if fitted else {"n_items": 60, "exposure_skew": 4}
    env = RecommendationEnv(RatedCatalogue, **(FITTED | settings))
    n_consumed = 0
    for episode in range(20):
        observation, _ = env.reset(seed=episode)
        consumed, is_over = set(), False
        while not is_over:
            offered = observation["item_id"]
            assert not consumed & set(offered.tolist())
            assert len(set(offered.tolist())) == 6
            observation, _, is_over, _, _ = env.step([0, 1])
            for place in np.flatnonzero(observation["response"][:, 0]):
                consumed.add(int(offered[place]))
        n_consumed += len(consumed)
    assert n_consumed > 40


def test_the_whole_catalogue_is_offered_but_nothing_twice():
    env = RecommendationEnv(
        RatedCatalogue, n_items=8, n_candidates=8, slate_size=1, no_choice_score=-50.0
    )
    observation, _ = env.reset(seed=0)
    assert np.array_equal(observation["item_id"], np.arange(8))
    assert env.expected_reward()[3] > 0
    clicks = [env.step(3)[0]["response"][0, 0] for _ in range(3)]
    assert clicks == [1, 0, 0]
    assert env.expected_reward()[3] == 0  # consumed: its place would stay empty


def consumed_ratings(world, path, n=4096):
    """Returns the first session's items, users, whether consumed, and ratings of slates of one."""
    env = RecommendationVectorEnv(
        RatedCatalogue, num_envs=n, world=path, n_candidates=6, slate_size=1, max_slates=40
    )
    before, _ = env.reset(seed=0)
    after, *_ = env.step(np.zeros(n, int))
    response = after["response"][:, 0]
    return before["item_id"][:, 0], before["user_id"], response[:, 0] > 0, response[:, 2]


def test_choice_and_ratings_follow_the_worlds_law(world_path):
    world = small_world()
    item, user, is_consumed, rating = consumed_ratings(world, world_path)
    liking = world.liking(user, item)
    chance = 1 / (1 + np.exp(world.no_choice_score - world.choice_slope * (liking - 3.5)))
    surplus = (is_consumed - chance).sum() / np.sqrt((chance * (1 - chance)).sum())
    assert abs(surplus) < stats.norm.isf(FALSE_ALARM / 2)
    edges = np.array([-np.inf, 1.5, 2.5, 3.5, 4.5, np.inf])
    share = np.diff(stats.norm.cdf((edges - liking[is_consumed, None]) / 0.9), axis=1)
    counts = np.bincount(rating[is_consumed].astype(int), minlength=6)[1:]
    expected = share.sum(axis=0)
    assert stats.chisquare(counts, expected).pvalue > FALSE_ALARM


def test_items_and_visitors_are_as_frequent_as_in_the_world(world_path):
    world = small_world()
    item, user, _, _ = consumed_ratings(world, world_path)
    sessions = np.bincount(user, minlength=9)
    assert stats.chisquare(sessions, 4096 * world.user_visit_weight).pvalue > FALSE_ALARM
    offered = np.bincount(item, minlength=80)
    assert stats.chisquare(offered, 4096 * world.item_exposure).pvalue > FALSE_ALARM


def test_expected_reward_is_the_expected_reward(world_path):
    for reward in ("liked", "clicks", "rating"):
        env = RecommendationVectorEnv(
            RatedCatalogue,
            num_envs=8192,
            world=world_path,
            n_candidates=6,
            slate_size=1,
            max_slates=40,
            reward=reward,
        )
        env.reset(seed=3)
        expected = env.expected_reward()[:, 2]
        _, rewards, *_ = env.step(np.full(8192, 2))
        surplus = rewards - expected
        tolerance = 4.9 * surplus.std() / np.sqrt(8192)  # a false alarm in 1e6
        if reward == "rating":
            tolerance += 0.02  # the mean of a clipped rating is taken as the clipped mean
        assert abs(surplus.mean()) < tolerance


def test_visits_last_as_long_as_the_person_usually_stays(world_path):
    env = RecommendationVectorEnv(RatedCatalogue, num_envs=4096, world=world_path, **FITTED)
    env.reset(seed=0)
    slates = env.users["slates_left"]
    # Mean 6 consumptions at a choice rate of 1/2; rounding and the cuts at 1 and 40 are small.
    assert slates.mean() == pytest.approx(12, rel=0.05)
    assert np.log(slates).std() == pytest.approx(0.5, rel=0.1)


def test_items_appear_and_age_as_the_days_of_a_fitted_world_go_by(tmp_path):
    appeal = np.zeros((80, 2))
    appeal[:40, 0], appeal[40:, 1] = NEVER, -15.0  # half come on day 10, and the others fade
    path = tmp_path / "world.npz"
    small_world(
        item_period_appeal=appeal,
        period_days=[10.0, 20.0],
        user_visit_items=np.full((9, 1), 5.0),
        user_visit_gap=np.full((9, 1), 14 * 24.0),
        user_visit_day=np.zeros((9, 1)),
    ).save(path)
    sizes = {"n_candidates": 0, "slate_size": 2, "n_sessions": 2, "num_envs": 8}
    env = RecommendationVectorEnv(RatedCatalogue, world=str(path), compiled=False, **sizes)
    assert env.scenario.state_groups["period"] == ("period",)
    env.reset(seed=0)
    assert env.can_be_shown().sum(axis=1).tolist() == [40] * 8
    worth = env.expected_reward()
    assert (worth[:, :40] == 0).all() and (worth[:, 40:] > 0).all()
    while (env.users["session"] == 1).any():
        env.step(np.tile([50, 60], (8, 1)))
    assert env.can_be_shown()[:, :40].all()
    worth = env.expected_reward()
    assert worth[:, :40].min() > 100 * worth[:, 40:].max()


def test_render_names_titles(world_path):
    env = RecommendationEnv(RatedCatalogue, world=world_path, render_mode="ansi", **FITTED)
    observation, _ = env.reset(seed=0)
    title = f"Film {observation['item_id'][0]}"
    env.step([0, 1])
    assert title in env.render()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"n_items": 100, "max_slates": 200},
            "n_items=100 cannot fill 20 candidates after a session of max_slates=200",
        ),
        ({"reward": "stars"}, "reward='stars' is not allowed; use 'liked', 'clicks', 'rating', "),
        ({"world": "missing.npz"}, "world='missing.npz' does not exist; make it with"),
    ],
)
def test_bad_settings_name_the_remedy(settings, message):
    with pytest.raises(ValueError, match=message):
        RatedCatalogue(**settings)


def test_sizes_that_conflict_with_the_world_are_refused(world_path):
    with pytest.raises(
        ValueError, match="n_users=12 conflicts with .* which has 9; leave n_users out"
    ):
        RatedCatalogue(world=world_path, n_users=12, **FITTED)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30).filter(lambda x: sum(x) > 0.01))
def test_alias_table_holds_the_law_it_was_made_from(weights):
    threshold, alias = alias_table(np.array(weights))
    n = len(weights)
    law = np.zeros(n)
    np.add.at(law, np.arange(n), threshold / n)
    np.add.at(law, alias, (1 - threshold) / n)
    assert law == pytest.approx(np.array(weights) / np.sum(weights), abs=1e-9)


def test_sizes_can_be_changed_later():
    made = RatedCatalogue()
    assert resolve_scenario(made, n_items=100).session_limit == 80
    assert made.session_limit == 200
