"""A linear model of the reward that is tried where it is unsure, or as often as it may be right."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsim_env.agents.bandits.linear_models import (
    DisjointModel,
    HybridModel,
    LinearModel,
    SharedModel,
)
from recsim_env.agents.core.features import JointFeatures
from recsim_env.agents.core.online import OnlineAgent
from recsim_env.agents.core.restoring import State, part, split
from recsim_env.agents.core.settings import ConstantExploration
from recsim_env.agents.core.transition import Observation, Transition
from recsim_env.core.search import Search
from recsim_env.core.settings import setting
from recsim_env.envs import RecommendationVectorEnv

# How many numbers the largest array of a model may hold: 128 MiB.
_MAX_NUMBERS = 2**24


@dataclass(frozen=True, kw_only=True)
class LinearSettings(ConstantExploration):
    """What bandits with a linear model are given."""

    ridge: float = setting(
        1.0, search=Search(0.1, 100.0, log=True), above=0.0, doc="prior precision of the weights"
    )
    discount: float = setting(
        1.0,
        above=0.0,
        high=1.0,
        doc="share of an observation's weight that is left one interaction later",
    )
    context: bool = setting(True, doc="whether g has `context` and `history`, too")
    max_features: int = setting(256, low=0, doc="longest x that takes the full product")


@dataclass(frozen=True, kw_only=True)
class RewardModelSettings(LinearSettings):
    """The same where the model is of rewards."""

    model: str = setting(
        "shared",
        choices=("shared", "disjoint", "hybrid"),
        doc="which items share weights; all but shared need n_items",
    )


class LinearBandit(OnlineAgent):
    """Base class of bandits with a linear model of the reward; a subclass gives `scores`.

    Model: "shared" is one vector of weights for all items, w·x with x = (1, g) ⊗ (1, f), where g
      is the person's `user`, `context` and `history`, and f the candidate's features (shorter where
      that is too long, see `JointFeatures`). "disjoint" has weights for every item id, w_i·(1, g).
      "hybrid" is the sum of both.
    Update: weighted least squares, exact. Every place of a slate is an observation of its share of
      the reward, whose weight c is how likely it was looked at: A += c x xᵀ, b += c r x. So a place
      that was surely not looked at teaches nothing. A batch of n people first lets the past fade,
      A <- ridge I + discount^n (A - ridge I), b <- discount^n b, and is then added as one moment:
      an observation that n interactions came after, in later batches, counts discount^n.
    Cost: for d numbers in x, m in (1, g), n people, C candidates and k items shown. Shared:
      learning O(d² k) a batch where 4 k <= d and O(d³) otherwise; variances O(n d² + n C |f|²);
      16 d² bytes. Disjoint: O(m³) an item shown; O(n C m²); 16 m² bytes an item. Hybrid: O(d³ +
      k m d²); O(n C d (d + m)); 16 (m² + m d) bytes an item. A discount below 1 costs
      O(m³) for every item of the catalogue, and O(d³), a batch.
    """

    Settings = LinearSettings
    settings: LinearSettings
    requires = ("item features",)

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        features = JointFeatures(
            self.env.scenario,
            max_features=self.settings.max_features,
            context=self.settings.context,
        )
        self.model = self.make_model(features)

    @abstractmethod
    def make_model(self, features: JointFeatures) -> LinearModel:
        """Returns the model, which has learned nothing."""

    def update(self, transition: Transition) -> None:
        """Lets the past fade, and adds what was looked at."""
        if self.settings.discount < 1:
            self.model.fade(self.settings.discount ** len(transition.rewards))
        self.model.add(transition)

    def state_dict(self) -> dict[str, Any]:
        """Returns what the model learned, too."""
        return super().state_dict() | {"model": self.model.state_dict()}

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned."""
        own, rest = split(state, "model")
        super().load_state_dict(rest)
        self.model.load_state_dict(part(own, "model"))


@dataclass(frozen=True, kw_only=True)
class LinUCBSettings(RewardModelSettings):
    """What `LinUCB` is given."""

    alpha: float = setting(
        1.0,
        search=Search(0.03, 3.0, log=True),
        low=0.0,
        doc="width of the confidence bound, in units of the reward's noise; with 0 and an "
        "exploration it is the linear epsilon-greedy rule",
    )


