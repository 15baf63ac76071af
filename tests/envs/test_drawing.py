"""A painter that goes on from step to step draws what a new one would."""

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason='needs pip install "recsim-env[plots]"')

from recsim_env.envs import RecommendationEnv
from recsim_env.envs.drawing import StepPainter
from recsim_env.envs.render import scene


@pytest.mark.parametrize(
    "name",
    ["Boredom", "CreatorEconomy", "InterestEvolution", "NewsFeed", "OrganicShopping", "ShortVideo"],
)
def test_a_kept_figure_shows_the_same_picture_as_a_new_one(name):
    env = RecommendationEnv(name, render_mode="rgb_array")
    env.reset(seed=3)
    env.render()
    for place in range(3):
        before = env._simulator.slots.copy()
        slate = np.arange(place, place + env.scenario.slate_size)
        _, reward, *_ = env.step(slate if len(slate) > 1 else place)
        shown = scene(env.scenario, before, env._simulator.slots, env._simulator.items, reward)
        kept, new = env.render(), StepPainter().draw(shown)
        assert kept.shape == (400, 800, 3)
        assert np.abs(kept.astype(int) - new).mean() < 0.2


def test_a_view_that_draws_everything_anew_leaves_nothing_of_earlier_steps(monkeypatch):
    class View:
        @staticmethod
        def draw_state(scenario, axes, user, items):
            axes.bar([0, 1], [user["interest"][0], 1.0])
            axes.twinx().plot([0, 1], user["interest"][:2])

    env = RecommendationEnv("InterestEvolution", render_mode="rgb_array")
    monkeypatch.setattr(type(env.scenario), "view", View)
    env.reset(seed=3)
    painter = StepPainter()
    for place in range(3):
        before = env._simulator.slots.copy()
        _, reward, *_ = env.step(np.arange(place, place + env.scenario.slate_size))
        shown = scene(env.scenario, before, env._simulator.slots, env._simulator.items, reward)
        assert np.abs(painter.draw(shown).astype(int) - StepPainter().draw(shown)).mean() < 0.2
