"""Short videos: worth playing, the filter bubble, and the stated laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv
from recsim_env.scenarios.short_video import ShortVideo
from recsim_env.scenarios.video_session import QUIT_REASONS
from recsim_env.testing import check_scenario

pytestmark = pytest.mark.published

ID, N = "ShortVideo-v0", 512
FALSE_ALARM = 1e-6
OVER_EXPOSED = QUIT_REASONS.index("over_exposed")

# One video at a time, one session, and nothing that ends it but too much of one category.
BUBBLE = {
    "slate_size": 1,
    "n_days": 1,
    "exposure_window": 3,
    "exposure_limit": 1,
    "busy_probability": 0.0,
    "patience_drain": 0.0,
    "horizon": 30,
}


@pytest.mark.slow
def test_keeps_the_contract_with_other_sizes():
    check_scenario(
        ShortVideo,
        n_users=0,
        n_items=40,
        n_candidates=7,
        slate_size=1,
        n_categories=3,
        exposure_window=1,
        reward="watch_minutes",
    )


@pytest.mark.slow
def test_defaults_are_worth_playing(play, assert_more):
    uniform, oracle = (play(ID, name, n=N).returns for name in ("uniform", "oracle"))
    crowd = play(ID, "oracle", n=256, ablate="person").returns  # the same people: paired
    assert_more(oracle, uniform, 1.5)
    assert_more(crowd, uniform[:256], 1.1)
    assert_more(oracle[:256], crowd, 1.1)


def test_foresight_pays(play, assert_more):
    assert_more(play(ID, "far_sighted", n=N).returns, play(ID, "oracle", n=N).returns, 1.1)


def test_the_defaults_have_a_filter_bubble(play):
    """Greedy sessions end after 2 to 5 slates, uniform ones after 7 to 8, far-sighted ones late."""
    all_played = (play(ID, name, n=N) for name in ("oracle", "uniform", "far_sighted"))
    greedy, uniform, far = (p.lengths.sum() / p.infos["n_sessions"].sum() for p in all_played)
    assert 2 <= greedy <= 5
    assert 7 <= uniform <= 8
    assert far >= 3 * greedy


@pytest.mark.slow
def test_the_filter_bubble_on_its_own(play, assert_more):
    """As published for CIRS: greedy quits early, uniform later, diversity stays to the horizon."""
    greedy, uniform, far = (
        play(ID, name, n=N, **BUBBLE) for name in ("oracle", "uniform", "far_sighted")
    )
    assert 2 <= greedy.lengths.mean() <= 5
    assert 6.5 <= uniform.lengths.mean() <= 8
    assert (far.lengths == BUBBLE["horizon"]).mean() > 0.95
    assert_more(far.returns, greedy.returns, 6)


def test_foresight_is_worth_nothing_without_over_exposure(play):
    off = {"exposure_limit": 0, "n_days": 15}
    far, myopic = (play(ID, name, n=256, **off).returns for name in ("far_sighted", "oracle"))
    margin = far - myopic
    assert abs(margin.mean()) < 3.3 * margin.std() / np.sqrt(len(margin))


def test_both_references_agree_where_nothing_outlasts_a_slate(play):
    off = {"exposure_limit": 0, "patience_drain": 0.0, "return_slope": 0.0, "n_days": 5}
    far, myopic = (play(ID, name, n=64, **off).returns for name in ("far_sighted", "oracle"))
    assert np.array_equal(far, myopic)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_chances_of_a_click_are_those_stated():
    """Restated in NumPy: liking, the cover, and similar videos that crowd each other out."""
    env = RecommendationVectorEnv(ShortVideo, num_envs=64, crowding=0.3)
    env.reset(seed=0)
    users, items = env.users, env.items[:, :4]
    env.step(np.tile(np.arange(4), (64, 1)))
    liking = np.einsum("uk,uik->ui", users["taste"], items["embedding"])
    liking += users["quality_taste"][:, None] * items["quality"]
    liking += users["length_taste"][:, None] * np.log(items["seconds"] / 25)
    alone = sigmoid(liking + users["cover_taste"][:, None] * items["cover"] - 0.6)
    alike = np.maximum(np.einsum("uik,ujk->uij", items["embedding"], items["embedding"]), 0)
    crowd = alike.sum(axis=2) - np.einsum("uii->ui", alike)
    expected = alone * np.maximum(0, 1 - 0.3 * crowd)
    given_ = env._simulator.slots["response"]["probability"]
    assert np.allclose(given_, expected, rtol=1e-4)


@pytest.mark.parametrize("reward", ["feedback", "watch_minutes"])
def test_expected_reward_is_the_expected_reward_of_a_video_shown_alone(reward):
    alone = {"slate_size": 1, "exposure_window": 3, "crowding": 0.0}
    env = RecommendationVectorEnv(ShortVideo, num_envs=4096, reward=reward, **alone)
    env.reset(seed=0)
    surprises = []
    for step in range(20):
        expected = env.expected_reward()[:, step % 5]
        _, rewards, _, _, _ = env.step(np.full(4096, step % 5))
        is_step = env._simulator.slots["step"] > 0
        surprises.append((rewards - expected)[is_step])
    assert stats.ttest_1samp(np.concatenate(surprises), 0).pvalue > FALSE_ALARM


def test_rewards_are_weighted_feedback():
    env = RecommendationVectorEnv(ShortVideo, num_envs=2048, dislike_rate=0.05)
    env.reset(seed=0)
    weights = np.array([0.2, 1, 2, 3, 5, 5, -10, 0])
    for _ in range(4):
        observation, rewards, _, _, _ = env.step(np.tile(np.arange(4), (2048, 1)))
        assert np.allclose((observation["response"] @ weights).sum(axis=1), rewards, atol=1e-4)
    assert (observation["response"].sum(axis=(0, 1)) > 0).all()


def test_a_session_ends_when_a_category_fills_too_much_of_the_window():
    """Counts and quits against a recount of all that was shown."""
    n, window, limit = 96, 4, 4
    env = RecommendationVectorEnv(
        ShortVideo,
        num_envs=n,
        busy_probability=0.0,
        patience_drain=0.0,
        n_days=36_500,
        churn_days=99,
    )
    env.reset(seed=0)
    shown = [[] for _ in range(n)]
    n_quits = 0
    for _ in range(40):
        slates = np.argsort(-env.expected_reward(), axis=1)[:, :4]
        categories = np.take_along_axis(env.items["category"], slates, axis=1)
        observation, _, _, _, info = env.step(slates)
        for i in range(n):
            shown[i].append(categories[i])
            counts = np.bincount(np.concatenate(shown[i][-window:]), minlength=12)
            is_too_much = counts.max() > limit
            assert (info["quit_reason"][i] == OVER_EXPOSED) == is_too_much
            if is_too_much:
                shown[i] = []
                n_quits += 1
            kept = np.concatenate([[], *shown[i][-(window - 1) :]]).astype(int)
            expected = np.bincount(kept, minlength=12) / limit
            assert np.allclose(observation["context"][i, 3:], expected)
            exposure = expected[env.items["category"][i]]
            assert np.allclose(observation["candidates"][i, :, -1], exposure)
    assert n_quits > 100


def test_patience_falls_by_what_is_missing():
    env = RecommendationVectorEnv(
        ShortVideo,
        num_envs=512,
        busy_probability=0.0,
        exposure_limit=0,
        trait_sd=0.0,
        expected_pleasure=0.5037,  # so that patience never comes to exactly 0
        n_days=36_500,
        churn_days=99,
    )
    env.reset(seed=0)
    patience = np.full(512, 4.0)
    for _ in range(30):
        observation, _, _, _, info = env.step(np.tile(np.arange(4), (512, 1)))
        clicked, long_view, disliked = (observation["response"][:, :, c] for c in (0, 1, 6))
        pleasure = (long_view - 0.3 * (clicked - long_view) - 2 * disliked).mean(axis=1)
        patience -= np.maximum(0, 0.5037 - pleasure)
        is_bored = info["quit_reason"] == QUIT_REASONS.index("bored")
        assert np.array_equal(is_bored, patience <= 0)
        patience[is_bored] = 4.0
        assert np.allclose(info["patience"], patience, atol=1e-4)


def test_days_until_the_return_are_geometric():
    """One slate a session, and a return that does not depend on it."""
    env = RecommendationVectorEnv(
        ShortVideo, num_envs=20_000, busy_probability=1.0, return_slope=0.0, exposure_regret=0.0
    )
    env.reset(seed=0)
    observation, _, terminated, _, _ = env.step(np.tile(np.arange(4), (20_000, 1)))
    days = np.where(terminated, 8, np.rint(7 * observation["context"][:, 1])).astype(int)
    chance = sigmoid(-0.5)
    expected = 20_000 * np.append(chance * (1 - chance) ** np.arange(7), (1 - chance) ** 7)
    assert stats.chisquare(np.bincount(days, minlength=9)[1:], expected).pvalue > FALSE_ALARM


def test_a_session_that_felt_better_is_followed_sooner():
    pleasures, days = [], []
    env = RecommendationVectorEnv(ShortVideo, num_envs=4096, busy_probability=1.0)
    env.reset(seed=0)
    observation, _, terminated, _, info = env.step(np.tile(np.arange(4), (4096, 1)))
    pleasures = info["session_pleasure"]
    days = np.where(terminated, 8, 7 * observation["context"][:, 1])
    assert stats.spearmanr(pleasures, days).statistic < -0.2


def test_profiles_show_tastes_through_noise():
    env = RecommendationVectorEnv(ShortVideo, num_envs=4096)
    observation, _ = env.reset(seed=0)
    taste, shown = env.users["taste"].ravel(), observation["user"][:, :12].ravel()
    assert np.corrcoef(taste, shown)[0, 1] == pytest.approx(np.sqrt(0.5), abs=0.03)


def test_directions_point_to_their_category():
    env = RecommendationVectorEnv(ShortVideo, num_envs=256)
    env.reset(seed=0)
    items = env.items.ravel()
    assert np.allclose(np.linalg.norm(items["embedding"], axis=1), 1, atol=1e-5)
    assert (items["embedding"].argmax(axis=1) == items["category"]).mean() > 0.99


@settings(max_examples=8)
@given(
    taste_sd=st.floats(0, 20),
    zeal=st.floats(0, 5),
    crowding=st.floats(0, 1),
    exposure_limit=st.integers(0, 20),
    patience_drain=st.floats(0, 50),
    busy_probability=st.floats(0.01, 1),
    return_score=st.floats(-50, 50),
    return_slope=st.floats(0, 100),
    churn_days=st.integers(1, 50),
    n_days=st.integers(1, 50),
)
def test_any_settings_keep_observations_in_their_space(**changes):
    env = RecommendationEnv(ShortVideo, compiled=False, n_items=30, n_candidates=6, **changes)
    observation, _ = env.reset(seed=1)
    for step in range(12):
        assert env.observation_space.contains(observation)
        observation, reward, terminated, _, _ = env.step([step % 3, 3, 4, 5])
        assert np.isfinite([reward, *env.expected_reward(), *env.long_term_value()]).all()
        if terminated:
            observation, _ = env.reset()


def test_reactions_that_are_certain_or_impossible_are_no_overflow():
    strong = {"zeal": 1000.0, "taste_sd": 20.0, "like_rate": 0.0, "n_items": 30}
    env = RecommendationVectorEnv(ShortVideo, num_envs=16, compiled=False, **strong)
    env.reset(seed=0)
    for _ in range(4):
        observation, rewards, *_ = env.step(np.tile(np.arange(4), (16, 1)))
        assert np.isfinite(rewards).all() and np.isfinite(env.long_term_value()).all()
        assert not observation["response"][:, :, 2].any()  # never liked


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"n_categories": 1}, "2 to"),
        ({"exposure_window": 0}, "1 to"),
        ({"exposure_limit": -1}, "0 to"),
        ({"patience": 0.0}, "1e-09 to"),
        ({"crowding": 1.5}, "0 to 1"),
        ({"reward": "likes"}, "use 'feedback', 'watch_minutes', 'clicks', "),
        ({"like_rate": -0.1}, "0 to"),
        ({"n_items": 0}, "1 to"),
        (
            {"busy_probability": 0.0, "patience_drain": 0.0, "exposure_limit": 0},
            "nothing ends a session; use",
        ),
        (
            {"busy_probability": 0.0, "patience_drain": 0.0, "exposure_limit": 16},
            "1 to exposure_window",
        ),
        (
            {"busy_probability": 0.0, "expected_pleasure": -2.3, "exposure_limit": 0},
            "an expected_pleasure",
        ),
    ],
)
def test_bad_settings_name_the_remedy(changes, remedy):
    with pytest.raises(ValueError, match=remedy):
        ShortVideo(**changes)
