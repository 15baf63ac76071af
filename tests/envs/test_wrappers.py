"""Action wrappers against slates enumerated and ranked independently."""

import itertools

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import recsim_env  # registers the environments
from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv
from recsim_env.envs.wrappers import (
    add_action_mask,
    enumerate_slates,
    point_at_items,
    score_candidates,
    weigh_features,
)
from recsim_env.scenarios.interest_evolution import InterestEvolution
from recsim_env.scenarios.long_term_satisfaction import LongTermSatisfaction
from recsim_env.scenarios.rated_catalogue import RatedCatalogue

SETTINGS = {"n_candidates": 5, "slate_size": 2, "n_topics": 4}

WRAPPERS = {
    "ordered": lambda env: enumerate_slates(env),
    "unordered": lambda env: enumerate_slates(env, ordered=False),
    "scores": lambda env: score_candidates(env),
    "points": lambda env: point_at_items(env),
    "weights": lambda env: weigh_features(env),
}


def single(**changes) -> RecommendationEnv:
    return RecommendationEnv(InterestEvolution, **(SETTINGS | changes))


def batch(**changes) -> RecommendationVectorEnv:
    return RecommendationVectorEnv(InterestEvolution, **({"num_envs": 3} | SETTINGS | changes))


def shown(env, action, *, seed: int = 4):
    """Returns the slate that reaches the wrapped environment."""
    slates = []
    inner = env.env
    step = inner.step

    def noted(slate):
        slates.append(np.array(slate).tolist())
        return step(slate)

    inner.step = noted
    env.reset(seed=seed)
    env.step(action)
    return slates[0]


@pytest.mark.parametrize("ordered", [True, False])
def test_every_slate_has_one_number(ordered):
    choose = itertools.permutations if ordered else itertools.combinations
    expected = [list(slate) for slate in choose(range(5), 2)]
    env = enumerate_slates(single(), ordered=ordered)
    assert env.action_space == gymnasium.spaces.Discrete(len(expected))
    found = [
        shown(enumerate_slates(single(), ordered=ordered), number)
        for number in range(len(expected))
    ]
    assert found == expected


def test_one_item_is_its_own_number():
    env = enumerate_slates(RecommendationEnv(LongTermSatisfaction, n_candidates=7))
    assert env.action_space == gymnasium.spaces.Discrete(7)
    found = [shown(enumerate_slates(single(slate_size=1)), number) for number in range(5)]
    assert found == list(range(5))


def test_highest_scores_are_shown_best_first_and_ties_by_index():
    for scores in itertools.product([-1.0, 0.0, 1.0], repeat=5):
        expected = sorted(range(5), key=lambda index: (-scores[index], index))[:2]
        env = score_candidates(single())
        assert env.form.slates(np.array([scores]), None).tolist() == [expected]
    assert shown(score_candidates(single()), np.float32([0, 0.5, 0, 0.5, 1])) == [4, 1]


def test_nearest_items_are_shown_nearest_first_without_repeats():
    rng = np.random.default_rng(0)
    env = point_at_items(RecommendationEnv(RatedCatalogue, slate_size=4))
    observation, _ = env.reset(seed=2)
    for _ in range(15):
        point = rng.normal(size=env.action_space.shape).astype(np.float32)
        apart = [np.linalg.norm(row - point) for row in observation["candidates"].astype(float)]
        slate = env.form.slates(
            point[None], {name: value[None] for name, value in observation.items()}
        )[0]
        assert slate.tolist() == sorted(range(len(apart)), key=apart.__getitem__)[:4]
        observation, _, terminated, _, _ = env.step(point)
        if terminated:
            observation, _ = env.reset()


def test_the_largest_weighted_sums_are_shown_largest_first():
    rng = np.random.default_rng(0)
    env = weigh_features(RecommendationEnv(RatedCatalogue, slate_size=4))
    observation, _ = env.reset(seed=2)
    for _ in range(15):
        weights = rng.uniform(-1, 1, env.action_space.shape).astype(np.float32)
        sums = [float(np.dot(row.astype(float), weights)) for row in observation["candidates"]]
        batch = {name: value[None] for name, value in observation.items()}
        slate = env.form.slates(weights[None], batch)[0]
        assert slate.tolist() == sorted(range(len(sums)), key=lambda i: -sums[i])[:4]
        observation, _, terminated, _, _ = env.step(weights)
        if terminated:
            observation, _ = env.reset()


def test_points_have_the_limits_of_features():
    space = point_at_items(single()).action_space
    assert (space.low == 0).all()
    assert (space.high == 1).all()
    space = point_at_items(RecommendationEnv(RatedCatalogue), bound=3.0).action_space
    assert (space.low == -3).all()
    assert (space.high == 3).all()


