"""Bandits over arms: a tally of everybody's or of each session, kept in batches."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.bandits.arms import Arms, SessionTallies, Tally
from recsim_env.agents.core.online import OnlineAgent
from recsim_env.agents.core.requirements import UnsuitableScenario
from recsim_env.agents.core.restoring import State, like, part, require_range, split
from recsim_env.agents.core.settings import AgentSettings, refusal
from recsim_env.agents.core.transition import Observation, Transition
from recsim_env.core.scenario import Scenario
from recsim_env.core.search import Search
from recsim_env.core.settings import setting
from recsim_env.envs import RecommendationVectorEnv


@dataclass(frozen=True, kw_only=True)
class ArmSettings(AgentSettings):
    """What bandits over arms are given."""

    arms: str = setting(
        "auto",
        choices=("auto", "item", "topic"),
        doc="what is chosen among: items, or topics (the scenario's category, as its candidates "
        "show it; items of a topic rank by their `quality` where they show one, else at random); "
        "auto: items where they have ids, else topics",
    )
    per: str = setting(
        "all",
        choices=("all", "session"),
        doc="whose tally it is: everybody's, or each session's own, which starts from nothing and "
        "sees responses, no rewards: an outcome is then a click; and as it is all that is known "
        "of a person, its index is served when `deterministic` too",
    )
    outcome: str = setting(
        "reward",
        doc="of what the tally is kept: \"reward\", an item's share of the slate's, or the name of "
        'a column of `response`, of which the first is "clicked"',
    )
    discount: float = setting(
        1.0,
        search=Search(choices=(0.999, 0.9999, 1.0)),
        above=0.0,
        high=1.0,
        doc="what is left of a tally after each interaction (a slate shown by anybody, or in the "
        "session); a batch is one moment: all of it fades together. It helps where what arms earn "
        "changes with the slates shown, and not where people of all days are served side by side, "
        "as in a calendar that sessions begin anywhere in",
    )
    prior_showings: float = setting(
        1.0,
        search=Search(0.3, 30.0, log=True),
        low=0.0,
        doc="showings that earn the mean of all arms, added to each arm's when served; 0 is the "
        "plain mean. An unknown arm earns that mean",
    )


class ArmAgent(OnlineAgent):
    """Base class of bandits that learn what each arm earns: an item, or all items of a topic.

    A subclass gives `index`. Outcomes beyond [0, 1] are brought into it, where an index needs
    that, by the range of all outcomes so far, which begins as [0, 1].
    """

    Settings = ArmSettings
    settings: ArmSettings

    #: What "auto" takes, the first that there is; at least one must be.
    preferred: ClassVar[tuple[str, ...]] = ("item", "topic")

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        columns = self.env.scenario.schema.column_names.get("response", ())
        outcomes = ("reward", "clicked", *columns[1:])
        if self.outcome not in outcomes:
            is_auto = self.Settings.defaults()["outcome"] == "auto"
            allowed = ("auto", *outcomes) if is_auto else outcomes
            raise refusal("outcome", self.outcome, f"one of {', '.join(allowed)}")
        self._column = outcomes.index(self.outcome) - 1  # -1: none, but the reward
        self.arms = self._chosen_arms()
        self.is_per_session = self.settings.per == "session"
        if self.is_per_session:
            self.memory = SessionTallies(
                self.arms,
                slate_size=self.slate_size,
                examined=self._examined,
                column=max(self._column, 0),
                discount=self.settings.discount,
            )
        self.tally = Tally.empty(1, 1 if self.is_per_session else self.arms.n_arms)
        self.range = np.array([0.0, 1.0])

    def _chosen_arms(self) -> Arms:
        """Returns the arms that the settings name.

        Raises:
          UnsuitableScenario: the scenario has none such.
        """
        scenario, kind = self.env.scenario, self.settings.arms
        kinds = [each for each in self.preferred if each in Arms.kinds(scenario)]
        kind = kinds[0] if kind == "auto" else kind
        if kind not in kinds:
            raise UnsuitableScenario(
                f"arms={kind!r} needs {kind}s that can be told apart, and "
                f"{type(scenario).__name__} with these settings shows none; use {kinds[0]!r}"
            )
        return Arms(scenario, kind)

    @property
    def outcome(self) -> str:
        """Of what the tally is kept."""
        return self.settings.outcome

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where candidates cannot be told apart as arms."""
        if not set(cls.preferred) & set(Arms.kinds(scenario)):
            wanted = " or ".join(f"{kind}s" for kind in cls.preferred)
            return (
                f"{cls.__name__} needs {wanted} that can be told apart, and "
                f"{type(scenario).__name__} with these settings shows none"
            )
        return None

    @abstractmethod
    def index(self, tally: Tally, arm: np.ndarray) -> np.ndarray:
        """Returns how much to show the arm of each candidate, (n, n_candidates), to learn well."""

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the arms' indices, or the best guesses of what they earn."""
        arm = self.arms.of(observation)
        tally = state.tally if self.is_per_session else self.tally
        is_served = deterministic and not self.is_per_session
        values = self.estimate(tally, arm) if is_served else self.index(tally, arm)
        return self.arms.ordered(values, observation)

    def estimate(self, tally: Tally, arm: np.ndarray) -> np.ndarray:
        """Returns the mean outcome of each candidate's arm, drawn to that of all arms."""
        total = tally.looks.sum(axis=1, keepdims=True)
        mean = tally.earned.sum(axis=1, keepdims=True) / np.where(total > 0, total, 1.0)
        prior = self.settings.prior_showings

        def smoothed(seen: Tally) -> np.ndarray:
            looks, earned = seen.looks + prior, seen.earned + prior * mean
            return np.where(looks > 0, earned / np.where(looks > 0, looks, 1.0), mean)

        return tally.look_up(smoothed, arm)

    def unit_mean(self, seen: Tally) -> np.ndarray:
        """Returns the mean outcome of arms, brought into [0, 1]; 0 where it is unknown."""
        low, high = self.range
        return np.clip((seen.mean - low * (seen.looks > 0)) / (high - low), 0.0, 1.0)

    def update(self, transition: Transition) -> None:
        """Adds what was looked at to everybody's tally."""
        weight = transition.examination_probability
        if self._column >= 0:
            outcome = transition.next_observation["response"][:, :, self._column].astype(float)
        else:
            outcome = transition.place_rewards
        if self.is_per_session and self._column <= 0:
            return
        told = outcome[weight > 0]
        self.range = np.array([told.min(initial=self.range[0]), told.max(initial=self.range[1])])
        if not self.is_per_session:
            arm = self.arms.shown(transition.observation, transition.slates)
            self.tally.add(arm, weight, outcome, discount=self.settings.discount)

    def _examined(self, clicked: np.ndarray) -> np.ndarray:
        """Returns how likely each place was looked at, where the agent acts now."""
        return self.env.scenario.examination_probability(clicked)

    def memory_bound(self) -> int:
        """Returns how many arms there are."""
        return self.arms.n_arms

    # Files ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns everybody's tally, and the range of outcomes, too."""
        return super().state_dict() | {"tally": self.tally._asdict(), "range": self.range}

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned."""
        own, rest = split(state, "tally", "range")
        super().load_state_dict(rest)
        tally = part(own, "tally")
        found = {name: like(tally, name, model) for name, model in self.tally._asdict().items()}
        for name in ("looks", "steps"):
            require_range(name, found[name], low=0.0)
        bounds = like(own, "range", self.range)
        require_range("range", bounds[:1], low=-np.inf, high=0.0)  # it grew from [0, 1]
        require_range("range", bounds[1:], low=1.0)
        self.tally, self.range = Tally(**found), bounds
