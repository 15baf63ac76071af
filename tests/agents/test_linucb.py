"""LinUCB against a re-implementation that solves the normal equations for every observation."""

import numpy as np
import pytest

from recsim_env.agents import UnsuitableScenario, make_agent
from recsim_env.agents.agent import Feedback
from recsim_env.agents.joint_features import JointFeatures
from recsim_env.agents.linucb import LinUCB
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

PRODUCT, SHORT = 10_000, 1


class ReferenceLinUCB:
    """One person, one item, one observation at a time."""

    def __init__(self, alpha, ridge, is_product):
        self.alpha, self.ridge, self.is_product = alpha, ridge, is_product
        self.shown = []

    def features(self, person, item):
        """`person` lists the fields that describe them, as they were seen."""
        if self.is_product:
            flat = np.concatenate([field.ravel() for field in person])
            return np.kron(np.append(1.0, flat), np.append(1.0, item))
        flat = np.concatenate([field.ravel() for field in person])
        products = [field * item for field in person if field.shape == item.shape]
        return np.concatenate([[1.0], flat, item, *products])

    def score(self, x, deterministic):
        gram = self.ridge * np.eye(len(x))
        moment = np.zeros(len(x))
        for past, reward in self.shown:
            gram += np.outer(past, past)
            moment += reward * past
        bonus = self.alpha * np.sqrt(x @ np.linalg.solve(gram, x))
        return x @ np.linalg.solve(gram, moment) + (0.0 if deterministic else bonus)


def follow(agent, reference, env, fields, n_batches):
    """Lets the agent act and learn, holding it to the reference in every batch."""
    observation, _ = env.reset(seed=4)
    for _ in range(n_batches):
        x = [
            [
                reference.features([observation[f][i].astype(float) for f in fields], item)
                for item in observation["candidates"][i].astype(float)
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
        feedback = Feedback.of_step(
            env.scenario,
            observation=observation,
            slates=slates,
            next_observation=following,
            rewards=rewards,
            is_terminal=terminated,
            is_over=terminated | truncated,
            index=np.arange(env.num_envs),
        )
        for i, slate in enumerate(slates):
            clicked = following["response"][i, :, 0] > 0
            for place, shown in enumerate(slate):
                reward = rewards[i] * clicked[place] / max(1, clicked.sum())
                reference.shown.append((np.array(x[i][shown]), reward))
        agent.update(feedback)
        observation = following


@pytest.mark.parametrize("max_features", [PRODUCT, SHORT])
@pytest.mark.parametrize(("num_envs", "n_batches"), [(1, 12), (6, 4)])
def test_equals_the_reference_in_scores_and_order(max_features, num_envs, n_batches):
    """One person a step is a Woodbury correction (2 rows, 50 or so features), six an inverse."""
    env = RecommendationVectorEnv(
        RatedCatalogue,
        num_envs=num_envs,
        n_user_features=4,
        n_item_features=4,
        slate_size=2,
        n_candidates=6,
        reward="clicks",
        compiled=False,
    )
    agent = LinUCB(env, alpha=0.7, ridge=2.0, max_features=max_features)
    reference = ReferenceLinUCB(0.7, 2.0, agent.model.features.is_product)
    follow(agent, reference, env, ["user", "history"], n_batches)
    assert any(reward > 0 for _, reward in reference.shown)
    assert agent.model.features.is_product == (max_features == PRODUCT)


@pytest.mark.parametrize("max_features", [PRODUCT, SHORT])
def test_blocks_of_a_large_batch_equal_the_whole(checkerboard, monkeypatch, max_features):
    env = checkerboard(50)
    agent = LinUCB(env, max_features=max_features).learn(300)
    observation, _ = env.reset(seed=1)
    whole = agent.scores(observation, None, deterministic=False)
    monkeypatch.setattr("recsim_env.agents.joint_features._BLOCK_NUMBERS", 500)
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
    feedback = Feedback.of_step(
        env.scenario,
        observation=observation,
        slates=slates,
        next_observation={"response": response},
        rewards=np.zeros(3),
        is_terminal=ended,
        is_over=ended,
        index=np.arange(3),
    )
    agent.update(feedback)
    x = agent.model.features.of_slates(observation, slates).reshape(6, -1)[[0, 2, 3, 4, 5]]
    expected = np.eye(x.shape[1]) + sum(np.outer(one, one) for one in x)
    assert agent.model.posterior.precision == pytest.approx(expected)


def test_short_features_take_the_mean_over_the_rows_of_a_field():
    class Spaces:
        def space_fields(self):
            return {name: np.zeros(shape) for name, shape in shapes.items()}

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


@pytest.mark.parametrize(("setting", "value"), [("alpha", -1), ("ridge", 0)])
def test_settings_out_of_range_are_named(checkerboard, setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value} is not allowed"):
        LinUCB(checkerboard(), **{setting: value})
