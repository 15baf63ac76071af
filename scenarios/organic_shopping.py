"""A shop whose customers browse on their own between recommendations."""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recsim_env.compiler.binding import noinline
from recsim_env.core.choice import MAX_EXPONENT
from recsim_env.core.fields import Layout, count, shown, within
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import LARGE, MOST_KINDS, setting
from recsim_env.core.streams import categorical, normal, uniform

# What somebody does next: look at products on their own, meet a recommendation, or leave.
ORGANIC, BANDIT, GONE = range(3)

# Views of one product are counted up to here; ln(1 + any count or time) is below the other.
_MAX_VIEWS = 32_767
_MAX_LOG = 50.0

_ENDLESS = "or the session never ends"

# See `OrganicShopping.flags`.
SHOWS_IDS = True


@dataclass(frozen=True, kw_only=True)
class OrganicShopping(Scenario):
    """What does free browsing tell of how people will respond to recommendations?

    Users: a taste w ~ N(0, taste_sd² I) in `n_factors` dimensions, the same whenever somebody
      returns.
    Items: the same `n_items` products always, with numbers for browsing (organic factors G, bias m)
      and for clicks on recommendations (bandit factors B, bias b). B = G and b = m, except that the
      rows of `flips` pairs of similar products are swapped: there, who looks at one clicks on the
      other. G ~ N(0, 1) and m ~ N(0, popularity_sd²) are those that RecoGym draws with
      random_seed = world_seed, bit for bit.
    Response: a recommended product is clicked with probability
      sigmoid(click_range sigmoid(2 sigmoid(click_slope x) - 2) - click_threshold), x = B w + b of
      the product: a bounded, flat function of how much they would like it.
    Change: somebody browsing views product i with probability ~ exp(G w + m)_i; then they meet a
      recommendation with probability `organic_to_bandit`, leave with `leave_probability`, or go on,
      and then w drifts by N(0, drift_sd² I). Somebody who met a recommendation browses again with
      probability `bandit_to_organic` (w drifts), leaves with `leave_probability`, or meets another
      one. A click always leads to browsing: the only thing that a recommendation changes.
    Observation: `context` (2): ln(1 + time so far), where each view and recommendation takes 1,
      and ln(1 + views since the last recommendation). `history` (n_items): how often the person
      viewed each product in this session. `last_views` (n_last_views, n_items): one-hot, the latest
      first.
      `candidates` (n_candidates, 3 + n_items): of each product ln(1 + the person's views), its
      share of their views, 1 / (1 + views since the last one of it) or 0 if there was none, and
      its id, one-hot, unless `show_ids` is off. `response` (1, 1): clicked. `user_id`; `item_id`.
      Tastes and the products' factors stay hidden.
    Action: the index of the product to recommend.
    Reward: 1 for a click, so that the mean reward is the click-through rate.
    End: terminated when the person leaves.

    Published settings, id `recsim_env/RecoGym-v1`: n_users 0, world_seed 42, flips 0, taste_sd 1,
      drift_sd 0.1, popularity_sd 3, click_threshold 6.

    Realism: of one product a time, shops see few clicks: 0.35 to 0.5 % in Saito et al. 2020 ("Open
      Bandit Dataset", a fashion shop), 0.45 to 2.9 % in RecoGym; boxes of several products get some
      per cent. The defaults, 2 to 12 %, are meant for the latter, so that some thousand sessions
      tell enough. Browsing in runs of 1 / 0.26 = 3.8 views, and 2 to 3.5 recommendations a view,
      are RecoGym's. Tastes that vary and drift more than there are assumed, so that people differ
      more than products do, and late views tell more than early ones. Ten products have no long
      tail: the most viewed gets 16 % of views, the least 0.5 % (29 % and 0.4 % in RecoGym-v1).

    Reference returns (clicks a session, with 95 % intervals, and click-through rate): uniform
      3.43 ± 0.09, 4.5 %; the best ranking for all 4.09 ± 0.11, 5.5 %; the person's own views as
      probabilities 4.47 ± 0.11, 6.1 %; the last viewed 4.56 ± 0.12, 6.2 %; the oracle 6.11 ± 0.15,
      8.8 %. RecoGym-v1: uniform 1.13 %; everybody's views as probabilities 1.36 %; with flips 1,
      the person's own views as probabilities 1.65 %; with flips 5, 1.31 %, and logistic regression
      on views and product, fitted to uniform recommendations, 1.7 %; with flips 10 of 20 products,
      0.82 % and 2.3 %. (RecoGym's notebooks: 1.09, 1.37, 1.66, 1.30, 1.72 to 1.76, 0.82, 2.33 %.)

    `expected_reward` is the click probability. There is no far-sighted view besides: all that a
    click leads to is browsing, during which some leave; sessions under the oracle are 8 % shorter.

    Source: Rohde et al. 2018, "RecoGym: a reinforcement learning environment for the problem of
      product recommendation in online advertising" (arXiv 1808.00720), in its version 1.
    Differs: people may return, with the taste they had. Who leaves before any recommendation, 1 in
      26, is not met here. The response to the last recommendation is observed. One probability of
      leaving serves both kinds of events. The products are RecoGym's, what people do is drawn anew.
    Versions: v0.
    """

    n_candidates: int = 0
    slate_size: int = setting(
        1, high=1, why="one product is recommended at a time; make more products n_items"
    )
    n_users: int = 500
    n_items: int = setting(10, low=2, high=MOST_KINDS)
    world_seed: int = setting(0, high=2**32 - 1, why="as NumPy's seeds are")
    n_factors: int = setting(5, low=1, high=MOST_KINDS, doc="of tastes and products")
    flips: int = setting(
        3,
        low=0,
        high=MOST_KINDS,
        doc="disjoint similar pairs that are swapped, if there are so many",
    )
    taste_sd: float = setting(1.5, low=0, high=LARGE, doc="of tastes between people")
    drift_sd: float = setting(0.3, low=0, high=LARGE, doc="of their drift; 0 is lasting tastes")
    popularity_sd: float = setting(4.0, low=0, high=LARGE, doc="of biases; 0 is factors alone")
    normalize_beta: bool = setting(False, doc="rows of B have length 1")
    organic_to_bandit: float = setting(0.25, low=1e-3, high=1, why=_ENDLESS, doc="after a view")
    bandit_to_organic: float = setting(0.05, low=0, high=1, doc="after no click")
    leave_probability: float = setting(0.01, above=0, high=1, why=_ENDLESS, doc="after any event")
    drift_in_bandit: bool = setting(False, doc="w drifts not only where browsing follows")
    irregular_time: bool = setting(
        False, doc="events take |N(0, 1)| of time instead of 1, and w drifts as much more or less"
    )
    click_slope: float = setting(0.3, low=0, high=LARGE, doc="0 is clicks without taste")
    click_range: float = setting(5.0, low=-LARGE, high=LARGE, doc="see Response")
    click_threshold: float = setting(4.5, low=-LARGE, high=LARGE, doc="see Response")
    n_last_views: int = setting(5, low=1, high=MOST_KINDS, doc="how many views are shown in order")
    show_ids: bool = setting(True, doc="candidates show which product they are")

    view: ClassVar[Any] = "recsim_env.scenarios.views.organic_shopping"
    pays: ClassVar[str] = "clicks"
    item_vector: ClassVar[str | None] = "organic_factors"
    state_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {"taste": ("taste",)}

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("organic_to_bandit", "bandit_to_organic"):
            fits = getattr(self, name) + self.leave_probability <= 1
            self.require(name, fits, "at most 1 - leave_probability")

    def working_bytes(self) -> int:
        """The last views that are shown, and the similarity of all pairs of products."""
        pairs = 32 * self.n_items**2 if self.flips else 0
        return 40 * self.n_last_views * self.n_items + 16 * self.n_factors * self.n_items + pairs

    def user_layout(self) -> Layout:
        """Taste, what was viewed and when, and the clock; `weights` is room to draw views in."""
        return {
            "taste": within(float, -1e20, 1e20, self.n_factors),
            "weights": (np.float32, self.n_items),
            "log_views": within(np.float32, 0, _MAX_LOG, self.n_items),
            "views": shown(np.int16, 0, _MAX_VIEWS, self.n_items, under="history"),
            "viewed_at": count(np.int32, self.n_items),
            "last_views": within(np.int32, -1, self.n_items - 1, self.n_last_views),
            "n_views": count(np.int32),
            "n_new_views": count(np.int32),
            "time": within(np.float32, 0, 1e20),
        }

    def contradictions(self, users: np.ndarray) -> Mapping[str, np.ndarray]:
        """No product was viewed more often, or later, than all together."""
        n_views = users["n_views"][:, None]
        return {name: np.any(users[name] > n_views, axis=1) for name in ("views", "viewed_at")}

    def item_layout(self) -> Layout:
        """How a product is viewed, and how it is clicked."""
        return {
            "organic_factors": (float, self.n_factors),
            "organic_bias": float,
            "bandit_factors": (float, self.n_factors),
            "bandit_bias": float,
        }

    def observation_layout(self) -> Mapping[str, Any]:
        """The time, views as counts and in order, and what the person's views say of candidates."""
        log, share = shown(float, 0, _MAX_LOG), shown(float, 0, 1)
        product = {"product": shown(float, 0, 1, self.n_items)}
        views = {"log_views": log, "view_share": share, "recency": share}
        return {
            "context": {"log_time": log, "log_new_views": log},
            "history": {},
            "last_views": (product, self.n_last_views),
            "candidates": views | (product if self.show_ids else {}),
        }

    def flags(self) -> Mapping[str, bool]:
        """Whether candidates show which product they are."""
        return {"SHOWS_IDS": self.show_ids}

    def tables(self) -> Mapping[str, np.ndarray]:
        """The products, as RecoGym draws them."""
        factors, bias = draw_products(
            self.world_seed, self.n_items, self.n_factors, self.popularity_sd
        )
        partner = flipped(factors, self.flips)
        items = np.zeros(self.n_items, self.schema.dtypes["item"])
        items["organic_factors"], items["organic_bias"] = factors, bias
        items["bandit_factors"], items["bandit_bias"] = factors[partner], bias[partner]
        if self.normalize_beta:
            lengths = np.sqrt((items["bandit_factors"] ** 2).sum(axis=1))
            items["bandit_factors"] /= lengths[:, None]
        items.flags.writeable = False
        return {"items": items}

    @staticmethod
    def sample_user(config, user, rng):
        """Draws a taste."""
        for factor in range(config.n_factors):
            user.taste[factor] = config.taste_sd * normal(rng)

    @staticmethod
    def begin_episode(config, user, items, rng):
        """Lets the person browse until the first recommendation."""
        for place in range(config.n_last_views):
            user.last_views[place] = -1
        _browse(config, user, items, rng)

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        """Clicks or not, and goes on to the next recommendation, to browsing, or away."""
        chance = click_probability(config, user, items[slate[0]])
        is_clicked = uniform(rng) < chance
        response[0].probability = chance
        response[0].clicked = is_clicked
        phase = next_phase(config.bandit_to_organic, ORGANIC, BANDIT, config, rng)
        pass_time(config, user, phase, rng)
        user.n_new_views = 0
        if is_clicked or phase == ORGANIC:
            phase = _browse(config, user, items, rng)
        return (1.0 if is_clicked else 0.0), phase == GONE

    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        """Shows the time, views in order, and what the person's views say of candidates."""
        observation.context.log_time = math.log1p(user.time)
        observation.context.log_new_views = math.log1p(user.n_new_views)
        for place in range(config.n_last_views):
            if user.last_views[place] >= 0:
                observation.last_views[place].product[user.last_views[place]] = 1.0
        share = 1.0 / max(1, user.n_views)
        for index in range(len(candidates)):
            product = candidates[index]
            seen = observation.candidates[index]
            if user.views[product] > 0:
                seen.log_views = user.log_views[product]
                seen.view_share = user.views[product] * share
                seen.recency = 1.0 / (1.0 + user.n_views - user.viewed_at[product])
            if SHOWS_IDS:
                seen.product[product] = 1.0

    @staticmethod
    def expected_reward(config, user, item):
        """Returns the probability of a click."""
        return click_probability(config, user, item)


