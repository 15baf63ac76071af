"""More like what this person liked, here and now: profiles over item features."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from recsim_env.agents.core.features import CONTEXT_FIELDS
from recsim_env.agents.core.transition import Observation
from recsim_env.agents.recommenders.query import Fit, Model, Query, SessionItems
from recsim_env.agents.recommenders.recommender import Recommender, RecommenderSettings
from recsim_env.core.scenario import Scenario
from recsim_env.core.search import Search
from recsim_env.core.settings import LARGE, setting
from recsim_env.data.interactions import Interactions
from recsim_env.envs import RecommendationVectorEnv

# How many numbers the rows of one block of examples may hold.
_BLOCK_NUMBERS = 4_000_000


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


@dataclass(frozen=True, kw_only=True)
class ContentSettings(RecommenderSettings):
    """Settings of `Content`."""

    ridge: float = setting(
        30.0,
        search=Search(1.0, 1000.0, log=True),
        above=0.0,
        high=LARGE,
        doc="prior precision of the b, in rows",
    )
    max_features: int = setting(1_024, low=0, doc="longest B g; where it is longer, g is left out")


class _SessionFeatures(SessionItems):
    """Remembers also what features a session showed, and which of them were clicked."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario.slate_size)
        candidates: Any = scenario.schema.spaces["candidates"]
        self._scenario, self._shape = scenario, (scenario.slate_size, candidates.shape[-1])

    def begin(self, n: int) -> Any:
        """Returns `n` sessions in which nothing was shown yet."""
        return ContentSession(
            **super().begin(n)._asdict(),
            sums=np.zeros((n, 2, self._shape[1])),
            counts=np.zeros((n, 2)),
            features=np.zeros((n, *self._shape)),
        )

    def next(self, state: Any, observation: Observation, episode_start: np.ndarray) -> Any:
        """Adds what was looked at and clicked since; a new episode starts from nothing."""
        state = super().next(state, observation, episode_start)
        if "response" not in observation:
            return state
        is_clicked = observation["response"][:, :, 0] > 0
        weights = np.stack([self._scenario.examination_probability(is_clicked), is_clicked], axis=1)
        goes_on = ~episode_start[:, None]
        sums = (state.sums + np.matmul(weights, state.features)) * goes_on[:, :, None]
        return state._replace(sums=sums, counts=(state.counts + weights.sum(axis=2)) * goes_on)

    def showing(self, state: Any, observation: Observation, slates: np.ndarray) -> Any:
        """Keeps what is shown now, and its features."""
        rows = np.arange(len(slates))[:, None]
        shown = observation["candidates"][rows, slates].astype(np.float64)
        return super().showing(state, observation, slates)._replace(features=shown)


