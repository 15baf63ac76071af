"""Organic shopping: RecoGym's products and click-through rates, and what browsing tells."""

import functools

import gymnasium
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy import stats

from recsim_env.agents.references.oracle import Oracle
from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv, resolve_scenario
from recsim_env.scenarios.organic_shopping import OrganicShopping
from recsim_env.scenarios.views.organic_shopping import click_probabilities
from recsim_env.testing import check_scenario, random_slates

pytestmark = pytest.mark.published

ID, N = "OrganicShopping-v0", 4096
OFF = {"flips": 0, "taste_sd": 0.0, "drift_sd": 0.0, "popularity_sd": 0.0, "click_slope": 0.0}


def uniform(env, observation, rng):
    return rng.random((env.num_envs, env.scenario.n_candidates))


def own_views(env, observation, rng):
    """A product with probability proportional to how often the person viewed it."""
    views = observation["history"]
    return views / rng.exponential(size=views.shape)


def last_view(env, observation, rng):
    return observation["last_views"][:, 0]


@functools.cache
def scores_for_all(env):
    scores = Oracle(env, ablate="person").candidate_values()
    assert (scores == scores[0]).all()
    return scores


def best_for_all(env, observation, rng):
    """The ranking of the oracle that knows nobody: here, the same for all at any time."""
    return scores_for_all(env)


class Sessions:
    """One session of each of `n` people: clicks, expected clicks, recommendations, views.

    Rates are of expected clicks, which vary less; what was clicked decides what
    happens.
    """

    def __init__(self, env_id, policy, n=N, seed=0, log=None, **settings):
        env = gymnasium.make_vec(f"recsim_env/{env_id}", num_envs=n, **settings)
        observation, _ = env.reset(seed=seed)
        rng, people = np.random.default_rng(seed), np.arange(n)
        self.clicks, self.expected, self.length = np.zeros(n), np.zeros(n), np.zeros(n)
        self.views = np.zeros((n, env.scenario.n_items))
        is_here = np.ones(n, bool)
        while is_here.any():
            product = policy(env, observation, rng).argmax(axis=1)
            before = observation["history"]
            chance = env.expected_reward()[people, product]
            observation, clicked, is_over, *_ = env.step(product)
            if log is not None:
                log.append((before[is_here], product[is_here], clicked[is_here]))
            self.clicks += clicked * is_here
            self.expected += chance * is_here
            self.length += is_here
            self.views[is_here] = observation["history"][is_here]
            is_here &= ~is_over
        env.close()

    def click_rate(self):
        """Returns clicks a recommendation and its standard error, people being independent."""
        rate = self.expected.sum() / self.length.sum()
        spread = (self.expected - rate * self.length).std()
        return rate, spread * np.sqrt(len(self.length)) / self.length.sum()


def assert_rate(sessions, published, low, high):
    """Asserts that the rate is within 3 standard errors, both sides', of a published one."""
    rate, error = sessions.click_rate()
    error = np.hypot(error, (high - low) / (2 * 1.96))
    assert abs(rate - published) < 3 * error, (rate, published, error)


def recogym_products(seed, n_items, n_factors, popularity_sd, n_flips, is_normalized):
    """RecoGym's own way to make products: organic and bandit factors and biases."""
    rng = np.random.RandomState(seed)
    factors = rng.normal(size=(n_items, n_factors))
    bias = rng.normal(0, popularity_sd, size=(n_items, 1))
    index, used, n_done = np.arange(n_items), set(), 0
    similarity = factors @ factors.T
    similarity -= np.diag(np.diag(similarity))
    for entry in similarity.flatten().argsort()[::-1] if n_flips else []:
        one, other = divmod(int(entry), n_items)
        if one not in used and other not in used:
            index[one], index[other] = other, one
            used |= {one, other}
            n_done += 1
            if n_done == n_flips:
                break
    bandit = factors[index]
    if is_normalized:
        bandit = bandit / np.sqrt((bandit**2).sum(1)[:, np.newaxis])
    return factors, bias.ravel(), bandit, bias[index].ravel()