@functools.lru_cache(maxsize=8)
def draw_products(
    seed: int, n_items: int, n_factors: int, popularity_sd: float
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the organic factors, (n_items, n_factors), and biases, (n_items,), of RecoGym."""
    rng = np.random.RandomState(seed)
    factors = rng.normal(size=(n_items, n_factors))
    bias = rng.normal(0, popularity_sd, size=(n_items, 1))
    return factors, bias[:, 0]


def flipped(factors: np.ndarray, n_flips: int) -> np.ndarray:
    """Returns which product's numbers each product takes when similar ones are swapped.

    From the most positively correlated pair down, pairs of products not swapped before are, until
    `n_flips` are or no positively correlated pair is left.
    """
    partner = np.arange(len(factors))
    if not n_flips:
        return partner
    correlation = factors @ factors.T
    rows, columns = np.triu_indices(len(factors), 1)
    similarity = correlation[rows, columns]
    is_free = np.ones(len(factors), bool)
    for pair in np.argsort(-similarity, kind="stable"):
        row, column = rows[pair], columns[pair]
        if similarity[pair] <= 0 or n_flips == 0:
            break
        if is_free[row] and is_free[column]:
            partner[row], partner[column] = column, row
            is_free[[row, column]] = False
            n_flips -= 1
    return partner


def sigmoid(x):
    """Returns 1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + math.exp(min(-x, MAX_EXPONENT)))