class Content(Recommender[ContentSettings]):
    """Shows the candidates whose features resemble what the person liked, here and now.

    Idea: an item is its features; a person is how much they liked each feature, ever and in this
      session, and what somebody like them wants at such a moment.
    Update: x are an item's features and g what is seen of person and moment (`user`, `context`,
      `history`), both standardised. p = sum e x / (sum a + prior_showings), over what the person
      was shown so far, and v likewise over this session, with a the attention to an item and
      e = liking - a r0 its surprise, r0 being the mean liking of what is looked at. Affinity is
      x·(b + B g + b_p * p + b_v * v), where * is by element. The b are the ridge regression of
      liking on this, each past row with the p and v of the time before it; 1 and g alone take part,
      so that good moments are not laid to the items. See `Personalization` for what is served.
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
    Defaults: chosen on MusicStreaming and RatedCatalogue at 20,000 interactions.
    """

    requires = ("item features",)
    infinite = ("fitting.model.scale", "fitting.model.context_scale")
    compared_with = "showings"
    logged_fields: ClassVar[tuple[str, ...]] = ("candidates", *CONTEXT_FIELDS)
    layout: ClassVar[Mapping[str, str]] = {
        **{name: "f F" for name in ("centre", "always", "person", "session")},
        "scale": "scale F",
        "context_centre": "f g",
        "context_scale": "scale g",
        "context": "f g F",
        "profiles": "f U F+1",
        "catalogue": "f I F",
        "mean_liking": "f",
        "prior": "scale",
    }
    Settings = ContentSettings

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.memory = _SessionFeatures(self.env.scenario)

    @classmethod
    def fit_table(cls, fit: Fit[ContentSettings]) -> dict[str, np.ndarray]:
        """Returns the b, everybody's sums, and what standardises features."""
        table, settings = fit.table, fit.settings
        centre, scale = _standards(table.features)
        x = (table.features - centre) / scale
        n_features = x.shape[1]
        is_wide = table.context.shape[1] * n_features > settings.max_features
        context = table.context[:, :0] if is_wide else table.context
        context_centre, context_scale = _standards(context)
        g = (context - context_centre) / context_scale
        catalogue = _latest_features(table, x)
        examples = _Examples.of(table, x, catalogue, fit.seed)
        mean = examples.liking.sum() / examples.examination_probability.sum()
        surprise = table.liking - table.examination_probability * mean
        weights = np.column_stack([surprise[:, None] * x, table.examination_probability])
        prior = settings.prior_showings
        ever, now = (
            _shrunk(_sums_before(owner, table.slate, weights), prior)
            for owner in (table.user, table.session)
        )
        coefficients = _ridge_coefficients(examples, (g, ever, now), settings.ridge)
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
            "profiles": _sums_by(table.user, weights, table.n_users),
            "catalogue": catalogue,
            "mean_liking": np.array(mean),
            "prior": np.array(prior),
        }

    @classmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns x·(b + B g + b_p * p + b_v * v)."""
        session = cls._visited(model, query)
        known = query.of_users(model["profiles"], np.zeros(session.shape[1]))
        wanted = (
            model["always"]
            + model["person"] * _shrunk(known + session, model["prior"])
            + model["session"] * _shrunk(session, model["prior"])
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
        is_wide = known["G"] * known["F"] > self.settings.max_features
        return known if is_wide else known | {"g": known["G"]}

    def query(self, observation: Observation, state: Any) -> Query:
        """Returns who asks, for which candidates, after what in this session."""
        asked = super().query(observation, state)
        return ContentQuery(**vars(asked), sums=state.sums, counts=state.counts)


def _features(model: Model, query: Query) -> np.ndarray:
    """Returns standardised features, (n, n_candidates, F), or (n_items, F) of the catalogue."""
    if query.features is not None:
        return np.asarray((query.features - model["centre"]) / model["scale"])
    return query.of_items(model["catalogue"])


@dataclass(frozen=True, eq=False)
class _Examples:
    """What the regression is about: row of the table, features, liking and attention."""

    row: np.ndarray
    x: np.ndarray
    liking: np.ndarray
    examination_probability: np.ndarray

    @classmethod
    def of(cls, table: Interactions, x: np.ndarray, catalogue: np.ndarray, seed: int) -> Self:
        """Returns the rows of a table; where all were liked, with passes drawn at random."""
        row = np.arange(len(table))
        if (table.liking <= 0).any():
            return cls(row, x, table.liking, table.examination_probability)
        pool = catalogue[np.unique(table.item)] if len(catalogue) else x
        drawn = pool[np.random.default_rng(seed).integers(0, len(pool), len(row))]
        return cls(
            np.append(row, row),
            np.vstack([x, drawn]),
            np.append(table.liking, np.zeros(len(row))),
            np.append(table.examination_probability, np.ones(len(row))),
        )


def _standards(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns means and standard deviations; infinite where a column never varies."""
    centre = values.mean(axis=0, dtype=np.float64)
    deviation = values.std(axis=0, dtype=np.float64)
    return centre, np.where(deviation > 1e-6 * np.maximum(1.0, np.abs(centre)), deviation, np.inf)


def _latest_features(table: Interactions, x: np.ndarray) -> np.ndarray:
    """Returns every item's features, (n_items, F), as seen last; a new one has the means, 0."""
    catalogue = np.zeros((table.n_items, x.shape[1]))
    if table.n_items:
        catalogue[table.item] = x
    return catalogue


def _sums_by(owner: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    """Returns the sum of the rows of each owner, (n, n_columns)."""
    return np.stack([np.bincount(owner, column, n) for column in values.T], axis=1)


def _sums_before(owner: np.ndarray, slate: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Returns the sum of the rows that the owner of each row had in earlier slates."""
    order = np.lexsort((slate, owner))
    is_first = np.append(True, np.diff(owner[order]) != 0)
    begins = is_first | np.append(True, np.diff(slate[order]) != 0)
    place = np.arange(len(order))
    total = np.vstack([np.zeros(values.shape[1]), np.cumsum(values[order], axis=0)])
    earlier = total[np.maximum.accumulate(np.where(begins, place, 0))]
    earlier -= total[np.maximum.accumulate(np.where(is_first, place, 0))]
    found = np.empty_like(earlier)
    found[order] = earlier
    return found


def _shrunk(sums: np.ndarray, prior: float | np.ndarray) -> np.ndarray:
    """Returns profiles: sums over what was shown, per showing and the prior's."""
    return np.asarray(sums[:, :-1] / (sums[:, -1:] + prior))


def _ridge_coefficients(
    examples: _Examples, described: tuple[np.ndarray, np.ndarray, np.ndarray], ridge: float
) -> np.ndarray:
    """Returns the coefficients of (x, g ⊗ x, p * x, v * x); those of 1 and g alone are dropped."""
    g, ever, now = described
    n_context, n_features = g.shape[1], examples.x.shape[1]
    size = (n_context + 3) * n_features + n_context + 1
    gram, moment = ridge * np.eye(size), np.zeros(size)
    step = max(1, _BLOCK_NUMBERS // size)
    for start in range(0, len(examples.row), step):
        block = slice(start, start + step)
        row, x = examples.row[block], examples.x[block]
        people = np.hstack([np.ones((len(row), 1)), g[row]])
        joint = (people[:, :, None] * x[:, None, :]).reshape(len(row), -1)
        columns = np.hstack([joint, ever[row] * x, now[row] * x, people])
        weighed = columns * examples.examination_probability[block, None]
        gram += columns.T @ weighed
        moment += examples.liking[block] @ weighed
    return np.asarray(np.linalg.solve(gram, moment)[: -n_context - 1])
