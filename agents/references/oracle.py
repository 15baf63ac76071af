"""The ceilings: agents that look into the people they serve."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.core.acting import require_present
from recsim_env.agents.core.online import OnlineAgent, top_slates
from recsim_env.agents.core.settings import AgentSettings
from recsim_env.agents.core.transition import Observation
from recsim_env.core.settings import setting
from recsim_env.envs import RecommendationVectorEnv

#: With this ablated, an oracle knows nothing of whom it serves.
PERSON = "person"

# Others are caught at so many moments of their sessions, this many steps apart.
_N_MOMENTS, _MOMENT_STEPS = 4, 7


@dataclass(frozen=True, kw_only=True)
class OracleSettings(AgentSettings):
    """What `Oracle` is given."""

    ablate: str = setting(
        "",
        doc="a name of the scenario's `state_groups` that the oracle cannot see, or 'person' for "
        "all of the person; it then averages over what others are like there, and what it loses by "
        "that is what knowing it is worth; with none it sees everything",
    )
    n_marginal_samples: int = setting(32, low=1, doc="how many others, met under uniform slates")
    redundancy: bool = setting(
        True,
        is_new=True,
        doc="whether the worth of items is less beside others on the slate; without it, what is "
        "earned is what scores of single items can earn at best",
    )


class Oracle(OnlineAgent):
    """Shows the candidates with the highest immediate expected reward, by the true user state.

    Idea: what perfect knowledge of the person, without foresight, earns.
    Update: none; it reads `env.expected_reward()`, the scenario's privileged view.
    Cost: one call of the compiled `expected_reward` a batch.
    Source: the scenario.
    Differs: it ranks items one by one, so with several items on a slate that compete for one choice
      it is the best slate only where the choice is the best ranking's.
    """

    Settings = OracleSettings
    settings: OracleSettings
    requires: ClassVar[tuple[str, ...]] = ("expected reward",)
    is_privileged = True
    learns = False

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self._hidden = self._hidden_fields()
        if self._hidden:
            self.others = some_people(self.env, self.settings.n_marginal_samples, seed=seed)

    def _hidden_fields(self) -> tuple[str, ...]:
        """Returns the fields of a person that the settings hide."""
        if not self.settings.ablate:
            return ()
        scenario = self.env.scenario
        groups = {PERSON: scenario.schema.dtypes["user"].names or ()} | dict(scenario.state_groups)
        if self.settings.ablate not in groups:
            raise ValueError(
                f"ablate={self.settings.ablate!r} is no state group of {type(scenario).__name__}; "
                f"use one of {', '.join(sorted(groups))}"
            )
        return tuple(groups[self.settings.ablate])

    def set_env(self, env: RecommendationVectorEnv, *, another_world: bool = False) -> None:
        """Looks into another environment; see `Agent.set_env`."""
        before = self.env.scenario
        super().set_env(env, another_world=another_world)
        if self._hidden and self.env.scenario != before:
            self.others = some_people(self.env, self.settings.n_marginal_samples, seed=self.seed)

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the true values, (n, n_candidates), of the environment that it acts in.

        Raises:
          ValueError: it is asked about others than the people of that environment as they are now.
        """
        require_present(self.env, observation, type(self).__name__)
        return self.candidate_values()

    def candidate_values(self) -> np.ndarray:
        """Returns what the oracle ranks by, (num_envs, n_candidates)."""
        return self._average(self.env.expected_reward)

    def _judged(self, judge: Any, users: np.ndarray | None = None) -> np.ndarray:
        """Returns what `judge` says of candidates, of each by itself where that is asked for."""
        return np.asarray(judge(users, alone=not self.settings.redundancy))

    def _average(self, judge: Any) -> np.ndarray:
        """Returns what `judge` says, averaged over other people in all that is hidden."""
        if not self._hidden:
            return self._judged(judge)
        users = self.env.users
        total = np.zeros((self.env.num_envs, self.env.scenario.n_candidates))
        for member in self.others:
            for name in self._hidden:
                users[name] = member[name]
            total += self._judged(judge, users)
        return total / len(self.others)


