"""What bandits with a linear model share: the model and its learning; they differ in acting."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.bandits.hybrid_model import HybridModel
from recsim_env.agents.bandits.linear_models import DisjointModel, LinearModel, SharedModel
from recsim_env.agents.core.features import JointFeatures
from recsim_env.agents.core.online import OnlineAgent
from recsim_env.agents.core.transition import Transition
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv

#: Names of the models.
MODELS = ("shared", "disjoint", "hybrid")

# How many numbers the largest array of a model may hold: 128 MiB.
_MAX_NUMBERS = 2**24


class LinearBandit(OnlineAgent):
    """An agent whose idea of the reward is a linear model; a subclass gives `scores`.

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

    Settings:
      model: "shared" (default), "disjoint" or "hybrid"; the latter two need n_items.
      ridge: prior precision of the weights (1).
      discount: share of an observation's weight that is left one interaction later (1, all of it).
      exploration: share of uniform slates while learning (0).
      context: False leaves `context` and `history` out of g (True).
      max_features: longest x that takes the full product (256).
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        "model": "shared",
        "ridge": 1.0,
        "discount": 1.0,
        "exploration": 0.0,
        "context": True,
        "max_features": 256,
    }

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.require("ridge", self.settings["ridge"] > 0, "more than 0")
        self.require("discount", 0 < self.settings["discount"] <= 1, "more than 0, up to 1")
        self.require("exploration", 0 <= self.settings["exploration"] <= 1, "0 to 1")
        self.require("max_features", self.settings["max_features"] >= 0, "0 or more")
        self.exploration = self.settings["exploration"]
        features = JointFeatures(
            self.env.scenario,
            max_features=self.settings["max_features"],
            context=self.settings["context"],
        )
        self.model = self._make_model(features)

    def _make_model(self, features: JointFeatures) -> LinearModel:
        """Returns the model that the settings name."""
        self.require("model", self.settings["model"] in MODELS, f"one of {', '.join(MODELS)}")
        return make_model(
            self.settings["model"],
            features,
            ridge=self.settings["ridge"],
            n_items=self.env.scenario.n_items,
        )

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where items have no observable features."""
        return needs_item_features(cls.__name__, scenario)

    def update(self, feedback: Transition) -> None:
        """Lets the past fade, and adds what was looked at."""
        if self.settings["discount"] < 1:
            self.model.fade(self.settings["discount"] ** len(feedback.rewards))
        self.model.add(feedback)

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns what the model learned."""
        return self.model.arrays()

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes back what `arrays` returned."""
        self.model.restore(arrays)


def needs_item_features(name: str, scenario: Scenario) -> str | None:
    """Returns a sentence where a scenario shows no features of candidates."""
    if "candidates" in scenario.space_fields():
        return None
    return (
        f"{name} needs item features, and {type(scenario).__name__} with these settings shows none"
    )


def make_model(name: str, features: JointFeatures, *, ridge: float, n_items: int) -> LinearModel:
    """Returns the model of that name, one of `MODELS`.

    Raises:
      ValueError: items have no ids, or there are too many of them, where each has its own weights.
    """
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
