"""What a scenario reports reaches the infos of both environments, in Gymnasium's form."""

from dataclasses import dataclass

import numpy as np

from recsim_env.core.fields import shown
from recsim_env.core.scenario import Scenario
from recsim_env.core.streams import uniform
from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv
from recsim_env.testing import check_scenario


@dataclass(frozen=True, kw_only=True)
class Shop(Scenario):
    """Counts sales by kind of ware; a person leaves after three."""

    def user_layout(self):
        return {"sold": (int, 2), "luck": float}

    def item_layout(self):
        return {"kind": shown(int, 0, 1)}

    def info_layout(self):
        return {"sold": (int, 2), "luck": float, "n_sold": int, "is_done": bool}

    @staticmethod
    def sample_item(config, item, rng):
        item.kind = 1 if uniform(rng) < 0.5 else 0

    @staticmethod
    def begin_episode(config, user, items, rng):
        user.luck = uniform(rng)

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        user.sold[items[slate[0]].kind] += 1
        return 1.0, user.sold[0] + user.sold[1] >= 3

    @staticmethod
    def report(config, user, items, info):
        for kind in range(2):
            info.sold[kind] = user.sold[kind]
        info.luck = user.luck
        info.n_sold = user.sold[0] + user.sold[1]
        info.is_done = info.n_sold >= 3

    @staticmethod
    def expected_reward(config, user, item):
        return 1.0


def test_reports_pass_every_check():
    check_scenario(Shop)


def test_a_single_environment_reports_plain_values_at_reset_and_step():
    env = RecommendationEnv(Shop)
    _, before = env.reset(seed=0)
    assert before["n_sold"] == 0 and before["sold"].tolist() == [0, 0]
    for step in (1, 2, 3):
        *_, info = env.step(0)
        assert info["n_sold"] == info["sold"].sum() == step
        assert info["is_done"] is (step == 3)
        assert info["luck"] == before["luck"] == env.user["luck"]
        assert type(info["luck"]) is float and type(info["n_sold"]) is int
    assert before["sold"].tolist() == [0, 0]  # fresh memory each time


def test_a_masked_reset_reports_the_masked_only():
    env = RecommendationVectorEnv(Shop, num_envs=3, autoreset_mode="Disabled")
    env.reset(seed=0)
    env.step(np.zeros(3, int))
    _, infos = env.reset(options={"reset_mask": np.array([False, True, False])})
    assert infos["_luck"].tolist() == [False, True, False]
    assert (infos["luck"] > 0).tolist() == [False, True, False]


def test_the_last_report_of_an_episode_is_kept_under_same_step():
    env = RecommendationVectorEnv(Shop, num_envs=2, autoreset_mode="SameStep")
    env.reset(seed=0)
    for _ in range(3):
        *_, infos = env.step(np.zeros(2, int))
    assert infos["n_sold"].tolist() == [0, 0]
    assert infos["final_info"]["n_sold"].tolist() == [3, 3]