@pytest.mark.parametrize(
    "world",
    [
        *((42, 10, 5, 3.0, flips, False) for flips in (0, 1, 3, 5, 10)),
        (42, 20, 5, 3.0, 10, False),
        (42, 10, 5, 3.0, 0, True),
        (7, 31, 3, 0.5, 12, True),
        (0, 100, 8, 0.0, 50, False),
    ],
)
def test_products_are_recogyms_to_the_bit(world):
    seed, n_items, n_factors, popularity_sd, flips, normalize_beta = world
    items = OrganicShopping(
        world_seed=seed,
        n_items=n_items,
        n_factors=n_factors,
        popularity_sd=popularity_sd,
        flips=flips,
        normalize_beta=normalize_beta,
    ).tables()["items"]
    names = ("organic_factors", "organic_bias", "bandit_factors", "bandit_bias")
    for name, expected in zip(names, recogym_products(*world), strict=True):
        assert np.array_equal(items[name], expected)


def test_the_published_seed_gives_the_known_numbers():
    items = OrganicShopping(world_seed=42, flips=1, popularity_sd=3.0).tables()["items"]
    assert items["organic_factors"][0, 0] == pytest.approx(0.4967141530112327, abs=1e-15)
    swapped = items["organic_bias"] != items["bandit_bias"]
    assert np.flatnonzero(swapped).tolist() == [2, 3]


def restated(n, seed, products, policy_views=False, **s):
    """RecoGym in NumPy, many people at once; returns rate of clicks, recommendations and views."""
    factors, bias, bandit, bandit_bias = products
    rng = np.random.default_rng(seed)
    taste, phase = rng.normal(0, s["taste_sd"], (n, 5)), np.zeros(n, int)
    views = np.zeros((n, len(bias)), int)
    stay = np.cumsum([[0.74, 0.25, 0.01], [0.05, 0.94, 0.01]], axis=1)
    expected, length = np.zeros(n), np.zeros(n)

    def update(who):
        phase[who] = (rng.random(len(who))[:, None] >= stay[phase[who], :2]).sum(axis=1)
        drifts = who if s["drift_in_bandit"] else who[phase[who] == 0]
        elapsed = abs(rng.normal(size=(len(drifts), 1))) if s["irregular_time"] else 1.0
        taste[drifts] += s["drift_sd"] * elapsed * rng.normal(size=(len(drifts), 5))

    while (phase < 2).any():
        while (phase == 0).any():
            who = np.flatnonzero(phase == 0)
            liking = taste[who] @ factors.T + bias
            views[who, (liking + rng.gumbel(size=liking.shape)).argmax(axis=1)] += 1
            update(who)
        who = np.flatnonzero(phase == 1)
        product = rng.integers(0, len(bias), len(who))
        x = (taste[who] * bandit[product]).sum(axis=1) + bandit_bias[product]
        inner = 2 / (1 + np.exp(-s["click_slope"] * x)) - 2
        chance = 1 / (1 + np.exp(s["click_threshold"] - 5 / (1 + np.exp(-inner))))
        expected[who] += chance
        length[who] += 1
        update(who)
        phase[who[rng.random(len(who)) < chance]] = 0
    return expected, length, views


PUBLISHED = {
    "taste_sd": 1.0,
    "drift_sd": 0.1,
    "drift_in_bandit": False,
    "irregular_time": False,
    "click_slope": 0.3,
    "click_threshold": 6.0,
}