@pytest.mark.parametrize("kind", WRAPPERS)
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_batch_equals_single_environments(kind, mode):
    wrap = WRAPPERS[kind]
    limit = {"max_episode_steps": 4}
    singles = SyncVectorEnv([lambda: wrap(single(**limit))] * 3, autoreset_mode=mode)
    together = wrap(batch(autoreset_mode=mode, **limit))
    assert together.single_action_space == singles.single_action_space
    assert together.action_space == singles.action_space
    assert together.observation_space == singles.observation_space
    assert together.metadata["autoreset_mode"] == together.autoreset_mode == mode
    singles.action_space.seed(1)
    expected, given = singles.reset(seed=9), together.reset(seed=9)
    for _ in range(15):
        assert data_equivalence(expected, given)
        if mode == AutoresetMode.DISABLED and len(given) == 5 and (given[2] | given[3]).any():
            mask = given[2] | given[3]
            expected = singles.reset(options={"reset_mask": mask.copy()})
            given = together.reset(options={"reset_mask": mask})
            continue
        actions = singles.action_space.sample()
        expected, given = singles.step(actions), together.step(actions)


@pytest.mark.parametrize("kind", WRAPPERS)
def test_gymnasium_accepts_the_wrapped_environment(kind):
    env = WRAPPERS[kind](single())
    env.action_space.seed(0)
    with pytest.warns(UserWarning, match="different from the unwrapped"):
        check_env(env, skip_render_check=True)


@pytest.mark.parametrize("kind", WRAPPERS)
def test_wraps_what_make_returns_and_keeps_what_it_has(kind):
    env = WRAPPERS[kind](gymnasium.make("recsim_env/InterestEvolution-v0", **SETTINGS))
    assert env.unwrapped.scenario.n_candidates == 5
    env.action_space.seed(0)
    env.reset(seed=1)
    for _ in range(5):
        assert env.observation_space.contains(env.step(env.action_space.sample())[0])
    many = WRAPPERS[kind](gymnasium.make_vec("recsim_env/InterestEvolution-v0", 2, **SETTINGS))
    assert many.unwrapped.scenario.n_candidates == 5


def test_too_many_slates_are_refused_with_a_remedy():
    with pytest.raises(ValueError, match=r"n_candidates=50 and slate_size=3 make 117,600 slates"):
        enumerate_slates(single(n_candidates=50, slate_size=3))
    with pytest.raises(ValueError, match=r"ordered=False \(19,600\), or use score_candidates"):
        enumerate_slates(single(n_candidates=50, slate_size=3))
    env = enumerate_slates(single(n_candidates=50, slate_size=3), ordered=False)
    assert env.action_space.n == 19_600


@pytest.mark.parametrize("number", [-1, 20])
def test_a_number_without_slate_is_refused(number):
    env = enumerate_slates(batch())
    env.reset(seed=0)
    with pytest.raises(
        ValueError, match=rf"action {number} \(environment 1\) is out of range; use 0 to 19"
    ):
        env.step(np.array([0, number, 3]))


@pytest.mark.parametrize("wrap", [score_candidates, point_at_items])
def test_numbers_that_are_not_finite_are_refused(wrap):
    env = wrap(batch())
    env.reset(seed=0)
    with pytest.raises(ValueError, match="not finite"):
        env.step(np.full(env.action_space.shape, np.nan, np.float32))
    with pytest.raises(ValueError, match="shape"):
        env.step(np.zeros((3, 9), np.float32))
    with pytest.raises(ValueError, match="bound=0"):
        wrap(batch(), bound=0)


def test_points_need_item_features():
    for env in (single(flat=True), RecommendationEnv(RatedCatalogue, n_item_features=0)):
        with pytest.raises(ValueError, match="needs the observation 'candidates'"):
            point_at_items(env)


def test_other_environments_are_refused():
    with pytest.raises(TypeError, match="not an environment of recsim_env"):
        score_candidates(gymnasium.make("CartPole-v1"))
    assert recsim_env.__version__


@pytest.mark.parametrize("make", [gymnasium.make, gymnasium.make_vec])
@pytest.mark.parametrize(
    "outer", [enumerate_slates, score_candidates, point_at_items, weigh_features]
)
def test_what_takes_other_actions_already_is_not_wrapped_again(make, outer):
    env = make("recsim_env/InterestEvolution-v0", n_candidates=3, slate_size=3)
    with pytest.raises(ValueError, match=f"{outer.__name__} needs .*takes Box.* already"):
        outer(score_candidates(env))


@pytest.mark.parametrize("make", [gymnasium.make, gymnasium.make_vec])
@pytest.mark.parametrize(
    "outer", [enumerate_slates, score_candidates, point_at_items, weigh_features]
)
def test_a_mask_of_slates_is_not_told_to_who_chooses_by_other_actions(make, outer):
    env = add_action_mask(make("recsim_env/InterestEvolution-v0", n_candidates=4, slate_size=2))
    with pytest.raises(ValueError, match=f"{outer.__name__} comes before add_action_mask"):
        outer(env)


@pytest.mark.parametrize("wrap", [enumerate_slates, point_at_items, weigh_features])
def test_what_is_no_environment_of_ours_is_refused(wrap):
    for env in (None, "recsim_env/InterestEvolution-v0", gymnasium.make("CartPole-v1")):
        with pytest.raises(
            TypeError, match=r"not an environment of recsim_env, .* gymnasium\.make"
        ):
            wrap(env)
