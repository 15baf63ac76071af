"""Context, satiation and feelings matter at the defaults, and not at 0; the parts are as stated."""

import math

import gymnasium
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.music_streaming import MusicStreaming
from recsim_env.testing import check_scenario

pytestmark = pytest.mark.published

ID, N, N_PAIRED = "MusicStreaming-v0", 1024, 512


def test_defaults_are_worth_playing(play, assert_more):
    uniform, oracle = (play(ID, name, n=N_PAIRED).returns for name in ("uniform", "oracle"))
    for_all = play(ID, "oracle", n=N_PAIRED, ablate="person").returns
    assert_more(oracle, uniform, 1.5)
    assert_more(for_all, uniform, 1.2)
    assert_more(oracle, for_all, 1.2)


def test_knowing_the_context_pays(play, assert_more):
    blind = play(ID, "oracle", n=N_PAIRED, ablate="context").returns
    assert_more(play(ID, "oracle", n=N_PAIRED).returns, blind, 1.15)


def test_knowing_what_people_are_tired_of_pays(play, assert_more):
    blind = play(ID, "oracle", n=N_PAIRED, ablate="satiation").returns
    assert_more(play(ID, "oracle", n=N_PAIRED).returns, blind, 1.1)


def test_foresight_pays_in_lives(play, assert_more):
    lives = {"n": 512, "n_days": 14, "n_users": 1000}
    far, myopic = (play(ID, name, **lives).returns for name in ("far_sighted", "oracle"))
    assert_more(far, myopic, 1.05)


@pytest.mark.parametrize(
    ("knowing", "blind", "changed"),
    [
        ("oracle", {"ablate": "context"}, {"context_strength": 0.0}),
        ("oracle", {"ablate": "satiation"}, {"satiation_strength": 0.0}),
        ("far_sighted", {}, {"feeling": 0.0, "n_days": 2}),
    ],
    ids=["context", "satiation", "foresight"],
)
def test_an_effect_at_0_leaves_nothing_to_know(play, knowing, blind, changed):
    """The two policies then rank alike, up to rounding, so that not even the luck differs."""
    all_known = play(ID, knowing, n=256, **changed).returns
    not_all = play(ID, "oracle", n=256, **blind, **changed).returns
    assert np.mean(all_known != not_all) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize(
    "changed",
    [
        {"slate_size": 2, "reward": "likes", "n_days": 3},
        {
            **{"n_items": 30, "n_artists": 1, "n_genres": 1, "n_factors": 3, "n_recent": 16},
            "reward": "returns",
        },
        {
            **{name: 0.0 for name in ("context_strength", "satiation_strength", "hook_strength")},
            **{name: 0.0 for name in ("drift", "feeling", "churn_rate", "feature_noise")},
            "n_users": 3,
        },
    ],
    ids=["shelf", "small", "no effects"],
)
def test_contract(changed):
    check_scenario(MusicStreaming, **changed)


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(
    slate_size=st.integers(1, 3),
    n_days=st.integers(0, 3),
    reward=st.sampled_from(["minutes", "completions", "likes", "returns"]),
    strength=st.floats(0, 10),
    drift=st.floats(0, 1),
    recovery_hours=st.floats(0.01, 1000),
    feeling=st.floats(0, 10),
    n_items=st.integers(6, 40),
)
def test_any_settings_play(slate_size, n_days, reward, strength, drift, **changed):
    scenario = MusicStreaming(
        n_candidates=6,
        slate_size=slate_size,
        n_days=n_days,
        reward=reward,
        context_strength=strength,
        satiation_strength=strength,
        hook_strength=strength,
        drift=drift,
        **changed,
    )
    env = RecommendationVectorEnv(scenario, num_envs=2, compiled=False)
    observation, _ = env.reset(seed=1)
    for _ in range(10):
        assert all(env.observation_space[name].contains(observation[name]) for name in observation)
        slates = np.tile(np.arange(slate_size), (2, 1))
        observation, rewards, _, _, infos = env.step(slates[:, 0] if slate_size == 1 else slates)
        assert (
            np.isfinite(rewards).all()
            and np.isfinite(env.expected_reward() + env.long_term_value()).all()
        )
        assert ((infos["satisfaction"] >= 0) & (infos["satisfaction"] <= 1)).all()


