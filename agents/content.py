"""More like what this person liked: profiles over item features."""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy import sparse

from recsim_env.agents.agent import Feedback, Observation
from recsim_env.agents.log_agent import LogAgent, rows_of
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenario import Scenario


class Visit(NamedTuple):
    """What an episode has shown so far of a person's taste.

    Attributes:
      sums: (n, 2, n_features), sums of the features of items passed over (0) and clicked (1).
      counts: (n, 2), how many items these are.
      shown: (n, slate_size, n_features), what was shown last.
    """

    sums: np.ndarray
    counts: np.ndarray
    shown: np.ndarray


class Content(LogAgent):
    """Shows the candidates whose features resemble what the person liked, not what they passed.

    Idea: a person is what they liked, less what they passed over; an item is its features.
    Update: with x the standardised features (minus the mean, over the standard deviation, of all
      candidates ever offered, so that the cosine tells directions of taste apart and not big
      features from small), and m the mean profile a like:
      profile = sum_logged w x + sum_visit w x + prior_likes m; score = cos(profile, x_candidate).
      w is, for a liked item in the log, its reward over that of a typical one; for a click in this
      visit 1; and for all others -skip_weight (sum of likes / number of others in the log).
      People without an id, or not in the log, start from the mean profile.
    Cost: O(rows n_features) a fit; O(n_candidates n_features) a decision; the log keeps the
      features of what was shown, the model a profile for every person in it.
    Source: Pazzani and Billsus 2007, "Content-based recommendation systems" (profiles);
      Rocchio 1971, "Relevance feedback in information retrieval" (likes less passes).
    Differs: while learning, a visit counts twice between a refit and the visit's end.

    Settings:
      prior_likes: how many likes the mean profile is worth (1).
      skip_weight: how much being passed over counts (1, at which all likes and all passes balance;
        at 0 somebody who likes nothing of what the mean profile offers is never understood).
      refit_every, exploration: see `LogAgent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **LogAgent.defaults,
        "prior_likes": 1.0,
        "skip_weight": 1.0,
    }
    logged_fields = ("candidates",)

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.require("prior_likes", self.settings["prior_likes"] > 0, "more than 0")
        self.require("skip_weight", self.settings["skip_weight"] >= 0, "0 or more")
        candidates: Any = env.scenario.space_fields()["candidates"]
        self._n_features = candidates.shape[-1]
        self._pool = np.zeros((3, self._n_features))  # count, sum, sum of squares

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where items have no observable features."""
        if "candidates" not in scenario.space_fields():
            return (
                f"content needs item features, and {type(scenario).__name__} with these settings "
                "shows none"
            )
        return None

    # The visit -----------------------------------------------------------------------------------

    def begin_state(self, n: int) -> Visit:
        """Returns `n` visits in which nothing was shown yet."""
        shown = np.zeros((n, self.slate_size, self._n_features))
        return Visit(np.zeros((n, 2, self._n_features)), np.zeros((n, 2)), shown)

    def next_state(
        self, state: Visit, observation: Observation, episode_start: np.ndarray
    ) -> Visit:
        """Adds what was clicked and passed over since; a new episode starts from nothing."""
        is_clicked = observation["response"][:, :, 0] > 0
        kinds = np.stack([~is_clicked, is_clicked], axis=1)
        goes_on = ~episode_start[:, None]
        sums = (state.sums + np.matmul(kinds, state.shown)) * goes_on[:, :, None]
        return Visit(sums, (state.counts + kinds.sum(axis=2)) * goes_on, state.shown)

    def remember(self, state: Visit, observation: Observation, slates: np.ndarray) -> Visit:
        """Keeps the features of what is shown now."""
        rows = np.arange(len(slates))[:, None]
        return state._replace(shown=observation["candidates"][rows, slates].astype(np.float64))

    # The model -----------------------------------------------------------------------------------

    def update(self, feedback: Feedback) -> None:
        """Adds to the log, and to the moments of what was offered."""
        offered = feedback.observation["candidates"].reshape(-1, self._n_features)
        offered = offered.astype(np.float64)
        self._pool += [np.full(self._n_features, len(offered)), offered.sum(0), (offered**2).sum(0)]
        super().update(feedback)

    def fit(self) -> dict[str, np.ndarray]:
        """Returns sorted `user_id`, their `profile`, the `mean_profile` and what visits need."""
        count, total, squares = self._pool
        centre = total / count
        deviation = np.sqrt(np.maximum(squares / count - centre**2, 0.0))
        scale = np.where(deviation > 1e-6 * np.maximum(1.0, np.abs(centre)), deviation, np.inf)
        weight, against = self.log.table().evidence(self.settings["skip_weight"])
        x = (self.log["candidates"] - centre) / scale
        known, row = np.unique(self.log["user_id"], return_inverse=True)
        by_user = sparse.csr_array((weight, (row, np.arange(len(row)))))
        return {
            "user_id": known,
            "profile": by_user @ x,
            "mean_profile": weight @ x / max(weight[weight > 0].sum(), 1e-12),
            "centre": centre,
            "scale": scale,
            "visit_weights": np.array([-against, 1.0]),
        }

    def fitted_scores(self, observation: Observation, state: Visit) -> np.ndarray:
        """Returns the cosines between profiles and candidates."""
        centre, scale = self.model["centre"], self.model["scale"]
        weights = self.model["visit_weights"]
        profile = self.settings["prior_likes"] * self.model["mean_profile"]
        profile = (
            profile + (weights @ state.sums - (state.counts @ weights)[:, None] * centre) / scale
        )
        if "user_id" in observation:
            row, is_known = rows_of(observation["user_id"], self.model["user_id"])
            profile += self.model["profile"][row] * is_known[:, None]
        x = (observation["candidates"] - centre) / scale
        products = np.einsum("nf,ncf->nc", profile, x)
        lengths = np.linalg.norm(profile, axis=1)[:, None] * np.linalg.norm(x, axis=2)
        return np.asarray(products / np.maximum(lengths, 1e-12))

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the model, the log and the moments of what was offered."""
        return super().arrays() | {"pool": self._pool}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes back what `arrays` returned."""
        super().restore(arrays)
        self._pool = np.array(arrays["pool"])