@pytest.mark.parametrize(
    ("flips", "changes"),
    [
        (0, {}),
        (3, {"taste_sd": 2.0, "click_threshold": 3.5, "click_slope": 1.0}),
        (5, {"drift_sd": 0.4, "drift_in_bandit": True, "irregular_time": True}),
    ],
)
def test_uniform_recommendations_equal_an_independent_simulation(flips, changes):
    s = PUBLISHED | changes
    products = recogym_products(42, 10, 5, 3.0, flips, False)
    expected, length, views = restated(N, 1, products, **s)
    is_met = length > 0  # who leaves before any recommendation is not met in the scenario
    ours = Sessions("RecoGym-v1", uniform, flips=flips, **changes)
    theirs = Sessions.__new__(Sessions)
    theirs.expected, theirs.length = expected[is_met], length[is_met]
    (rate, error), (other, other_error) = ours.click_rate(), theirs.click_rate()
    assert abs(rate - other) < 4 * np.hypot(error, other_error)
    assert stats.ttest_ind(ours.length, theirs.length).pvalue > 1e-4
    for product in range(10):
        pvalue = stats.ttest_ind(ours.views[:, product], views[is_met, product]).pvalue
        assert pvalue > 1e-5, product


@functools.cache
def recogym_uniform():
    return Sessions("RecoGym-v1", uniform)


def test_events_a_user_are_as_many_as_in_recogym():
    """At seed 42, 22.2 views and 80.8 recommendations, counted with users who leave at once."""
    sessions = recogym_uniform()
    met = 0.25 / 0.26
    length, views = met * sessions.length.mean(), sessions.views.sum(axis=1)
    assert abs(length - 80.8) < 3 * sessions.length.std() / np.sqrt(1000)  # of 1,000 users
    assert abs(met * views.mean() + (1 - met) / 0.26 - 22.2) < 3 * views.std() / np.sqrt(1000)


def test_events_follow_the_markov_chain():
    """With clicks that depend on nothing, the numbers of events are known exactly."""
    sessions = Sessions("OrganicShopping-v0", uniform, click_slope=0.0)
    click = 1 / (1 + np.exp(4.5 - 5 / (1 + np.exp(1.0))))
    run_ends = click + (1 - click) * 0.06
    browses_again = (click + (1 - click) * 0.05) / run_ends
    n_runs = 1 / (1 - browses_again * 0.25 / 0.26)
    expected = {"length": n_runs / run_ends, "views": (1 + browses_again * n_runs) / 0.26}
    given = {"length": sessions.length, "views": sessions.views.sum(axis=1)}
    for name, value in given.items():
        error = value.std() / np.sqrt(N)
        assert abs(value.mean() - expected[name]) < 4 * error, name


def test_published_click_rates_of_uniform_and_popular_products():
    """Everybody's views as probabilities, as estimated under uniform recommendations."""
    random = recogym_uniform()
    assert_rate(random, 0.01086, 0.01014, 0.01161)
    share = random.views.sum(axis=0) / random.views.sum()
    popular = Sessions("RecoGym-v1", lambda env, o, rng: share / rng.exponential(size=(N, 10)))
    assert_rate(popular, 0.01371, 0.01289, 0.01456)


@pytest.mark.parametrize(
    ("n_items", "flips", "published", "low", "high"),
    [
        (10, 1, 0.01662, 0.01634, 0.01691),
        pytest.param(10, 5, 0.01299, 0.01274, 0.01325, marks=pytest.mark.slow),
        pytest.param(20, 10, 0.00815, 0.00796, 0.00835, marks=pytest.mark.slow),
    ],
)
def test_published_click_rates_of_the_users_own_views(n_items, flips, published, low, high):
    sessions = Sessions("RecoGym-v1", own_views, n_items=n_items, flips=flips)
    assert_rate(sessions, published, low, high)