@pytest.mark.parametrize("reward", ["minutes", "completions", "likes", "returns"])
@pytest.mark.parametrize("slate_size", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_expected_reward_is_the_mean_reward(reward, slate_size):
    """A repeated item leaves its places empty, so that it stands alone on the shelf."""
    n = 8192
    scenario = MusicStreaming(reward=reward, slate_size=slate_size)
    env = RecommendationVectorEnv(scenario, num_envs=n, threads=1, autoreset_mode="SameStep")
    env.reset(seed=3)
    alone = np.zeros(n, int) if slate_size == 1 else np.zeros((n, slate_size), int)
    for step in range(8):
        expected = env.expected_reward()[:, 0]
        _, rewards, _, _, _ = env.step(alone)
        gap = rewards - expected
        assert abs(gap.mean()) < 5 * gap.std() / math.sqrt(n), step
    env.close()


def heard(env, n_steps):
    """Plays first candidates; returns what was seen and true at each step, autoplayed."""
    observation, _ = env.reset(seed=5)
    steps = []
    for _ in range(n_steps):
        before, item_id = env.users, observation["item_id"][:, 0]
        observation, rewards, terminated, _, infos = env.step(np.zeros(env.num_envs, int))
        steps.append((before, item_id, observation, rewards, terminated, env.users, infos))
    return steps


@pytest.fixture(scope="module")
def life():
    """A few steps of many people whose lives go on."""
    env = RecommendationVectorEnv(MusicStreaming(n_days=1000, churn_rate=0.0), num_envs=N)
    steps = heard(env, 12)
    yield env, steps
    env.close()


def test_match_equals_an_independent_restatement(life):
    """What the oracle's minutes come from, in a few lines of NumPy."""
    env, _ = life
    config, user, rows = env.scenario.config()[0], env.users, np.arange(N)
    item = env.items[:, 0] if env.items.ndim == 2 else env.items
    match = 1.5 / math.sqrt(6) * (user["taste"] * item["embedding"]).sum(1) + 0.35 * item["quality"]
    angle = user["clock"] / 1440 * 2 * np.pi
    is_favourite = item["genre"] == user["favourite"]
    late = np.maximum(0, np.cos(angle - 21 / 24 * 2 * np.pi))
    match += user["energy_slope"][rows, user["place"]] * item["energy"]
    match += late * (1.4 * is_favourite + 0.8 * item["popularity"])
    tired = user["satiation"][rows, item["genre"]]
    tired = tired + 0.3 * user["satiation"][rows, item["second_genre"]]
    same_artist = user["ring_artist"] == item["artist"][:, None]
    match -= 0.7 * (tired + 1.5 * (user["ring_weight"] * same_artist).sum(1))
    lean_back = config["device_lean_back"][user["played_on"]]
    completes = 1 / (1 + np.exp(0.9 - match - 0.8 * item["hook"] - lean_back))
    skip = 0.5 * 2.5 / 60 + 0.2 * 17.5 / 60 + 0.3 * (0.5 + item["length"]) / 2
    expected = completes * item["length"] + (1 - completes) * skip
    np.testing.assert_allclose(env.expected_reward()[:, 0], expected, rtol=1e-4, atol=1e-5)


def test_satiation_builds_up_and_fades(life):
    env, steps = life
    catalogue = env.scenario.tables()["items"]
    for before, item_id, observation, _, _, after, _ in steps:
        item = catalogue[item_id]
        share = observation["response"][:, 0, 4] / item["length"]
        raised = before["satiation"].astype(float)
        rows = np.arange(N)
        np.add.at(raised, (rows, item["genre"]), share)
        np.add.at(raised, (rows, item["second_genre"]), 0.3 * share)
        minutes = (after["clock"] - before["clock"])[:, None]  # a night between sessions included
        np.testing.assert_allclose(
            after["satiation"], raised * np.exp(-minutes / 180), rtol=1e-3, atol=1e-5
        )


def test_two_skips_in_a_row_hurt(life):
    """Satisfaction within a session: pulled down more by a second skip than by a first one."""
    _, steps = life
    drops = {0: [], 1: []}
    for before, _, observation, _, _, after, _ in steps:
        is_same = after["n_sessions"] == before["n_sessions"]
        is_skip = is_same & (observation["response"][:, 0, 1] > 0)
        change = after["satisfaction"] / before["satisfaction"]
        for n_skips in drops:
            drops[n_skips].append(change[is_skip & (np.minimum(before["n_skips"], 1) == n_skips)])
    first, second = (np.concatenate(drops[n_skips]) for n_skips in (0, 1))
    assert first.min() >= 0.8 - 1e-6
    assert second.min() < 0.8 * 0.9 and second.mean() < first.mean() - 0.05


def test_observation_shows_the_moment_and_what_was_heard(life):
    env, steps = life
    catalogue, names = env.scenario.tables()["items"], env.scenario.schema.column_names
    observation, user = steps[-1][2], steps[-1][5]
    context = dict(zip(names["context"], observation["context"].T, strict=True))
    hour = np.arctan2(context["hour_sin"], context["hour_cos"]) / (2 * np.pi) * 24 % 24
    np.testing.assert_allclose(hour, user["clock"] % 1440 / 60, atol=1e-3)
    assert (context["weekend"] == (user["clock"] // 1440 % 7 >= 5)).all()
    assert (context["at_gym"] == (user["place"] == 3)).all()
    assert (context["on_phone"] == (user["played_on"] == 0)).all()
    recent = observation["recent"]
    for row in range(env.scenario.n_recent):
        _, item_id, then, _, _, _, _ = steps[-1 - row]
        np.testing.assert_array_equal(recent[:, row, :8], catalogue["features"][item_id])
        played, skipped, completed, liked, minutes = then["response"][:, 0].T
        share = minutes / catalogue["length"][item_id]
        np.testing.assert_allclose(recent[:, row, 8], share, rtol=1e-5)
        np.testing.assert_array_equal(recent[:, row, 9:], np.stack([skipped, completed, liked], 1))
        assert (played == (minutes > 0.5)).all() and (skipped + completed == 1).all()
    profile = np.zeros((N, 16))
    for _, item_id, then, *_ in steps:
        row = then["response"][:, 0, 2].astype(int)
        for kind in (0, 1):
            part = profile[:, 8 * kind : 8 * kind + 8]
            part += 0.2 * (row == kind)[:, None] * (catalogue["features"][item_id] - part)
    np.testing.assert_allclose(observation["history"], profile, atol=1e-4)


def test_skips_come_when_they_are_said_to(life):
    _, steps = life
    response = np.concatenate([step[2]["response"][:, 0] for step in steps])
    minutes = response[response[:, 1] > 0, 4]
    error = 4.5 * 0.5 / math.sqrt(len(minutes))
    assert abs(np.mean(minutes < 5 / 60) - 0.5) < error
    assert abs(np.mean(minutes < 0.5) - 0.7) < error


def test_satisfied_people_stay_and_come_back_sooner(life):
    """The gap until the next session, by how people felt."""
    env, _ = life
    env.reset(seed=9)
    gaps, feelings = [], []
    for _ in range(60):
        before = env.users
        env.step(np.zeros(N, int))
        after = env.users
        is_new = after["n_sessions"] > before["n_sessions"]
        gaps.append((after["clock"] - before["clock"])[is_new])
        feelings.append(before["satisfaction"][is_new])
    gap, feeling = np.concatenate(gaps), np.concatenate(feelings)
    low, high = np.quantile(feeling, [0.3, 0.7])
    content, fed_up = gap[feeling > high], gap[feeling < low]
    assert (gap > 0).all()
    error = math.hypot(content.std() / len(content) ** 0.5, fed_up.std() / len(fed_up) ** 0.5)
    assert fed_up.mean() - content.mean() > 4 * error


def test_taste_drifts_towards_what_is_heard():
    env = RecommendationVectorEnv(MusicStreaming(drift=1.0), num_envs=64)
    _, item_id, observation, *_, after, _ = heard(env, 1)[0]
    is_completed = observation["response"][:, 0, 2] > 0
    embedding = env.scenario.tables()["items"]["embedding"][item_id]
    np.testing.assert_allclose(after["taste"][is_completed], embedding[is_completed], atol=1e-6)


def test_sessions_are_counted_as_they_begin():
    """A session that would begin after the end of a life is none."""
    env = RecommendationVectorEnv(MusicStreaming(n_days=3, churn_rate=0.0), num_envs=64)
    env.reset(seed=2)
    is_running, n_sessions = np.ones(64, bool), np.ones(64, int)
    while is_running.any():
        before = env.users["clock"]
        observation, _, terminated, _, infos = env.step(np.zeros(64, int))
        pause = env.users["clock"] - before - observation["response"][:, 0, 4]
        n_sessions += (pause > 1e-3) & ~terminated
        assert (infos["n_sessions"][is_running] == n_sessions[is_running]).all()
        is_running &= ~terminated
    assert n_sessions.max() > 1


def test_routines_set_when_and_where():
    """Sessions begin when and where the tables say, people's own habits averaged out."""
    env = RecommendationVectorEnv(MusicStreaming(n_users=10**6), num_envs=16384)
    env.reset(seed=4)
    users = env.users
    hour = users["clock"] / 60 % 24
    early, owls = (hour[users["archetype"] == kind] for kind in (0, 3))
    is_morning, is_late = ((early >= 5) & (early < 10)), ((owls >= 22) | (owls < 3))
    assert is_morning.mean() > 2 * ((owls >= 5) & (owls < 10)).mean()
    assert is_late.mean() > 2 * ((early >= 22) | (early < 3)).mean()
    is_workday = users["clock"] // 1440 % 7 < 5
    is_forenoon = (hour >= 9) & (hour < 12)
    at_work, at_gym = users["place"] == 2, users["place"] == 3
    assert at_work[is_workday & is_forenoon].mean() == pytest.approx(0.65, abs=0.05)
    assert at_work[~is_workday & is_forenoon].mean() < 0.08
    assert (users["played_on"][at_gym] == 0).all()
    habits = users["part_habit"] / users["part_habit"].sum(axis=1, keepdims=True)
    assert habits[users["archetype"] == 0].std(axis=0).min() > 0.01


def test_the_place_can_change_while_they_listen(life):
    _, steps = life
    n_changes, minutes = 0, 0.0
    for before, _, observation, *_, after, _ in steps:
        is_same = after["n_sessions"] == before["n_sessions"]
        n_changes += (is_same & (after["place"] != before["place"])).sum()
        minutes += observation["response"][is_same, 0, 4].sum()
    # Drawn anew 0.35 times an hour, and then another one about half of the time.
    assert 0.1 < n_changes / (minutes / 60) < 0.3


@pytest.mark.slow
def test_some_people_come_and_some_tracks_are_offered_more():
    """Ids are skewed by 2: half of the draws fall on the first quarter."""
    env = RecommendationVectorEnv(MusicStreaming(n_candidates=1), num_envs=8192)
    observation, _ = env.reset(seed=6)
    for ids in (observation["user_id"], observation["item_id"][:, 0]):
        assert abs(np.mean(ids < 250) - 0.5) < 4.5 * 0.5 / math.sqrt(8192)


def test_people_and_catalogue_are_the_worlds():
    """The same user id has the same taste whatever the seed, and another world another."""
    tastes = {}
    for world_seed, seed in ((0, 1), (0, 2), (1, 1)):
        env = gymnasium.make("recsim_env/MusicStreaming-v0", world_seed=world_seed, n_users=1)
        env.reset(seed=seed)
        tastes[world_seed, seed] = env.unwrapped.user["taste"].copy()
    assert (tastes[0, 1] == tastes[0, 2]).all() and (tastes[0, 1] != tastes[1, 1]).any()


def test_picture_and_line_tell_the_moment():
    env = gymnasium.make("recsim_env/MusicStreaming-v0", render_mode="rgb_array")
    env.reset(seed=0)
    env.step(0)
    assert env.render().shape == (400, 800, 3)
    env = gymnasium.make("recsim_env/MusicStreaming-v0", render_mode="ansi")
    env.reset(seed=0)
    assert "satisfaction" in env.render() and ":" in env.render()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("reward", "dwell"),
        ("n_genres", 0),
        ("n_recent", 17),
        ("exposure_skew", 0),
        ("context_strength", -0.1),
        ("feeling", 11.0),
        ("n_days", -1),
        ("drift", 1.5),
        ("recovery_hours", 0.0),
        ("gap_days", 0.0),
        ("no_choice_score", 1000.0),
    ],
)
def test_bad_settings_name_the_remedy(name, value):
    with pytest.raises(ValueError, match=f"{name}=.* is not allowed; use"):
        MusicStreaming(**{name: value})
