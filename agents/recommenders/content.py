"""More like what this person liked, here and now: profiles over item features."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from recsim_env.agents.core.features import CONTEXT_FIELDS
from recsim_env.agents.core.transition import Observation
from recsim_env.agents.recommenders.embeddings import rows_or
from recsim_env.agents.recommenders.feature_profiles import (
    Examples,
    latest_features,
    ridge_coefficients,
    shrunk,
    standards,
    sums_before,
    sums_by,
)
from recsim_env.agents.recommenders.personal_recommender import PersonalRecommender
from recsim_env.agents.recommenders.recommender import Model, Query, nothing_recent
from recsim_env.data.interactions import Interactions
from recsim_env.envs import RecommendationVectorEnv


class ContentSession(NamedTuple):
    """What this session has shown so far, also as features.

    Attributes:
      recent, shown: as in `Session`.
      sums: (n, 2, F), features of what was shown, weighed by attention (0) and by click (1).
      counts: (n, 2), the sums of these weights.
      features: (n, slate_size, F), of what was shown last.
    """

    recent: np.ndarray
    shown: np.ndarray
    sums: np.ndarray
    counts: np.ndarray
    features: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class ContentQuery(Query):
    """A query that knows what the session has shown; see `ContentSession` for sums and counts."""

    sums: np.ndarray
    counts: np.ndarray


class Content(PersonalRecommender):
    """Shows the candidates whose features resemble what the person liked, here and now.

    Idea: an item is its features; a person is how much they liked each feature, ever and in this
      session, and what somebody like them wants at such a moment.
    Update: x are an item's features and g what is seen of person and moment (`user`, `context`,
      `history`), both standardised. p = sum e x / (sum a + prior_showings), over what the person
      was shown so far, and v likewise over this session, with a the attention to an item and
      e = liking - a r0 its surprise, r0 being the mean liking of what is looked at. Affinity is
      x·(b + B g + b_p * p + b_v * v), where * is by element. The b are the ridge regression of
      liking on this, each past row with the p and v of the time before it; 1 and g alone take part,
      so that good moments are not laid to the items. See `PersonalRecommender` for what is served.
      A stranger has only g and v, a new item its features.
    Cost: O(rows d² + d³) a fit with d = (G + 3) F + G + 1, for F features and G numbers of
      person and moment; O(G F + n_candidates F) a decision; 8 F bytes a person and an item, and
      4 (F + G) a row of the log.
    Source: Pazzani and Billsus 2007, "Content-based recommendation systems" (profiles); Rocchio
      1971, "Relevance feedback in information retrieval" (likes less passes); the products of
      person and item of Chu and Park 2009, "Personalized recommendation on dynamic content using
      predictive bilinear models".
    Differs: how far a profile is to be believed is learned, feature by feature. A log that tells of
      no passes gets as many rows as it has, of items drawn at random. While learning, a session
      counts twice between a refit and the session's end.

    Settings (defaults chosen on MusicStreaming and RatedCatalogue at 20,000 interactions):
      ridge: prior precision of the b, in rows (30).
      max_features: longest B g; where it is longer, g is left out (1,024).
      prior_showings, refit_every, exploration: see `PersonalRecommender`.
    """

    needs_users = needs_items = False
    needs_features = True
    knows_by_id = False
    logged_fields: ClassVar[tuple[str, ...]] = ("candidates", *CONTEXT_FIELDS)
    layout: ClassVar[Mapping[str, str]] = {
        **{name: "f F" for name in ("centre", "scale", "always", "person", "session")},
        **{name: "f g" for name in ("context_centre", "context_scale")},
        "context": "f g F",
        "profiles": "f U F+1",
        "catalogue": "f I F",
        "mean_liking": "f",
        "prior": "f",
    }
    defaults: ClassVar[Mapping[str, Any]] = {
        **PersonalRecommender.defaults,
        "ridge": 30.0,
        "max_features": 1_024,
    }

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.require("ridge", self.settings["ridge"] > 0, "more than 0")
        self.require("max_features", self.settings["max_features"] >= 0, "0 or more")

    # The model -----------------------------------------------------------------------------------

    @classmethod
    def fit_table(
        cls,
        table: Interactions,
        settings: Mapping[str, Any],
        *,
        seed: int,
        previous: Model | None = None,
    ) -> dict[str, np.ndarray]:
        """Returns the b, everybody's sums, and what standardises features."""
        centre, scale = standards(table.features)
        x = (table.features - centre) / scale
        n_features = x.shape[1]
        is_wide = table.context.shape[1] * n_features > settings["max_features"]
        context = table.context[:, :0] if is_wide else table.context
        context_centre, context_scale = standards(context)
        g = (context - context_centre) / context_scale
        catalogue = latest_features(table, x)
        examples = Examples.of(table, x, catalogue, seed)
        mean = examples.liking.sum() / examples.examination_probability.sum()
        surprise = table.liking - table.examination_probability * mean
        weights = np.column_stack([surprise[:, None] * x, table.examination_probability])
        prior = settings["prior_showings"]
        ever, now = (
            shrunk(sums_before(owner, table.slate, weights), prior)
            for owner in (table.user, table.session)
        )
        coefficients = ridge_coefficients(examples, (g, ever, now), settings["ridge"])
        parts = coefficients.reshape(-1, n_features)
        person, session = parts[-2], parts[-1]
        return {
            "centre": centre,
            "scale": scale,
            "context_centre": context_centre,
            "context_scale": context_scale,
            "always": parts[0],
            "context": parts[1:-2],
            "person": person,
            "session": session,
            "profiles": sums_by(table.user, weights, table.n_users),
            "catalogue": catalogue,
            "mean_liking": np.array(mean),
            "prior": np.array(prior),
        }

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns x·(b + B g + b_p * p + b_v * v)."""
        session = cls._visited(model, query)
        known = rows_or(model["profiles"], query.user, np.zeros(session.shape[1]))
        wanted = (
            model["always"]
            + model["person"] * shrunk(known + session, model["prior"])
            + model["session"] * shrunk(session, model["prior"])
        )
        if query.context is not None and len(model["context"]):
            g = (query.context - model["context_centre"]) / model["context_scale"]
            wanted = wanted + g @ model["context"]
        return np.asarray(np.matmul(_features(model, query), wanted[:, :, None])[:, :, 0])

    @staticmethod
    def _visited(model: Model, query: Query) -> np.ndarray:
        """Returns sums of surprise times features, and of examination, (n, F + 1)."""
        mean = model["mean_liking"]
        if isinstance(query, ContentQuery):
            weights = np.array([-mean, 1.0])
            sums = weights @ query.sums - (query.counts @ weights)[:, None] * model["centre"]
            return np.column_stack([sums / model["scale"], query.counts[:, 0]])
        is_liked = query.recent >= 0
        if not len(model["catalogue"]):
            return np.zeros((len(is_liked), len(model["centre"]) + 1))
        liked = (model["catalogue"][query.recent] * is_liked[:, :, None]).sum(axis=1)
        return np.column_stack([(1.0 - mean) * liked, is_liked.sum(axis=1)])

    def model_sizes(self, model: Model) -> dict[str, int]:
        """Returns the sizes that its log and its people give a model."""
        known = super().model_sizes(model)
        is_wide = known["G"] * known["F"] > self.settings["max_features"]
        return known if is_wide else known | {"g": known["G"]}

    # The session
    # -----------------------------------------------------------------------------------

    def begin_state(self, n: int) -> Any:
        """Returns `n` sessions in which nothing was shown yet."""
        candidates: Any = self.env.scenario.schema.spaces["candidates"]
        shape = (n, self.slate_size, candidates.shape[-1])
        return ContentSession(
            recent=nothing_recent(n),
            shown=np.full((n, self.slate_size), -1),
            sums=np.zeros((n, 2, shape[-1])),
            counts=np.zeros((n, 2)),
            features=np.zeros(shape),
        )

    def next_state(self, state: Any, observation: Observation, episode_start: np.ndarray) -> Any:
        """Adds what was looked at and clicked since; a new episode starts from nothing."""
        state = super().next_state(state, observation, episode_start)
        if "response" not in observation:
            return state
        is_clicked = observation["response"][:, :, 0] > 0
        weights = np.stack(
            [self.env.scenario.examination_probability(is_clicked), is_clicked], axis=1
        )
        goes_on = ~episode_start[:, None]
        sums = (state.sums + np.matmul(weights, state.features)) * goes_on[:, :, None]
        return state._replace(sums=sums, counts=(state.counts + weights.sum(axis=2)) * goes_on)

    def remember(self, state: Any, observation: Observation, slates: np.ndarray) -> Any:
        """Keeps what is shown now, and its features."""
        rows = np.arange(len(slates))[:, None]
        shown = observation["candidates"][rows, slates].astype(np.float64)
        remembered: Any = super().remember(state, observation, slates)
        return remembered._replace(features=shown)

    def query(self, observation: Observation, state: Any) -> Query:
        """Returns who asks, for which candidates, after what in this session."""
        asked = super().query(observation, state)
        return ContentQuery(**vars(asked), sums=state.sums, counts=state.counts)


def _features(model: Model, query: Query) -> np.ndarray:
    """Returns standardised features of the candidates, (n, n_candidates, F)."""
    if query.features is not None:
        return np.asarray((query.features - model["centre"]) / model["scale"])
    catalogue = model["catalogue"]
    if query.item is not None:
        return np.asarray(catalogue[query.item])
    return np.broadcast_to(catalogue, (len(query.user), *catalogue.shape))
