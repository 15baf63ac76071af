"""Chocolate and kale: what engages now, and what keeps people satisfied."""

import math
from dataclasses import dataclass
from typing import ClassVar

from recsim_env.core.choice import RESPONSE_FIELDS, always_first, attraction_probability
from recsim_env.core.fields import Layout, count, shown, within
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import LARGE, MAX_LOG, MAX_LOG_SD, MOST_STEPS, setting
from recsim_env.core.streams import lognormal, normal, uniform


@dataclass(frozen=True, kw_only=True)
class LongTermSatisfaction(Scenario):
    """Does a recommender give up clicks today for people who are content tomorrow?

    Users: a hidden satisfaction sigmoid(sensitivity z) in (0, 1).
    Items: a clickbait score c, uniform in [0, 1]: 1 is chocolate, 0 is kale. Fresh candidates at
      every step.
    Response: they always consume the first item of the slate. Engagement is log-normal; its
      logarithm has the mean (choc_mean c + kale_mean (1 - c)) satisfaction and the standard
      deviation choc_sd c + kale_sd (1 - c).
    Change: z <- memory z - 2 (c - 1/2) + N(0, innovation_sd).
    Observation: `candidates` (n_candidates, 1) clickbait; `response` (slate_size, 2) of the last
      slate: clicked, and engagement up to 100.
    Action: the index of the candidate to show (slate_size 1), or a slate of which the first counts.
    Reward: engagement, not clipped.
    End: terminated after `time_budget` steps.

    Published settings, id `recsim_env/RecSim-LongTermSatisfaction-v0`: sensitivity 0.01.
      Satisfaction stays within 1 % of 1/2, chocolate always wins, and nothing is to be learned.
      Kale begins to win above 0.3 ln((1 + sqrt(81)) / 8) = 0.067.

    Reference returns (published settings, 10 candidates): most clickbait 1115, uniform 950, least
      clickbait 792.

    `long_term_value` is the logarithm of the engagement that items of this clickbait score would
    get if nothing else were ever shown.

    Source: Ie et al. 2019, "RecSim" (arXiv 1909.04847), long_term_satisfaction (choc and kale).
    Differs: it follows RecSim's code where its text has other signs or calls the parameters of the
      logarithm means; the seed reaches every draw.
    Versions: v0.
    """

    sensitivity: float = setting(0.3, low=0, high=LARGE, doc="how strongly z moves satisfaction")
    memory: float = setting(0.7, low=0, below=1, doc="how much of z stays at each step")
    innovation_sd: float = setting(0.05, low=0, high=LARGE, doc="of the chance part of z")
    choc_mean: float = setting(5.0, low=-MAX_LOG, high=MAX_LOG, doc="log-engagement with chocolate")
    choc_sd: float = setting(1.0, low=0, high=MAX_LOG_SD, doc="its standard deviation")
    kale_mean: float = setting(4.0, low=-MAX_LOG, high=MAX_LOG, doc="log-engagement with kale")
    kale_sd: float = setting(1.0, low=0, high=MAX_LOG_SD, doc="its standard deviation")
    time_budget: int = setting(60, low=1, high=MOST_STEPS, doc="steps of an episode")

    choice: ClassVar[str] = "always_first"

    def user_layout(self) -> Layout:
        """Satisfaction, what it comes from, and the steps left."""
        return {"exposure": float, "satisfaction": within(float, 0, 1), "steps_left": count(int)}

    def item_layout(self) -> Layout:
        """How much of a clickbait it is."""
        return {"clickbait": shown(float, 0, 1)}

    def response_layout(self) -> Layout:
        """The choice, and the engagement, which is shown up to 100 as in RecSim."""
        return RESPONSE_FIELDS | {"engagement": shown(float, 0, clip=100)}

    @staticmethod
    def sample_item(config, item, rng):
        """Draws a clickbait score."""
        item.clickbait = uniform(rng)

    @staticmethod
    def begin_episode(config, user, items, rng):
        """Draws how satisfied the person comes."""
        user.exposure = (uniform(rng) - 0.5) / (1.0 - config.memory)
        user.satisfaction = satisfaction_of(config, user.exposure)
        user.steps_left = config.time_budget

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        """Consumes the first item; engages by satisfaction, which then moves."""
        place = always_first(slate, response)
        clickbait = items[slate[place]].clickbait
        mean = log_engagement(config, clickbait, user.satisfaction)
        sd = config.choc_sd * clickbait + config.kale_sd * (1.0 - clickbait)
        engagement = lognormal(rng, mean, sd)
        response[place].engagement = engagement
        innovation = config.innovation_sd * normal(rng)
        user.exposure = config.memory * user.exposure - 2.0 * (clickbait - 0.5) + innovation
        user.satisfaction = satisfaction_of(config, user.exposure)
        user.steps_left -= 1
        return engagement, user.steps_left <= 0

    @staticmethod
    def expected_reward(config, user, item):
        """Returns the expected engagement with the item now."""
        sd = config.choc_sd * item.clickbait + config.kale_sd * (1.0 - item.clickbait)
        return math.exp(log_engagement(config, item.clickbait, user.satisfaction) + sd * sd / 2.0)

    @staticmethod
    def long_term_value(config, user, item):
        """Returns the log-engagement in the steady state of showing only such items."""
        steady = -2.0 * (item.clickbait - 0.5) / (1.0 - config.memory)
        return log_engagement(config, item.clickbait, satisfaction_of(config, steady))


def satisfaction_of(config, exposure):
    """Returns the satisfaction that a weighted sum of past kale and chocolate leads to."""
    return attraction_probability(config.sensitivity * exposure, 0.0)


def log_engagement(config, clickbait, satisfaction):
    """Returns the mean of the logarithm of engagement."""
    mean = config.choc_mean * clickbait + config.kale_mean * (1.0 - clickbait)
    return mean * satisfaction