def fit_logistic(views, product, clicked):
    """Fits a click's log-odds to views, product, and views times product, by Newton's method.

    It is scikit-learn's `LogisticRegression` (C = 1, an intercept without penalty) on RecoGym's
    features. Returns (n_items, 1 + n_items): the intercept and slopes of each product.
    """
    n = views.shape[1]
    x = [np.column_stack([np.ones(sum(product == i)), views[product == i]]) for i in range(n)]
    y = [clicked[product == i] for i in range(n)]
    weights, penalty = np.zeros((n + 1, n + 1)), np.ones((n + 1, n + 1))
    weights[n, 0], penalty[n, 0] = np.log(clicked.mean()), 1e-9  # row n is what products share

    def loss(weights):
        z = [x[i] @ (weights[i] + weights[n]) for i in range(n)]
        fit = sum(np.logaddexp(0, z[i]).sum() - y[i] @ z[i] for i in range(n))
        return fit + 0.5 * (penalty * weights**2).sum()

    for _ in range(30):
        gradient, hessian = penalty * weights, np.zeros((n + 1,) * 4)
        for i in range(n):
            chance = 1 / (1 + np.exp(-x[i] @ (weights[i] + weights[n])))
            slope = x[i].T @ (chance - y[i])
            curvature = (x[i] * (chance * (1 - chance))[:, None]).T @ x[i]
            for one in (i, n):
                gradient[one] += slope
                for other in (i, n):
                    hessian[one, :, other] += curvature
        hessian = hessian.reshape(weights.size, -1) + np.diag(penalty.ravel())
        move = np.linalg.solve(hessian, gradient.ravel()).reshape(weights.shape)
        before, step = loss(weights), 1.0
        while loss(weights - step * move) > before and step > 1e-6:
            step /= 2
        weights = weights - step * move
        if before - loss(weights) < 1e-3:
            break
    return weights[:n] + weights[n]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_items", "flips", "low", "high"),
    [(10, 5, 0.0172, 0.0176), pytest.param(20, 10, 0.0233, 0.0233, marks=pytest.mark.slow)],
)
def test_published_click_rates_of_logistic_regression(n_items, flips, low, high):
    """Within 4 %: of about 400,000 clicks' chances and of what different logs teach.

    The published rates come from logs and tests of some thousand users (a standard error of 1.2 %
    to test, 0.7 % from log to log here), and no interval was published.
    """
    world, log = {"n_items": n_items, "flips": flips}, []
    Sessions("RecoGym-v1", uniform, n=6144, seed=50_000, log=log, **world)
    model = fit_logistic(*(np.concatenate(part) for part in zip(*log, strict=True)))

    def likeliest(env, observation, rng):
        return observation["history"] @ model[:, 1:].T + model[:, 0]

    rate, _ = Sessions("RecoGym-v1", likeliest, **world).click_rate()
    assert 0.96 * low < rate < 1.04 * high


# The defaults ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_defaults_are_worth_playing(play, assert_more):
    policies = ("uniform", best_for_all, "oracle")
    floor, for_all, ceiling = (play(ID, policy, n=N).returns for policy in policies)
    assert_more(ceiling, floor, 1.5)
    assert_more(ceiling, for_all, 1.2)
    assert_more(for_all, floor, 1.05)


def test_views_tell_more_than_popularity_and_less_than_the_taste_behind_them(play, assert_more):
    viewed = play(ID, last_view).returns
    assert_more(viewed, play(ID, best_for_all).returns)
    assert_more(play(ID, "oracle").returns, viewed, 1.1)


def test_flips_make_views_misleading(play, assert_more):
    honest, flipped = (play(ID, own_views, flips=flips).returns for flips in (0, 5))
    assert_more(honest, flipped, 1.1)


def test_knowing_people_is_worth_nothing_when_they_are_alike(play):
    alike = {"n": 512, "taste_sd": 0.0, "drift_sd": 0.0}
    personal, for_all = (play(ID, policy, **alike) for policy in ("oracle", best_for_all))
    assert np.array_equal(personal.returns, for_all.returns)


def test_nothing_is_worth_knowing_when_clicks_do_not_depend_on_taste(play):
    best, any_product = (play(ID, name, n=512, click_slope=0.0) for name in ("oracle", "uniform"))
    assert np.array_equal(best.returns, any_product.returns)