class LinUCB(LinearBandit):
    """Shows the candidates with the highest upper confidence bound of a linear model.

    Idea: the reward is linear in features of person and item; show what might be best.
    Update: score = w·x + alpha sqrt(xᵀ A⁻¹ x), where w = A⁻¹ b; "hybrid" has the variance of its
      sum under the root. A whole batch of people acts on one A. See `LinearBandit` for x, A and b.
    Cost: see `LinearBandit`.
    Source: Li, Chu, Langford and Schapire 2010, "A contextual-bandit approach to personalized news
      article recommendation": algorithm 1 is "disjoint", algorithm 2 "hybrid".
    Differs: "shared", the default, has one vector of weights for all items, as they carry features;
      an intercept; updates in batches; places of a slate count by how likely they were looked at.
    """

    Settings = LinUCBSettings
    settings: LinUCBSettings

    def make_model(self, features: JointFeatures) -> LinearModel:
        """Returns the model that the settings name."""
        return linear_model(self.settings, features, self.env.scenario.n_items)

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the mean reward of each candidate, with the bonus unless `deterministic`."""
        alpha = self.settings.alpha
        if deterministic or alpha == 0.0:
            return self.model.mean(observation)
        mean, variance = self.model.mean_and_variance(observation)
        return np.asarray(mean + alpha * np.sqrt(variance))


@dataclass(frozen=True, kw_only=True)
class LinThompsonSettings(RewardModelSettings):
    """What `LinThompson` is given."""

    v: float = setting(
        1.0,
        search=Search(0.03, 3.0, log=True),
        low=0.0,
        doc="the reward's noise, by which posterior deviations are multiplied",
    )


class LinThompson(LinearBandit):
    """Shows the candidates that are best under weights drawn from what is believed of them.

    Idea: show an item as often as it may be the best, given what was seen; then doubt explores.
    Update: for every decision w ~ N(A⁻¹ b, v² A⁻¹), score = w·x; all candidates of a decision share
      one draw. See `LinearBandit` for x, A and b.
    Cost: a decision draws d numbers more, O(d²), and a batch O(d³); see `LinearBandit`.
    Source: Agrawal and Goyal 2013, "Thompson sampling for contextual bandits with linear payoffs",
      which is "shared"; "disjoint" is the linear baseline of Riquelme, Tucker and Snoek 2018, "Deep
      Bayesian bandits showdown".
    Differs: v is set and not computed from a bound; people of a batch draw from one posterior; with
      "disjoint", the noise is fixed where Riquelme et al. infer it.
    """

    Settings = LinThompsonSettings
    settings: LinThompsonSettings
    draws_slates = "scores"

    def make_model(self, features: JointFeatures) -> LinearModel:
        """Returns the model that the settings name."""
        return linear_model(self.settings, features, self.env.scenario.n_items)

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the rewards under drawn weights, or where `deterministic` under their mean."""
        if deterministic:
            return self.model.mean(observation)
        return self.model.draw(observation, self.rng, scale=self.settings.v)


def linear_model(
    settings: RewardModelSettings, features: JointFeatures, n_items: int
) -> LinearModel:
    """Returns the model of rewards that settings name.

    Raises:
      ValueError: items have no ids, or there are too many of them, where each has its own weights.
    """
    name, ridge = settings.model, settings.ridge
    if name == "shared":
        return SharedModel(features, ridge)
    if not n_items:
        raise ValueError(f"model={name!r} needs items with ids; set n_items or use model='shared'")
    width = features.n_people if name == "disjoint" else features.n_features
    if n_items * features.n_people * width > _MAX_NUMBERS:
        raise ValueError(
            f"model={name!r} would keep {n_items:,} x {features.n_people} x {width} numbers, more "
            f"than {_MAX_NUMBERS:,}; lower n_items or max_features, or use context=False or "
            f"model={'disjoint' if name == 'hybrid' else 'shared'!r}"
        )
    model = DisjointModel if name == "disjoint" else HybridModel
    return model(features, ridge, n_items)
