"""The log holds exactly what was shown, and refits keep to their schedule."""

import numpy as np
import pytest

from recsim_env.agents.core.fitted import ImpressionLog
from recsim_env.agents.core.transition import Transition
from recsim_env.agents.recommenders.content import Content
from recsim_env.agents.recommenders.popularity import Popularity
from recsim_env.core.scenario import Scenario


def some_feedback(rng, n=5, slates=None):
    """Transition of two-item slates in the checkerboard, drawn at random."""
    clicked = rng.integers(0, 2, (n, 2, 1)).astype(np.float32)
    return Transition.of_step(
        Scenario(),
        observation={
            "user": rng.random((n, 2)).astype(np.float32),
            "candidates": rng.random((n, 10, 2)).astype(np.float32),
            "user_id": rng.integers(0, 60, n),
            "item_id": rng.integers(0, 80, (n, 10)),
        },
        slates=np.tile([3, 7], (n, 1)) if slates is None else slates,
        next_observation={"response": clicked},
        rewards=clicked.sum(axis=(1, 2)).astype(float),
        is_terminal=np.zeros(n, bool),
        is_over=np.zeros(n, bool),
        index=np.arange(n),
        begins=np.zeros(n, bool),
    )


def test_log_keeps_every_shown_item_in_order(checkerboard):
    log = ImpressionLog(checkerboard().scenario, ("candidates", "user"))
    rng = np.random.default_rng(0)
    batches = [some_feedback(rng, n) for n in (1, 6, 2, 40)]
    for feedback in batches:
        log.append(feedback)
    rows = [
        (feedback, i, place)
        for feedback in batches
        for i in range(len(feedback.slates))
        for place in range(2)
    ]
    assert len(log) == len(rows) == 98
    for row, (feedback, i, place) in enumerate(rows):
        shown = feedback.slates[i, place]
        assert log["user_id"][row] == feedback.observation["user_id"][i]
        assert log["item_id"][row] == feedback.observation["item_id"][i, shown]
        assert log["clicked"][row] == feedback.next_observation["response"][i, place, 0]
        assert log["reward"][row] == log["clicked"][row]
        assert np.array_equal(log["candidates"][row], feedback.observation["candidates"][i, shown])
        assert np.array_equal(log["user"][row], feedback.observation["user"][i])


def test_log_leaves_out_the_empty_place_of_a_repeated_item(checkerboard):
    log = ImpressionLog(checkerboard().scenario)
    log.append(some_feedback(np.random.default_rng(0), 2, np.array([[4, 4], [4, 5]])))
    assert len(log) == 3


def test_log_without_ids_says_so_by_minus_one(checkerboard):
    log = ImpressionLog(checkerboard(n_users=0, n_items=0).scenario)
    feedback = some_feedback(np.random.default_rng(0))
    del feedback.observation["user_id"], feedback.observation["item_id"]
    log.append(feedback)
    assert set(log["user_id"]) == set(log["item_id"]) == {-1}


def test_log_spends_25_bytes_a_row_and_at_most_twice_that(checkerboard):
    log = ImpressionLog(checkerboard().scenario)
    for _ in range(100):
        log.append(some_feedback(np.random.default_rng(0)))
    columns = set(log.state_dict()["rows"]) - {"n_added"}
    assert sum(log[name].itemsize for name in columns) == 25
    capacity = log["reward"].base.nbytes // 4
    assert len(log) == 1_000 <= capacity < 2_000


def test_slates_are_uniform_until_the_first_fit_and_refits_keep_their_schedule(checkerboard):
    env = checkerboard(num_envs=30)
    agent = Popularity(env, seed=1, refit_every=100, exploration=0.0)
    fits, fit = [], agent.fit
    agent.fit = lambda: fits.append(agent.num_timesteps) or fit()
    equal = []
    agent.learn(
        440,
        callback=lambda a: equal.append(
            not a.scores(a.interaction.observation, a.interaction.state, deterministic=True).any()
        ),
    )
    # Steps come by 30, but one in eleven of an environment's goes on beginning an episode.
    assert len(fits) == 4
    gaps = np.diff([0, *[steps + 30 for steps in fits[:3]]])
    assert ((gaps >= 100) & (gaps < 130)).all()
    assert agent.num_timesteps == 450 == len(agent.log) // 2
    assert equal[:3] == [True] * 3 and not any(equal[3:])


def test_nothing_clicked_yet_keeps_the_slates_uniform(checkerboard):
    env = checkerboard()
    agent = Popularity(env, refit_every=1)
    feedback = some_feedback(np.random.default_rng(0))
    feedback.next_observation["response"][:] = 0.0
    feedback.rewards[:] = 0.0
    agent.update(feedback)
    assert not agent.model
    assert not agent.scores(env.reset(seed=0)[0], None, deterministic=True).any()


@pytest.mark.parametrize(("exploration", "share"), [(0.0, 1.0), (1.0, 0.5)])
def test_exploration_is_the_share_of_uniform_slates(checkerboard, exploration, share):
    """Slots of 3,000 slates; the share of colour 1 is within 5 standard errors of what is due."""
    env = checkerboard(num_envs=3_000, is_alike=True)
    agent = Popularity(env, refit_every=3_000, exploration=exploration).learn(9_000)
    slates, _ = agent.predict(env.reset(seed=77)[0])
    shown = np.take_along_axis(env.expected_reward() > 0.5, slates, axis=1)
    offered = (env.expected_reward() > 0.5).mean()
    expected = share if exploration == 0.0 else offered
    assert abs(shown.mean() - expected) < (0.03 if exploration == 0.0 else 0.05)


def test_learning_in_two_goes_continues_the_log(checkerboard):
    agent = Content(checkerboard())
    agent.learn(320)
    agent.learn(320)
    assert len(agent.log) == 2 * agent.num_timesteps >= 2 * 640


def test_loaded_agent_goes_on_with_the_log(checkerboard, tmp_path):
    agent = Content(checkerboard()).learn(320)
    agent.save(tmp_path / "agent.npz")
    loaded = Content.load(tmp_path / "agent.npz", checkerboard())
    assert len(loaded.log) == len(agent.log)
    loaded.learn(320)
    assert len(loaded.log) == 2 * loaded.num_timesteps


@pytest.mark.parametrize(
    ("setting", "value"), [("refit_every", 0), ("exploration", 1.5), ("exploration", -0.1)]
)
def test_settings_out_of_range_are_named(checkerboard, setting, value):
    with pytest.raises(ValueError, match=f"{setting}={value} is not allowed"):
        Popularity(checkerboard(), **{setting: value})


def test_likes_are_rewards_in_units_of_a_typical_one(checkerboard):
    log = ImpressionLog(checkerboard().scenario)
    log.append(some_feedback(np.random.default_rng(0), 2))
    log["reward"][:] = [0.0, 2.0, 4.0, -1.0]
    assert log.table().liking.tolist() == [0.0, 2 / 3, 4 / 3, 0.0]
