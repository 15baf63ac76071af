"""Base class of recommenders: models of a table of interactions, fitted to a run's or to a log."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np

from recsim_env.agents.core.fitted import Fitting, FittingSettings, ImpressionLog
from recsim_env.agents.core.online import OnlineAgent
from recsim_env.agents.core.requirements import extra
from recsim_env.agents.core.restoring import State, fits, part, require_range, split, taken
from recsim_env.agents.core.transition import Observation, Transition
from recsim_env.agents.recommenders.personalization import Personalization, check_served
from recsim_env.agents.recommenders.query import (
    Fit,
    Model,
    Query,
    Session,
    SessionItems,
    places_of,
)
from recsim_env.core.search import Search
from recsim_env.core.settings import LARGE, setting
from recsim_env.envs import RecommendationVectorEnv


@dataclass(frozen=True, kw_only=True)
class RecommenderSettings(FittingSettings):
    """Settings of every recommender."""

    prior_showings: float = setting(
        5.0,
        search=Search(0.5, 50.0, log=True),
        above=0.0,
        high=LARGE,
        doc="how many showings the mean outcome and the average taste are worth",
    )


SettingsT = TypeVar("SettingsT", bound=RecommenderSettings)


class Recommender(OnlineAgent, Generic[SettingsT]):
    """A recommender that is a model of a table of interactions: of a run's, or of a real log.

    A subclass gives `fit_table` and `affinity`, which know nothing of environments. In a simulation
    it serves the candidates that suit best (see `Personalization`) and is fitted anew as its log
    grows (see `Fitting`); on a real log it is judged by `recsim-env rank`. Where items have no ids
    they have no outcomes of their own, and the affinity alone is served.
    """

    Settings: ClassVar[type[RecommenderSettings]] = RecommenderSettings
    settings: SettingsT

    requires: ClassVar[tuple[str, ...]] = ("user and item ids",)
    needs_every_field = True  # without ids all would be strangers, without a word

    #: Observation fields that the log keeps, where the scenario has them.
    logged_fields: ClassVar[tuple[str, ...]] = ()

    #: What an affinity is compared with to tell a person's taste: the average of "people", where
    #: they are known by their ids alone, so that a stranger is like the average; or of "showings".
    #: None: the affinity itself is served.
    compared_with: ClassVar[str | None] = "people"

    #: The optional library that it is fitted with; without it there is no such agent.
    fitted_with: ClassVar[str] = ""

    #: The arrays of `fit_table`, as `restoring.fits` takes them: I items, U people, F features of
    #: items and G numbers of the person and moment.
    layout: ClassVar[Mapping[str, str]] = {}

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        if self.fitted_with:
            extra(self.fitted_with, needed_by=type(self).__name__)
        self.memory = SessionItems(self.slate_size)
        self.fitting = Fitting(
            self.env.scenario, self.logged_fields, every=self.settings.refit_every
        )
        self.personalization: Personalization | None = None
        if self.compared_with is not None and self.env.scenario.n_items:
            self.personalization = Personalization(
                fit_table=self.fit_table,
                affinity=self.affinity,
                prior_showings=self.settings.prior_showings,
                compared_with=self.compared_with,
            )

    @classmethod
    @abstractmethod
    def fit_table(cls, fit: Fit[SettingsT]) -> dict[str, np.ndarray]:
        """Returns a model of a table, as named arrays.

        Raises:
          ValueError: more people or items than this model can hold, and the remedy.
        """

    @classmethod
    @abstractmethod
    def affinity(cls, model: Model, query: Query) -> np.ndarray:
        """Returns how well each item suits each person, (n, n_candidates), higher is better.

        All numbers are finite, for unknown people and items too.
        """

    @classmethod
    def check_fitted(cls, model: Model, sizes: Mapping[str, int]) -> None:
        """Raises ValueError unless arrays that are laid out well are what `fit_table` may return.

        Args:
          model: as laid out.
          sizes: of the log, by the names in `layout`.
        """

    # Learning ------------------------------------------------------------------------------------

    @property
    def log(self) -> ImpressionLog:
        """What was shown while learning."""
        return self.fitting.log

    @property
    def model(self) -> dict[str, np.ndarray]:
        """What was fitted to the log, who is in it, and what serving needs; empty at first."""
        return self.fitting.model

    def begin(self) -> None:
        """Notes that everybody's session begins anew."""
        self.log.end_sessions()

    def update(self, transition: Transition) -> None:
        """Adds to the log, and fits when it is time."""
        self.fitting.update(transition, self.fit)

    def finish(self) -> None:
        """Fits what came since the last fit."""
        self.fitting.finish(self.fit)

    def fit(self) -> dict[str, np.ndarray]:
        """Returns a model of the log, and what serving it needs."""
        fit = Fit[SettingsT](
            table=self.log.table(),
            settings=self.settings,
            seed=self.seed,
            user_ids=self.log.users(),
            previous=self.model or None,
        )
        if self.personalization is not None:
            return self.personalization.fit(fit)
        return {**self.fit_table(fit), "user_ids": fit.user_ids}

    # Serving -------------------------------------------------------------------------------------

    def scores(
        self, observation: Observation, state: Session, *, deterministic: bool
    ) -> np.ndarray:
        """Returns how much items suit people by the model; equal scores while there is none."""
        if not self.model:
            n = len(next(iter(observation.values())))
            return np.zeros((n, self.env.scenario.n_candidates))
        query = self.query(observation, state)
        if self.personalization is not None:
            return self.personalization.scores(self.model, query)
        return self.affinity(self.model, query)

    def query(self, observation: Observation, state: Session) -> Query:
        """Returns who asks, and for which candidates."""
        n = len(state.recent)
        user = np.full(n, -1)
        if "user_id" in observation:
            user = places_of(observation["user_id"], self.model["user_ids"])
        fields = [name for name in self.log.fields if name != "candidates"]
        context = [observation[name].reshape(n, -1) for name in fields]
        return Query(
            user=user,
            item=observation.get("item_id"),
            features=observation["candidates"] if "candidates" in self.log.fields else None,
            context=np.hstack(context) if context else None,
            recent=state.recent,
        )

    # Files ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns the model and the log, so that learning can go on."""
        return super().state_dict() | {"fitting": self.fitting.state_dict()}

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned."""
        own, rest = split(state, "fitting")
        super().load_state_dict(rest)
        self.fitting.load_state_dict(part(own, "fitting"), most_unfitted=self.num_timesteps)
        if self.model:
            self.check_model(self.model)

    def check_model(self, model: Model) -> None:
        """Raises ValueError unless a model could be of the log, by its shapes and indices."""
        sizes = self.model_sizes(model)
        if self.personalization is not None:
            check_served(model, sizes, n_rows=len(self.log))
            sizes |= {"U": len(model["served_met"])}
        fits(model, {**self.layout, "user_ids": "i P"}, sizes)
        self.check_fitted(model, sizes)
        ids, n_users = model["user_ids"], self.env.scenario.n_users
        require_range("user_ids", ids, low=0, high=n_users - 1)
        if (np.diff(ids) <= 0).any():
            raise ValueError("user_ids are not sorted, each once")

    def model_sizes(self, model: Model) -> dict[str, int]:
        """Returns the sizes that its log and its people give a model."""
        known = {"I": self.log.n_items, **self.log.n_columns}
        if self.env.scenario.n_users:
            known["U"] = known["P"] = len(taken(model, "user_ids"))
        return known | ({} if "U" in known else {"P": 0})

    def memory_bound(self) -> int:
        """Returns how many items there are."""
        return self.log.n_items