def test_expected_reward_is_the_chance_of_a_click():
    sessions = recogym_uniform()
    surplus = sessions.clicks - sessions.expected
    assert abs(surplus.mean()) < 4 * surplus.std() / np.sqrt(N)


def test_people_return_with_the_taste_they_had():
    env = RecommendationVectorEnv(OrganicShopping, num_envs=256, n_users=3, drift_sd=0.0)
    tastes = {}
    for seed in (1, 2):
        observation, _ = env.reset(seed=seed)
        for user_id, user in zip(observation["user_id"], env.users, strict=True):
            assert np.array_equal(tastes.setdefault(int(user_id), user["taste"]), user["taste"])
    assert len(tastes) == 3


# Contract ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        OFF | {"drift_in_bandit": True, "irregular_time": True, "normalize_beta": True},
        {
            "n_users": 0,
            "n_items": 7,
            "n_candidates": 3,
            "n_factors": 1,
            "n_last_views": 1,
            "show_ids": False,
            "bandit_to_organic": 0.5,
        },
    ],
)
def test_quite_different_settings_keep_the_contract(settings):
    check_scenario(OrganicShopping, **settings)


@hypothesis_settings(max_examples=25)
@given(
    settings=st.fixed_dictionaries(
        {
            "world_seed": st.integers(0, 2**32 - 1),
            "n_users": st.integers(0, 5),
            "n_items": st.integers(2, 12),
            "n_candidates": st.sampled_from([0, 1, 2]),
            "n_factors": st.integers(1, 4),
            "n_last_views": st.integers(1, 4),
            "flips": st.integers(0, 20),
            "taste_sd": st.floats(0, 200),
            "drift_sd": st.floats(0, 50),
            "popularity_sd": st.floats(0, 500),
            "organic_to_bandit": st.floats(0.05, 0.7),
            "bandit_to_organic": st.floats(0, 0.7),
            "leave_probability": st.floats(0.001, 0.3),
            "click_slope": st.floats(0, 50),
            "click_range": st.floats(-10, 2000),
            "click_threshold": st.floats(-2000, 2000),
            "show_ids": st.booleans(),
            "irregular_time": st.booleans(),
            "drift_in_bandit": st.booleans(),
        }
    )
)
def test_any_settings_in_range_give_observations_in_their_space(settings):
    env = RecommendationVectorEnv(OrganicShopping, num_envs=2, compiled=False, **settings)
    rng = np.random.default_rng(0)
    observation, _ = env.reset(seed=1)
    for _ in range(12):
        for name, space in env.scenario.schema.spaces.items():
            assert all(space.contains(value) for value in observation[name]), name
        chances = env.expected_reward()
        assert ((chances >= 0) & (chances <= 1)).all()
        observation, *_ = env.step(random_slates(env.scenario, 2, rng)[:, 0])


def test_observations_are_what_was_viewed():
    """The views told one by one (`last_views`, `log_new_views`) give everything else."""
    env = RecommendationEnv(
        OrganicShopping, n_last_views=60, bandit_to_organic=0.3, compiled=False, n_items=6
    )
    n_clicks = 0
    for seed in range(6):
        observation, _ = env.reset(seed=seed)
        viewed, step, is_over, clicked = [], 0, False, 0
        while not is_over and step < 60:
            n_new = round(np.expm1(observation["context"][1]))
            assert step == 0 or n_new > 0 or not clicked  # a click leads to browsing
            new = observation["last_views"][:n_new].argmax(axis=1)[::-1]
            viewed += new.tolist()
            assert np.expm1(observation["context"][0]) == pytest.approx(step + len(viewed))
            counts = np.bincount(viewed, minlength=6)
            assert np.array_equal(observation["history"], counts)
            recency = [
                1 / (1 + viewed[::-1].index(product)) if product in viewed else 0.0
                for product in range(6)
            ]
            columns = [np.log1p(counts), counts / len(viewed), recency]
            assert observation["candidates"][:, :3] == pytest.approx(np.transpose(columns))
            assert np.array_equal(observation["candidates"][:, 3:], np.eye(6))
            observation, clicked, is_over, *_ = env.step(step % 6)
            assert observation["response"][0, 0] == clicked
            n_clicks += clicked
            step += 1
    assert n_clicks > 0