def some_people(env: RecommendationVectorEnv, n: int, *, seed: int) -> np.ndarray:
    """Returns true states of `n` people at various moments under uniform slates, structured."""
    twin = env.twin(num_envs=-(-n // _N_MOMENTS), threads=1)
    rng = np.random.default_rng(seed)
    indifferent = np.zeros((twin.num_envs, env.scenario.n_candidates))
    twin.reset(seed=seed)
    moments = [twin.users]
    while len(moments) < _N_MOMENTS:
        for _ in range(_MOMENT_STEPS):
            twin.step(top_slates(indifferent, env.scenario.slate_size, rng))
        moments.append(twin.users)
    twin.close()
    return np.concatenate(moments)[:n]


class FarSighted(Oracle):
    """Shows the candidates with the highest long-term value, by the true user state.

    Idea: what a good policy that knows the person and thinks ahead earns; the scenario's
      `long_term_value` says how.
    Update: none.
    Cost: one call of the compiled `long_term_value` a batch.
    Source: the scenario.
    """

    requires: ClassVar[tuple[str, ...]] = ("long-term value",)

    def candidate_values(self) -> np.ndarray:
        """Returns the long-term value of each candidate."""
        return self._average(self.env.long_term_value)


@dataclass(frozen=True, kw_only=True)
class DiverseOracleSettings(OracleSettings):
    """What `DiverseOracle` is given."""

    discount: float = setting(
        0.7, above=0.0, high=1.0, doc="what an item keeps for each repetition of its category"
    )
    window: int = setting(5, low=1, doc="shown items that are remembered")


class DiverseOracle(Oracle):
    """Shows what has the highest immediate expected reward among what was not shown just now.

    Idea: variety as a rule of thumb, where people tire of what repeats; no model of how they do.
    Update: with c_i how many of the last `window` shown items, and of those before it on the slate,
      have item i's category: places are filled with argmax r_i discount ** c_i, r the expected
      reward.
    Cost: one call of the compiled `expected_reward` a batch.
    Source: the marginal relevance of Carbonell and Goldstein 1998, "The use of MMR,
      diversity-based reranking", with a shared category for similarity.
    Differs: a factor instead of a difference, so that one discount serves rewards of any unit.
    """

    Settings = DiverseOracleSettings
    settings: DiverseOracleSettings
    requires: ClassVar[tuple[str, ...]] = ("categories", "expected reward")
    draws_slates: ClassVar[str | None] = "slates"

    def begin_state(self, n: int) -> np.ndarray:
        """Returns the categories shown so far, (n, window): none, which is -1."""
        return np.full((n, self.settings.window), -1)

    def next_state(
        self, state: np.ndarray, observation: Observation, episode_start: np.ndarray
    ) -> np.ndarray:
        """Forgets what was shown before an episode began."""
        return np.where(episode_start[:, None], -1, state)

    def remember(
        self, state: np.ndarray, observation: Observation, slates: np.ndarray
    ) -> np.ndarray:
        """Adds the categories of what is shown."""
        shown = np.take_along_axis(self._categories(), slates, axis=1)
        return np.hstack([state, shown])[:, -self.settings.window :]

    def recommend(
        self, observation: Observation, state: np.ndarray, *, deterministic: bool
    ) -> np.ndarray:
        """Fills the places one by one."""
        value = self.scores(observation, state, deterministic=deterministic)
        category = self._categories()
        repeats = (state[:, :, None] == category[:, None, :]).sum(axis=1)
        rows, order = np.arange(len(value)), self.rng.random(value.shape)
        slates = np.empty((len(value), self.slate_size), np.int64)
        for place in range(self.slate_size):
            ranked = np.lexsort((order, -value * self.settings.discount**repeats))
            slates[:, place] = best = ranked[:, 0]
            repeats += category == category[rows, best][:, None]
            value[rows, best] = -np.inf
        return slates

    def _categories(self) -> np.ndarray:
        """Returns the category of each candidate, (num_envs, n_candidates)."""
        return np.asarray(self.env.items[self.env.scenario.category], np.int64)
