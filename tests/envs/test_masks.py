"""What may be shown is told with every observation, in Gymnasium's forms."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers.vector import RecordEpisodeStatistics

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

#: Where all items are candidates, what was consumed cannot be shown.
WHOLE = {"n_items": 20, "n_candidates": 0, "max_slates": 20, "session_mean": 400.0}


def as_it_is(env):
    return env


def sets_of_items(env):
    return enumerate_slates(env, ordered=False)


def person(wrap, **settings):
    return add_action_mask(wrap(RecommendationEnv(RatedCatalogue, **WHOLE, **settings)))


@pytest.mark.parametrize("wrap", [as_it_is, sets_of_items])
def test_it_is_what_can_be_shown_and_what_spaces_take(wrap):
    env = person(wrap)
    env.action_space.seed(0)
    _, info = env.reset(seed=0)
    n_masked = 0
    for _ in range(25):
        mask, can = info["action_mask"], env.unwrapped.can_be_shown()
        assert mask.dtype == np.int8
        assert np.array_equal(mask.ravel().astype(bool), env.get_wrapper_attr("action_masks")())
        if wrap is as_it_is:
            assert mask.shape == (3, 20)
            assert np.array_equal(mask, np.tile(can, (3, 1)))
            action = env.action_space.sample(mask=tuple(mask))
            assert can[action].all()
        else:
            action = env.action_space.sample(mask=mask)
            assert can[env.get_wrapper_attr("form").table[action]].all()
        n_masked += (~can).sum()
        *_, terminated, truncated, info = env.step(action)
        if terminated or truncated:
            _, info = env.reset()
    assert n_masked > 10


@pytest.mark.parametrize("mode", AutoresetMode)
@pytest.mark.parametrize("wrap", [as_it_is, sets_of_items])
def test_batches_tell_what_single_environments_do(mode, wrap):
    settings = WHOLE | {"max_episode_steps": 5}
    inner = RecommendationVectorEnv(RatedCatalogue, num_envs=3, autoreset_mode=mode, **settings)
    batch = add_action_mask(wrap(RecordEpisodeStatistics(inner) if wrap is as_it_is else inner))
    singles = SyncVectorEnv([lambda: person(wrap, max_episode_steps=5)] * 3, autoreset_mode=mode)
    batch.action_space.seed(1)
    told = [env.reset(seed=4)[1] for env in (batch, singles)]
    n_ended = 0
    for _ in range(12):
        assert told[0]["_action_mask"].all()
        for name in ("action_mask", "_action_mask"):
            assert data_equivalence(told[0][name], told[1][name])
        actions = batch.action_space.sample()
        results = [env.step(actions) for env in (batch, singles)]
        told = [result[4] for result in results]
        ended = results[0][2] | results[0][3]
        n_ended += ended.sum()
        if mode == AutoresetMode.SAME_STEP and ended.any():
            assert "action_mask" not in told[0]["final_info"]
        if mode == AutoresetMode.DISABLED and ended.any():
            told = [env.reset(options={"reset_mask": ended})[1] for env in (batch, singles)]
    assert n_ended >= 6


def test_resets_of_some_are_silent_of_the_others():
    env = RecommendationVectorEnv(LongTermSatisfaction, num_envs=3, autoreset_mode="Disabled")
    batch = add_action_mask(env)
    batch.reset(seed=0)
    begins = np.array([True, False, True])
    _, infos = batch.reset(options={"reset_mask": begins})
    assert np.array_equal(infos["_action_mask"], begins)
    assert infos["action_mask"].sum(axis=1).tolist() == [10, 0, 10]
    assert batch.action_masks().all()
    assert batch.autoreset_mode == AutoresetMode.DISABLED


def test_gymnasium_s_checker_and_spec_take_it():
    made = gymnasium.make("recsim_env/InterestEvolution-v0", n_candidates=4, slate_size=2)
    env = add_action_mask(sets_of_items(made))
    with pytest.warns(UserWarning, match="has a wrapper applied to it"):  # as is meant here
        check_env(env, skip_render_check=True)
    again = gymnasium.make(env.spec)
    mask = again.reset(seed=0)[1]["action_mask"]
    assert mask.tolist() == [1] * 6


@pytest.mark.parametrize("wrap", [score_candidates, point_at_items, weigh_features])
@pytest.mark.parametrize("made", [RecommendationEnv, RecommendationVectorEnv])
def test_points_cannot_be_masked(wrap, made):
    with pytest.raises(TypeError, match="cannot be masked; use enumerate_slates"):
        add_action_mask(wrap(made(InterestEvolution)))


def test_other_environments_are_refused():
    with pytest.raises(TypeError, match="is not an environment of recsim_env"):
        add_action_mask(gymnasium.make("CartPole-v1"))