def test_fewer_candidates_are_drawn_uniformly():
    env = RecommendationVectorEnv(OrganicShopping, num_envs=2048, n_candidates=4)
    offered = env.reset(seed=0)[0]["item_id"]
    assert all(len(set(row)) == 4 for row in offered.tolist())
    assert stats.chisquare(np.bincount(offered.ravel(), minlength=10)).pvalue > 1e-6


@pytest.mark.parametrize("n_items", [pytest.param(5, marks=pytest.mark.slow), 20])
def test_all_products_stay_all_when_their_number_changes(n_items):
    made = OrganicShopping()
    assert made.settings["n_candidates"] == 10
    changed = resolve_scenario(made, n_items=n_items)
    assert changed.n_candidates == n_items and changed == OrganicShopping(n_items=n_items)
    whole = gymnasium.make_vec("recsim_env/RecoGym-v1", num_envs=2, compiled=False)
    twin = whole.twin(n_items=n_items)
    assert twin.reset(seed=0)[0]["candidates"].shape == (2, n_items, 3 + n_items)
    assert resolve_scenario(OrganicShopping(n_candidates=4), n_items=n_items).n_candidates == 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"slate_size": 2}, "slate_size=2 is not allowed; use 1: one product is recommended"),
        ({"n_items": 0}, "n_items=0 is not allowed; use [12] to"),
        ({"n_items": 1}, "n_items=1 is not allowed; use 2 to"),
        ({"n_items": 5, "n_candidates": 6}, "n_candidates=6 exceeds n_items=5"),
        ({"n_factors": 0}, "n_factors=0 is not allowed; use 1 to"),
        ({"n_last_views": 0}, "n_last_views=0 is not allowed; use 1 to"),
        ({"flips": -1}, "flips=-1 is not allowed; use 0 to"),
        ({"taste_sd": -0.1}, "taste_sd=-0.1 is not allowed; use 0 to"),
        ({"world_seed": 2**32}, "world_seed=4294967296 is not allowed; use 0 to 4294967295"),
        (
            {"leave_probability": 0.0},
            "leave_probability=0.0 is not allowed; use more than 0, up to 1, or",
        ),
        ({"organic_to_bandit": 0.0}, "organic_to_bandit=0.0 is not allowed; use 0.001 to 1, or"),
        (
            {"bandit_to_organic": 0.995},
            "bandit_to_organic=0.995 is not allowed; use at most 1 - leave_probability",
        ),
    ],
)
def test_bad_settings_name_the_remedy(settings, message):
    with pytest.raises(ValueError, match=message):
        OrganicShopping(**settings)


def test_rendering_names_views_and_chances():
    env = RecommendationEnv(OrganicShopping, render_mode="ansi", compiled=False)
    env.reset(seed=3)
    assert "views" in env.render()
    env.step(4)
    assert "would click #" in env.render()
    assert "#4 (bias of views" in env.render()


def test_the_picture_shows_chances_and_views():
    pytest.importorskip("matplotlib", reason="pip install 'recsim-env[plots]'")
    env = RecommendationEnv(OrganicShopping, render_mode="rgb_array", compiled=False)
    env.reset(seed=3)
    assert env.render().shape == (400, 800, 3)


def test_click_probabilities_for_pictures_are_the_expected_reward():
    env = RecommendationVectorEnv(OrganicShopping, num_envs=8, compiled=False)
    env.reset(seed=0)
    people = zip(env.users, env.items, strict=True)
    shown = [click_probabilities(env.scenario, user, items) for user, items in people]
    assert np.array(shown) == pytest.approx(env.expected_reward())
