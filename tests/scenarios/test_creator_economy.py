"""The creator economy: what attention does to creators, and what that does to the audience."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv
from recsim_env.envs.render import describe_user
from recsim_env.scenarios.creator_economy import CreatorEconomy
from recsim_env.testing import check_scenario

pytestmark = pytest.mark.published

ID = "CreatorEconomy-v0"


@pytest.mark.slow
def test_the_contract_is_kept_by_a_small_world():
    check_scenario(
        CreatorEconomy,
        n_items=14,
        n_creators=7,
        n_groups=2,
        n_candidates=5,
        slate_size=1,
        weeks=1.5,
        weekly_visits=4.0,
        leave_rate=1.0,
        viability=20.0,
        newcomer_rate=0.5,
    )


@settings(max_examples=6)
@given(
    attention_sensitivity=st.floats(0, 5),
    growth=st.floats(0, 5),
    leave_rate=st.floats(0, 1),
    newcomer_rate=st.floats(0, 1),
    loyalty_rate=st.floats(0, 1),
    viability=st.floats(0.1, 100),
    n_groups=st.integers(1, 4),
    slate_size=st.integers(1, 4),
)
def test_any_settings_keep_observations_and_records_sound(**changes):
    env = RecommendationVectorEnv(
        CreatorEconomy,
        num_envs=2,
        compiled=False,
        n_items=8,
        n_creators=4,
        n_candidates=4,
        weeks=2.0,
        weekly_visits=5.0,
        **changes,
    )
    rng = np.random.default_rng(0)
    env.reset(seed=1)
    for _ in range(12):
        k = env.scenario.slate_size
        slates = np.array([rng.permutation(4)[:k] for _ in range(2)])
        observation, *_, infos = env.step(slates[:, 0] if k == 1 else slates)
        for name, space in env.single_observation_space.items():
            assert all(space.contains(value) for value in observation[name]), name
        users = env.users
        is_active = users["production"] > 0
        assert (is_active.sum(axis=1) == users["n_active"]).all()
        assert (users["attention"][~is_active] == 0).all()
        assert np.isfinite(env.long_term_value()).all() and np.isfinite(infos["audience"]).all()


def test_perfect_knowledge_is_worth_half_as_much_again(play, assert_more):
    assert_more(play(ID, "oracle").returns, play(ID, "uniform").returns, 1.5)


@pytest.mark.slow
def test_the_best_ranking_for_all_lies_clearly_between(play, assert_more):
    for_all = play(ID, "oracle", n=256, ablate="person").returns
    assert_more(for_all, play(ID, "uniform").returns[:256], 1.2)
    assert_more(play(ID, "oracle").returns[:256], for_all, 1.2)


def test_foresight_wins_over_a_whole_life(play, assert_more):
    assert_more(play(ID, "far_sighted").returns, play(ID, "oracle").returns, 1.1)


def test_the_myopic_starve_creators_and_lose_the_small_groups(play, assert_more):
    far, myopic = (play(ID, name).infos for name in ("far_sighted", "oracle"))
    assert_more(far["n_active"], myopic["n_active"], 1.5)
    small_groups = (infos["group_loyalty"][:, 1:].mean(axis=1) for infos in (far, myopic))
    assert_more(*small_groups, 1.3)
    assert_more(far["group_visits"][:, 2], myopic["group_visits"][:, 2], 1.1)
    top_share = [
        np.mean(infos["creator_exposure"].max(axis=1) / infos["creator_exposure"].sum(axis=1))
        for infos in (far, myopic)
    ]
    assert top_share[0] < 0.5 * top_share[1]


@pytest.mark.parametrize("sensitivity", [0.0, 0.5])
def test_foresight_is_worth_nothing_where_attention_does_not_breed_attention(play, sensitivity):
    far, myopic = (
        play(ID, name, n=64, attention_sensitivity=sensitivity)
        for name in ("far_sighted", "oracle")
    )
    assert np.array_equal(far.returns, myopic.returns)
    assert (far.infos["n_active"] == 24).all() == (sensitivity == 0)


def test_foresight_does_not_pay_in_a_short_life(play, assert_more):
    """Nothing is lost yet when creators have hardly begun to leave."""
    far, myopic = (play(ID, name, n=512, weeks=4.0).returns for name in ("far_sighted", "oracle"))
    assert_more(1.05 * myopic, far)


def expected_state(users, slate, clicked, items, made):
    """Restates in NumPy what a step does to attention, loyalty and time, before stocktaking."""
    users = users.copy()
    user = users[0]
    for place, item in enumerate(slate):
        user["attention"][items["creator"][item]] += made.view_attention + clicked[place]
    size = np.arange(1, made.n_groups + 1) ** -made.group_skew
    group = user["group"]
    user["loyalty"][group] += made.loyalty_rate * (clicked.any() - user["loyalty"][group])
    audience = size / size.sum() @ user["loyalty"].astype(float)
    user["time"] += 1 / audience
    user["stocktakings_due"] += made.n_creators / made.weekly_visits / audience
    while user["stocktakings_due"] >= 1:
        user["stocktakings_due"] -= 1
        creator = user["next_creator"]
        user["next_creator"] = (creator + 1) % made.n_creators
        user["production"][creator] = (1 + user["attention"][creator]) ** made.growth
        user["attention"][creator] *= made.attention_kept
    return users


def test_a_life_equals_an_independent_restatement():
    """Without leaving, all but the choices is determined by the visitors."""
    made = CreatorEconomy(leave_rate=0.0)
    env = RecommendationVectorEnv(made, num_envs=1, compiled=False)
    rng = np.random.default_rng(0)
    observation, _ = env.reset(seed=4)
    for _ in range(60):
        slate = rng.permutation(made.n_candidates)[: made.slate_size]
        shown, before = observation["item_id"][0][slate], env.users
        observation, *_ = env.step(slate[None])
        clicked = observation["response"][0, :, 0]
        after = expected_state(before, shown, clicked, env.scenario.tables()["items"], made)
        for name in ("attention", "production", "loyalty", "time", "next_creator"):
            assert np.allclose(after[name], env.users[name], rtol=1e-5), name


def test_creators_leave_as_often_as_stated():
    """Nobody is clicked: attention decays from its start by a known law, and so do chances."""
    made = {"view_attention": 0.0, "no_click_score": 500.0, "loyalty_rate": 0.0, "weeks": 10.0}
    made |= {"newcomer_rate": 0.0}
    env = RecommendationVectorEnv(CreatorEconomy, num_envs=512, **made)
    env.reset(seed=0)
    stays = np.ones((512, 24))
    attention = env.users["attention"].astype(float)
    n_steps = int(5 * 24 * 0.6)  # weeks, visits a week, and the share of people who come
    for _ in range(5):
        stays *= 1 - 0.2 * np.clip(1 - attention / 3.0, 0, None)
        attention *= 0.75
    for _ in range(n_steps + 1):
        *_, infos = env.step(np.tile([0, 1, 2], (512, 1)))
    due = env.users["next_creator"]
    assert set(due) <= {0, 1, 2}  # rounding lets the first ones go once more
    deviation = infos["n_active"] - stays.sum(axis=1)
    assert abs(deviation.mean()) < 3 * 0.2 / 2 + 5 * deviation.std() / np.sqrt(512)


def test_candidates_come_in_proportion_to_production_and_only_from_active_creators():
    env = RecommendationVectorEnv(CreatorEconomy, num_envs=1024, leave_rate=1.0, viability=8.0)
    env.reset(seed=0)
    for _ in range(60):
        observation, *_ = env.step(np.tile([0, 1, 2], (1024, 1)))
    production = env.users["production"]
    first = observation["item_id"][:, 0] // 10
    rows = np.arange(1024)
    assert (production[rows, first] > 0).all()
    share = production / production.sum(axis=1, keepdims=True)
    top = share.argmax(axis=1)
    deviation = (first == top) - share[rows, top]
    assert abs(deviation.mean()) < 5 * deviation.std() / np.sqrt(1024)


def test_groups_come_by_size_times_loyalty_and_time_runs_with_the_audience():
    env = RecommendationVectorEnv(CreatorEconomy, num_envs=4096, loyalty_rate=0.0)
    env.reset(seed=0)
    env.step(np.tile([0, 1, 2], (4096, 1)))
    size = np.arange(1, 4) ** -0.5
    came = np.bincount(env.users["group"], minlength=3) / 4096
    assert np.abs(came - size / size.sum()).max() < 5 * np.sqrt(0.25 / 4096)
    assert np.allclose(env.users["time"], 1 / 0.6)


def test_production_has_a_largest_number():
    """So that a star does not crowd out everybody by being infinite."""
    growing = {"attention_sensitivity": 5.0, "growth": 5.0, "view_attention": 1e3}
    env = RecommendationVectorEnv(CreatorEconomy, num_envs=64, **growing)
    env.reset(seed=0)
    for _ in range(100):
        observation, *_ = env.step(np.tile([0, 1, 2], (64, 1)))
    users = env.users
    assert np.isfinite(users["production_up_to"]).all()
    offered = observation["item_id"] // 10
    assert (np.take_along_axis(users["production"], offered, axis=1) > 0).all()
    rest = users["production"] / users["production"].sum(axis=1, keepdims=True)
    first = offered[:, 0]
    assert rest[np.arange(64), first].mean() > 0.4


@pytest.mark.parametrize("weekly_visits", [24.0, 200.0])
def test_observations_mean_what_they_say(weekly_visits):
    env = RecommendationEnv(
        CreatorEconomy, feature_noise=0.0, taste_noise=0.0, weekly_visits=weekly_visits
    )
    observation, _ = env.reset(seed=1)
    for step in range(40):
        user, items = env.user, env.items
        assert observation["user"][:3].tolist() == np.eye(3)[user["group"]].tolist()
        assert np.allclose(observation["user"][3:], user["taste"])
        assert np.allclose(observation["candidates"][:, :2], items["place"])
        assert np.allclose(observation["candidates"][:, 2], items["quality"])
        attention = user["attention"][items["creator"]]
        relative = attention / (attention + user["attention"].sum() / user["n_active"])
        assert np.allclose(observation["candidates"][:, 3], relative)
        assert np.array_equal(observation["history"], user["loyalty"])
        life_left = 1 - user["time"] / (30 * weekly_visits)
        assert np.allclose(observation["context"][:2], [life_left, user["n_active"] / 24])
        observation, reward, *_, info = env.step([0, 1, 2])
        assert reward == observation["response"][:, 0].sum()
        assert info["creator_exposure"].sum() == 3 * (step + 1)
        assert info["group_visits"].sum() == step + 1
        assert observation["context"][2] == pytest.approx(info["audience"])


def test_a_platform_without_creators_closes():
    env = RecommendationEnv(CreatorEconomy, leave_rate=1.0, viability=1e6, newcomer_rate=0.0)
    env.reset(seed=0)
    is_over = False
    while not is_over:
        _, _, is_over, _, info = env.step([0, 1, 2])
    assert info["n_active"] == 0 and env.user["time"] < 3 * 24


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"n_items": 250}, "multiple of n_creators"),
        ({"n_items": 0}, "multiple of n_creators"),
        ({"n_groups": 25}, "raise n_creators or lower n_groups"),
        ({"n_groups": 0}, "1 to"),
        ({"n_users": 5}, "n_users=5 .*visitors are strangers"),
        ({"weeks": 0.0}, "1e-09 to"),
        ({"leave_rate": 1.5}, "0 to 1"),
        ({"growth": 6.0}, "0 to 5"),
        ({"taste_sd": -1.0}, "0 to"),
    ],
)
def test_bad_settings_name_the_remedy(changes, remedy):
    with pytest.raises(ValueError, match=remedy):
        CreatorEconomy(**changes)


def test_the_platform_can_be_looked_at():
    pytest.importorskip("matplotlib", reason='needs pip install "recsim-env[plots]"')
    env = RecommendationEnv(CreatorEconomy, render_mode="rgb_array")
    env.reset(seed=0)
    env.step([0, 1, 2])
    assert env.render().shape == (400, 800, 3)
    description = describe_user(env.scenario, env.user, None)
    assert "of 24 creators" in description and "loyalties" in description
