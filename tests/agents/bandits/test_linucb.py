"""LinUCB against a re-implementation that solves the normal equations for every observation."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from recsim_env.agents import UnsuitableScenario, make_agent
from recsim_env.agents.bandits.linear_bandit import LinUCB
from recsim_env.agents.core.features import JointFeatures
from recsim_env.agents.core.transition import Transition
from recsim_env.benchmark import evaluate
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.music_streaming import MusicStreaming
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

PRODUCT, SHORT = 10_000, 1
N_ITEMS = 8


class ReferenceLinUCB:
    """One person, one item, one observation at a time; own weights are a block of a longer x."""

    def __init__(self, settings, is_product):
        self.settings, self.is_product = settings, is_product
        self.batches = []

    def features(self, person, item, item_id):
        """`person` lists the fields that describe them, as they were seen."""
        flat = np.concatenate([[1.0], *[field.ravel() for field in person]])
        own = np.kron(np.eye(N_ITEMS)[item_id], flat)
        if self.is_product:
            joint = np.kron(flat, np.append(1.0, item))
        else:
            joint = [flat, item, *[field * item for field in person if field.shape == item.shape]]
            joint = np.concatenate(joint)
        kinds = {"shared": joint, "disjoint": own, "hybrid": np.concatenate([joint, own])}
        return kinds[self.settings.model]

    def score(self, x, deterministic):
        gram, moment = self.settings.ridge * np.eye(len(x)), np.zeros(len(x))
        n_later = 0
        for batch, n_steps in reversed(self.batches):
            for past, reward, weight in batch:
                weight = weight * self.settings.discount**n_later
                gram += weight * np.outer(past, past)
                moment += weight * reward * past
            n_later += n_steps
        bonus = self.settings.alpha * np.sqrt(x @ np.linalg.solve(gram, x))
        return x @ np.linalg.solve(gram, moment) + (0.0 if deterministic else bonus)


def follow(agent, reference, env, fields, n_batches):
    """Lets the agent act and learn, holding it to the reference in every batch."""
    observation, _ = env.reset(seed=4)
    rng = np.random.default_rng(0)
    for _ in range(n_batches):
        x = [
            [
                reference.features([observation[f][i].astype(float) for f in fields], *item)
                for item in zip(
                    observation["candidates"][i].astype(float),
                    observation["item_id"][i],
                    strict=True,
                )
            ]
            for i in range(env.num_envs)
        ]
        for deterministic in (True, False):
            expected = np.array([[reference.score(one, deterministic) for one in row] for row in x])
            scores = agent.scores(observation, None, deterministic=deterministic)
            assert scores == pytest.approx(expected, rel=1e-9, abs=1e-9)
            slates, _ = agent.predict(observation, deterministic=deterministic)
            best = -np.sort(-expected, axis=1)[:, : slates.shape[1]]  # equal scores in any order
            served = np.take_along_axis(expected, slates, axis=1)
            assert served == pytest.approx(best, rel=1e-9, abs=1e-9)
        following, rewards, terminated, truncated, _ = env.step(slates)
        attention = rng.choice([0.0, 0.3, 1.0], slates.shape)
        feedback = Transition(
            observation=observation,
            slates=slates,
            next_observation=following,
            rewards=rewards,
            is_terminal=terminated,
            is_over=terminated | truncated,
            index=np.arange(env.num_envs),
            begins=np.zeros(env.num_envs, bool),
            examination_probability=attention,
        )
        batch = []
        for i, slate in enumerate(slates):
            clicked = following["response"][i, :, 0] > 0
            for place, shown in enumerate(slate):
                reward = rewards[i] * clicked[place] / max(1, clicked.sum())
                batch.append((np.array(x[i][shown]), reward, attention[i, place]))
        reference.batches.append((batch, env.num_envs))
        agent.update(feedback)
        observation = following


@pytest.mark.parametrize("max_features", [PRODUCT, SHORT])
@pytest.mark.parametrize("model", ["shared", "disjoint", "hybrid"])
@pytest.mark.parametrize(
    ("num_envs", "n_batches", "discount"), [(1, 12, 1.0), (6, 4, 1.0), (1, 8, 0.7), (6, 4, 0.9)]
)
def test_equals_the_reference_in_scores_and_order(
    model, max_features, num_envs, n_batches, discount
):
    """One person a step is a Woodbury correction (2 rows, 50 or so features), six an inverse."""
    env = RecommendationVectorEnv(
        RatedCatalogue,
        num_envs=num_envs,
        n_users=20,
        n_items=N_ITEMS,
        n_user_features=4,
        n_item_features=4,
        slate_size=2,
        n_candidates=6,
        reward="clicks",
        no_choice_score=0.0,
        compiled=False,
    )
    settings = {"model": model, "alpha": 0.7, "ridge": 2.0, "discount": discount}
    agent = LinUCB(env, **settings, max_features=max_features)
    reference = ReferenceLinUCB(agent.settings, agent.model.features.is_product)
    follow(agent, reference, env, ["user", "history"], n_batches)
    assert any(
        reward > 0 and weight > 0 for batch, _ in reference.batches for _, reward, weight in batch
    )
    assert agent.model.features.is_product == (max_features == PRODUCT)


@pytest.mark.parametrize("model", ["disjoint", "hybrid"])
def test_large_batches_of_models_with_own_weights_equal_the_whole(checkerboard, monkeypatch, model):
    env = checkerboard(50)
    agent = LinUCB(env, model=model).learn(300)
    observation, _ = env.reset(seed=1)
    whole = np.array([agent.scores(observation, None, deterministic=d) for d in (True, False)])
    monkeypatch.setattr("recsim_env.agents.bandits.linear_models._BLOCK_NUMBERS", 500)
    blocks = np.array([agent.scores(observation, None, deterministic=d) for d in (True, False)])
    assert blocks == pytest.approx(whole, rel=1e-12)


@pytest.mark.parametrize("max_features", [PRODUCT, SHORT])
def test_blocks_of_a_large_batch_equal_the_whole(checkerboard, monkeypatch, max_features):
    env = checkerboard(50)
    agent = LinUCB(env, max_features=max_features).learn(300)
    observation, _ = env.reset(seed=1)
    whole = agent.scores(observation, None, deterministic=False)
    monkeypatch.setattr("recsim_env.agents.core.features._BLOCK_NUMBERS", 500)
    assert agent.scores(observation, None, deterministic=False) == pytest.approx(whole, rel=1e-12)


def test_corrections_and_inverse_agree_over_a_long_run(checkerboard):
    agent = LinUCB(checkerboard(1)).learn(900)
    assert agent.model.posterior.n_corrections > 800
    exact = np.linalg.solve(
        agent.model.posterior.precision, np.eye(agent.model.features.n_features)
    )
    assert agent.model.posterior.covariance == pytest.approx(exact, abs=1e-9)


def test_deterministic_serves_the_mean_and_learning_adds_the_bonus(checkerboard):
    env = checkerboard(20)
    agent = LinUCB(env).learn(200)
    observation, _ = env.reset(seed=1)
    mean = agent.scores(observation, None, deterministic=True)
    assert (agent.scores(observation, None, deterministic=False) > mean).all()
    bold = LinUCB(env, alpha=0.0).learn(200)
    assert np.array_equal(
        bold.scores(observation, None, deterministic=False),
        bold.scores(observation, None, deterministic=True),
    )


def test_learns_from_shown_places_only(checkerboard):
    env = checkerboard(3)
    agent = LinUCB(env)
    observation, _ = env.reset(seed=1)
    response = np.zeros((3, 2, 1), np.float32)
    slates = np.array([[2, 2], [2, 5], [1, 0]])
    ended = np.zeros(3, bool)
    feedback = Transition.of_step(
        env.scenario,
        observation=observation,
        slates=slates,
        next_observation={"response": response},
        rewards=np.zeros(3),
        is_terminal=ended,
        is_over=ended,
        index=np.arange(3),
        begins=np.zeros(3, bool),
    )
    agent.update(feedback)
    x = agent.model.features.of_slates(observation, slates).reshape(6, -1)[[0, 2, 3, 4, 5]]
    expected = np.eye(x.shape[1]) + sum(np.outer(one, one) for one in x)
    assert agent.model.posterior.precision == pytest.approx(expected)


def test_short_features_take_the_mean_over_the_rows_of_a_field():
    class Spaces:
        @property
        def schema(self):
            return SimpleNamespace(spaces={name: np.zeros(shape) for name, shape in shapes.items()})

    shapes = {"user": (3,), "history": (5, 2), "candidates": (4, 2)}
    rng = np.random.default_rng(0)
    observation = {name: rng.random((7, *shape)) for name, shape in shapes.items()}
    features = JointFeatures(Spaces(), max_features=1)
    slates = np.tile([1, 3], (7, 1))
    x = features.of_slates(observation, slates)
    item = observation["candidates"][2, 3]
    parts = [
        [1.0],
        observation["user"][2],
        observation["history"][2].ravel(),
        item,
        item * observation["history"][2].mean(axis=0),
    ]
    assert x.shape == (7, 2, features.n_features)
    assert x[2, 1] == pytest.approx(np.concatenate(parts))


def test_learns_that_people_like_their_own_colour(checkerboard, share_of_matches):
    agent = LinUCB(checkerboard()).learn(1_000)
    uniform = make_agent("uniform", checkerboard())
    people = checkerboard(500)
    assert share_of_matches(agent, people) > share_of_matches(uniform, people) + 0.45


def test_says_that_it_needs_item_features(checkerboard):
    with pytest.raises(UnsuitableScenario, match="LinUCB needs item features"):
        LinUCB(checkerboard(is_seen=False))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("alpha", -1.0),
        ("max_features", -1),
        ("ridge", 0.0),
        ("discount", 0.0),
        ("discount", 1.1),
        ("exploration", 2.0),
        ("model", "joint"),
    ],
)
def test_settings_out_of_range_are_named(checkerboard, setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value!r} is not allowed"):
        LinUCB(checkerboard(), **{setting: value})


def test_own_weights_need_ids_and_not_too_many_items(checkerboard, monkeypatch):
    with pytest.raises(ValueError, match="set n_items or use model='shared'$"):
        LinUCB(checkerboard(n_items=0), model="disjoint")
    monkeypatch.setattr("recsim_env.agents.bandits.linear_bandit._MAX_NUMBERS", 1_000)
    LinUCB(checkerboard(), model="disjoint")  # 80 items, (1, g) of 3 numbers: 720
    with pytest.raises(ValueError, match="or model='disjoint'$"):
        LinUCB(checkerboard(), model="hybrid")


def test_a_place_that_was_surely_not_looked_at_teaches_nothing(checkerboard):
    env = checkerboard(3)
    agent = LinUCB(env)
    observation, _ = env.reset(seed=1)
    slates = np.array([[2, 3], [2, 5], [1, 0]])
    is_over = np.zeros(3, bool)
    feedback = Transition(
        observation=observation,
        slates=slates,
        next_observation={"response": np.ones((3, 2, 1), np.float32)},
        rewards=np.ones(3),
        is_terminal=is_over,
        is_over=is_over,
        index=np.arange(3),
        begins=np.zeros(3, bool),
        examination_probability=np.zeros((3, 2)),
    )
    agent.update(feedback)
    assert np.array_equal(agent.model.posterior.precision, np.eye(9))
    assert not agent.model.posterior.mean.any()


def test_a_share_of_slates_is_uniform_while_learning(checkerboard):
    agent = LinUCB(checkerboard(), alpha=0.0, exploration=0.4).learn(500)
    observation, _ = agent.env.reset(seed=1)
    best = agent.recommend(observation, None, deterministic=True)
    chance = agent.slate_probability(observation, best)
    assert (chance < 0.7).all()
    assert agent.slate_probability(observation, best, deterministic=True).max() <= 1.0


def test_without_context_only_lasting_fields_remain():
    class Spaces:
        @property
        def schema(self):
            return SimpleNamespace(spaces={name: np.zeros(shape) for name, shape in shapes.items()})

    shapes = {
        "user": (3,),
        "context": (4,),
        "history": (2,),
        "recent": (5, 2),
        "candidates": (4, 2),
    }
    rng = np.random.default_rng(0)
    one, other = ({name: rng.random((7, *shape)) for name, shape in shapes.items()} for _ in "ab")
    features = JointFeatures(Spaces(), max_features=100, context=False)
    assert features.n_features == (1 + 3) * (1 + 2)
    changed = other | {name: one[name] for name in ("user", "candidates")}
    assert np.array_equal(features.of_candidates(one), features.of_candidates(changed))
    seeing = JointFeatures(Spaces(), max_features=1_000)
    assert seeing.n_features == (1 + 3 + 4 + 2) * (1 + 2)
    assert not np.array_equal(seeing.of_candidates(one), seeing.of_candidates(changed))


def test_context_pays_where_the_moment_matters():
    """Listeners' minutes a session, 3 seeds of 10,000 interactions: the blind twin earns less.

    The difference, about 10 of 36 minutes, has a standard error of 0.8 over the people met alone.
    """
    scenario = MusicStreaming()
    gains = []
    for seed in range(3):
        earned = {}
        for context in (True, False):
            env = RecommendationVectorEnv(scenario, num_envs=16)
            agent = LinUCB(env, seed=seed, context=context).learn(10_000)
            found = evaluate(agent, scenario, n_episodes=500, seed=1_000_000 + seed)
            earned[context] = found.returns
        gains.append(earned[True] - earned[False])  # common random numbers, pair by pair
    means = np.mean(gains, axis=1)
    width = stats.t.ppf(0.995, 2) * means.std(ddof=1) / np.sqrt(3)
    assert means.mean() - width > 0
    assert means.mean() > 5.0
