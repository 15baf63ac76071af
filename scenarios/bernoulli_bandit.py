"""The textbook bandit: some items, each liked by the same unknown share of people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recsim_env.core.choice import (
    ORDERED_MODELS,
    choose,
    click_chance,
    model_code,
)
from recsim_env.core.fields import Layout, count
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import MOST_ITEMS, MOST_STEPS, setting

# Under the others, a slate's clicks are no function of the single items' chances alone.
CHOICES = tuple(name for name in ORDERED_MODELS if name != "always_first")


@dataclass(frozen=True, kw_only=True)
class BernoulliBandit(Scenario):
    """How much is lost before the best of a few unknown items is found?

    Users: all alike; nothing is known of them.
    Items: `n_items`, of which `n_best` are clicked with chance `best` by whoever looks at them, and
      the others with chance `others`. `world_seed` decides which they are.
    Response: a person looks at the slate from the top (`choice`), and clicks an item looked at with
      its chance, independently of all else.
    Change: none, unless `change_every` is set: then, after every so many slates of a session, each
      item takes the chance of the next one, and the last that of the first.
    Observation: `response` (slate_size, 1) of the last slate: clicked; `item_id`. By default the
      whole catalogue is offered at every step, in order. The info has `regret`: how many clicks the
      last slate was expected to lose against the best one.
    Action: indices of the `slate_size` candidates to show, the top one first.
    Reward: number of clicks; under "cascade" at most one.
    End: truncated after `horizon` steps.

    Realism: none; here, and nowhere else, the least possible regret is known. Of a slate of one,
      for an agent that is good in every such world, sum over items of gap ln T / kl(chance, best)
      after T slates, as T grows (Lai and Robbins 1985): by default 22.2 ln T, where uniform slates
      lose 0.18 T.

    Reference returns (clicks a session of 100 steps): uniform 42, oracle 60; with slate_size 3 the
      oracle's 85.6 are the chance of at least one click, 1 - 0.4 · 0.6², a step.

    Source: Lai and Robbins 1985, "Asymptotically efficient adaptive allocation rules"; with slates,
      the cascading bandit B_LB of Kveton et al. 2015.
    Differs: reading may also stop without a click (`examination` below 1).
    Versions: v0.
    """

    n_candidates: int = 0
    n_items: int = setting(10, low=1)
    horizon: int = 100
    best: float = setting(0.6, above=0, below=1, doc="chance of a click on the best items")
    others: float = setting(0.4, above=0, below=1, doc="on the others, at most `best`")
    n_best: int = setting(1, low=1, high=MOST_ITEMS, doc="how many items are the best")
    change_every: int = setting(
        0, low=0, high=MOST_STEPS, doc="slates after which items change chances; 0 is never"
    )
    choice: str = setting(
        "cascade",
        choices=CHOICES,
        doc="see `recsim_env.core.choice`; of a slate of one they are the same",
    )
    examination: float = setting(1.0, low=0, high=1, doc="chance of looking at the next place")

    view: ClassVar[Any] = "recsim_env.scenarios.views.bernoulli_bandit"
    pays: ClassVar[str] = "clicks"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("n_best", self.n_best <= self.n_items, "1 to n_items")
        self.require("others", self.others <= self.best, f"at most best={self.best}")

    def user_layout(self) -> Layout:
        """How many slates there were, and what the last one lost."""
        return {"n_slates": count(int), "regret": float}

    def item_layout(self) -> Layout:
        """Its number."""
        return {"number": int}

    def info_layout(self) -> Layout:
        """What the last slate lost."""
        return {"regret": float}

    def derived(self) -> Mapping[str, Any]:
        """The choice model's code, log-odds of a click, and the clicks that the best slate gets."""
        chances = self.chances()
        attraction = np.sort(chances)[::-1][: self.slate_size]
        stay = self.examination * (1.0 - attraction if self.choice == "cascade" else 1.0)
        reach = np.cumprod(np.append(1.0, np.broadcast_to(stay, attraction.shape)[:-1]))
        return {
            "choice": model_code(self.choice),
            "no_click_score": 0.0,
            "min_normalizer": 0.0,
            "scores": np.log(chances) - np.log1p(-chances),
            "most_clicks": float(reach @ attraction),
        }

    def chances(self) -> np.ndarray:
        """Returns the chance of a click on each item that is looked at, (n_items,), at first."""
        chances = np.full(self.n_items, self.others)
        order = np.random.default_rng(self.world_seed).permutation(self.n_items)
        chances[order[: self.n_best]] = self.best
        return chances

    def tables(self) -> Mapping[str, np.ndarray]:
        """The items."""
        items = np.zeros(self.n_items, self.schema.dtypes["item"])
        items["number"] = np.arange(self.n_items)
        items.flags.writeable = False
        return {"items": items}

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        """Looks and clicks."""
        for place in range(len(slate)):
            if slate[place] >= 0:
                response[place].score = score_of(config, user, items[slate[place]])
        choose(config, slate, response, rng)
        n_clicks = 0.0
        user.n_slates += 1
        user.regret = config.most_clicks
        for place in range(len(slate)):
            n_clicks += 1.0 if response[place].clicked else 0.0
            user.regret -= response[place].probability
        return n_clicks, False

    @staticmethod
    def report(config, user, items, info):
        """Says what the last slate lost."""
        info.regret = user.regret

    @staticmethod
    def expected_reward(config, user, item):
        """Returns the chance of a click."""
        return click_chance(config, score_of(config, user, item))


def score_of(config, user, item):
    """Returns the log-odds of a click on an item that is looked at, as things stand."""
    n_changes = user.n_slates // config.change_every if config.change_every > 0 else 0
    return config.scores[(item.number + n_changes) % config.n_items]