def click_probability(config, user, item):
    """Returns the chance that the person clicks the product when it is recommended."""
    x = item.bandit_bias
    for factor in range(config.n_factors):
        x += item.bandit_factors[factor] * user.taste[factor]
    lift = config.click_range * sigmoid(2.0 * sigmoid(config.click_slope * x) - 2.0)
    return sigmoid(lift - config.click_threshold)


def next_phase(change_probability, other, same, config, rng):
    """Returns what comes next: the `other` kind of event, an end, or the `same` kind."""
    draw = uniform(rng)
    if draw < change_probability:
        return other
    return GONE if draw < change_probability + config.leave_probability else same


def pass_time(config, user, phase, rng):
    """Moves the clock, and the taste of those who go on to browse."""
    elapsed = abs(normal(rng)) if config.irregular_time else 1.0
    user.time += elapsed
    if phase == ORGANIC or config.drift_in_bandit:
        for factor in range(config.n_factors):
            user.taste[factor] += config.drift_sd * elapsed * normal(rng)


@noinline
def _browse(config, user, items, rng):
    """Lets the person view products on their own; returns what ends it.

    Before the first recommendation nobody leaves: how long they browse is independent of what ends
    it, so that this is the law of those who meet one.
    """
    is_first = user.n_views == 0
    phase = ORGANIC
    while phase == ORGANIC:
        view(user, draw_view(config, user, items, rng))
        phase = next_phase(config.organic_to_bandit, BANDIT, ORGANIC, config, rng)
        if is_first and phase == GONE:
            phase = BANDIT
        pass_time(config, user, phase, rng)
    return phase


def draw_view(config, user, items, rng):
    """Returns a product, drawn from the softmax of how much the person likes to look at each."""
    highest = -math.inf
    for product in range(config.n_items):
        item = items[product]
        liking = item.organic_bias
        for factor in range(config.n_factors):
            liking += item.organic_factors[factor] * user.taste[factor]
        user.weights[product] = liking
        highest = max(highest, liking)
    for product in range(config.n_items):
        # Records round; where numbers are huge, the largest may end above the highest.
        user.weights[product] = math.exp(min(1.0, user.weights[product] - highest))
    return categorical(rng, user.weights)


def view(user, product):
    """Writes down that the person viewed a product."""
    user.n_views += 1
    user.n_new_views += 1
    user.viewed_at[product] = user.n_views
    if user.views[product] < _MAX_VIEWS:
        user.views[product] += 1
    user.log_views[product] = math.log1p(user.views[product])
    for place in range(len(user.last_views) - 1, 0, -1):
        user.last_views[place] = user.last_views[place - 1]
    user.last_views[0] = product
