"""The wheel: a large payoff that only those find who try again where it seemed not worth it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recsim_env.core.choice import RESPONSE_FIELDS, always_first
from recsim_env.core.fields import Layout, shown
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import LARGE, setting
from recsim_env.core.streams import MAX_NORMAL, normal, uniform

_N_ARMS = 5


@dataclass(frozen=True, kw_only=True)
class WheelBandit(Scenario):
    """Does it explore for as long as it takes, when what is worth finding is rare?

    Users: nobody in particular; each decision comes with a point (x, y), uniform in the unit disk.
    Items: five arms, always the same, offered in their order: 0 is the safe one, and 1 to 4 belong
      to the quadrants x > 0, y > 0; x > 0, y <= 0; x <= 0, y > 0; x <= 0, y <= 0.
    Response: always a payoff, normal with `payoff_sd` around `safe_mean` from arm 0, and from the
      others around `poor_mean`, but around `rich_mean` from the quadrant's own arm where the point
      lies outside of the circle of radius `delta`.
    Change: none; every decision is a new point.
    Observation: `context` (2): x, y; `candidates` (5, 5): which arm it is, one-hot; `response`
      (1, 2) of the last decision: chosen (1), payoff; `item_id` (5). The info has `regret`: what
      the last decision was expected to lose against the best arm.
    Action: the arm, 0 to 4.
    Reward: the payoff.
    End: truncated after `horizon` decisions, which are independent of each other.

    `world_seed` and `n_users` do nothing here.

    Reference returns, a decision, in closed form: uniform delta² (safe + 4 poor) / 5 + (1 - delta²)
      (safe + 3 poor + rich) / 5, which is 8.39 at the defaults; oracle delta² safe + (1 - delta²)
      rich, 37.8. So uniform's regret is 0.16 delta² + 39.16 (1 - delta²).

    `expected_reward` is exact.

    Source: Riquelme, Tucker and Snoek 2018, "Deep Bayesian bandits showdown" (arXiv 1802.09127),
      section 5.4, with its numbers.
    Differs: points on the axes belong to a quadrant; decisions are counted off in episodes.
    Versions: v0.
    """

    n_items: int = setting(_N_ARMS, low=_N_ARMS, high=_N_ARMS, why="the wheel's arms")
    n_candidates: int = setting(_N_ARMS, low=_N_ARMS, high=_N_ARMS, why="the wheel's arms")
    slate_size: int = setting(1, high=1, why="one arm is pulled at a time")
    horizon: int = 100
    delta: float = setting(
        0.5, low=0, high=1, doc="the radius: the share delta² of points is best served by arm 0"
    )
    safe_mean: float = setting(1.2, low=-LARGE, high=LARGE, doc="payoff of the safe arm")
    poor_mean: float = setting(1.0, low=-LARGE, high=LARGE, doc="of the others where not rich")
    rich_mean: float = setting(50.0, low=-LARGE, high=LARGE, doc="of the quadrant's arm outside")
    payoff_sd: float = setting(0.01, low=0, high=LARGE, doc="around these means")

    view: ClassVar[Any] = "recsim_env.scenarios.views.wheel_bandit"
    is_one_person: ClassVar[bool] = False
    state_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {"context": ("x", "y")}
    choice: ClassVar[str] = "always_first"

    def user_layout(self) -> Layout:
        """The point, and what the last decision lost."""
        x, y = shown(float, -1, 1, under="context"), shown(float, -1, 1, under="context")
        return {"x": x, "y": y, "regret": float}

    def item_layout(self) -> Layout:
        """Which arm it is."""
        return {"arm": shown(int, 0, _N_ARMS - 1, one_hot=True)}

    def response_layout(self) -> Layout:
        """The choice, and the payoff, which is 0 where nothing was chosen yet."""
        means = (0.0, self.safe_mean, self.poor_mean, self.rich_mean)
        margin = MAX_NORMAL * self.payoff_sd
        payoff = shown(float, min(means) - margin, max(means) + margin)
        return RESPONSE_FIELDS | {"clicked": shown(bool, names="chosen"), "payoff": payoff}

    def info_layout(self) -> Layout:
        """What the last decision lost."""
        return {"regret": float}

    def tables(self) -> Mapping[str, np.ndarray]:
        """The arms."""
        items = np.zeros(_N_ARMS, self.schema.dtypes["item"])
        items["arm"] = np.arange(_N_ARMS)
        items.flags.writeable = False
        return {"items": items}

    @staticmethod
    def begin_episode(config, user, items, rng):
        """Draws the first point."""
        move(user, rng)

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        """Pays, and draws the next point."""
        place = always_first(slate, response)
        mean = mean_payoff(config, user, items[slate[place]])
        best = mean
        for arm in range(len(items)):
            best = max(best, mean_payoff(config, user, items[arm]))
        user.regret = best - mean
        payoff = mean + config.payoff_sd * normal(rng)
        response[place].payoff = payoff
        move(user, rng)
        return payoff, False

    @staticmethod
    def report(config, user, items, info):
        """Tells what the last decision lost."""
        info.regret = user.regret

    @staticmethod
    def expected_reward(config, user, item):
        """Returns the expected payoff of an arm at this point."""
        return mean_payoff(config, user, item)


def move(user, rng):
    """Draws a point uniformly in the unit disk: its radius is the root of a uniform number."""
    radius = math.sqrt(uniform(rng))
    angle = 2.0 * math.pi * uniform(rng)
    user.x = radius * math.cos(angle)
    user.y = radius * math.sin(angle)


def quadrant_arm(x, y):
    """Returns the arm that belongs to a point's quadrant, 1 to 4."""
    return 1 + (0 if x > 0.0 else 2) + (0 if y > 0.0 else 1)


def mean_payoff(config, user, item):
    """Returns what an arm pays on average at the person's point."""
    if item.arm == 0:
        return config.safe_mean
    is_out = user.x * user.x + user.y * user.y > config.delta * config.delta
    if is_out and item.arm == quadrant_arm(user.x, user.y):
        return config.rich_mean
    return config.poor_mean
