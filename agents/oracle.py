"""The ceilings: agents that look into the people they serve."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.feedback import Observation
from recsim_env.agents.stepwise import StepwiseAgent, top_slates
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenario import Scenario

#: `without` this, an oracle knows nothing of whom it serves.
PERSON = "person"

# Members of the crowd are caught at so many moments of their visits, this many steps apart.
_N_MOMENTS, _MOMENT_STEPS = 4, 7


class Oracle(StepwiseAgent):
    """Shows the candidates with the highest immediate expected reward, by the true user state.

    Idea: what perfect knowledge of the person, without foresight, earns.
    Update: none; it reads `env.appeal()`, the scenario's privileged view.
    Cost: one call of the compiled `appeal` a batch.
    Source: the scenario.
    Differs: it ranks items one by one, so with several items on a slate that compete for one choice
      it is the best slate only where the choice is the best ranking's.

    Settings:
      without: a name of the scenario's `facets` that the oracle cannot see, or "person" for all of
        the person; it then averages over what a crowd of others is like there. What it loses by
        that is what knowing it is worth ("", sees everything).
      crowd: how many others, met under uniform slates (32).
    """

    defaults: ClassVar[Mapping[str, Any]] = {"without": "", "crowd": 32}

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self._hidden: tuple[str, ...] = ()
        without = self.settings["without"]
        if not without:
            return
        facets = {PERSON: env.scenario.dtypes()["user"].names or ()} | dict(env.scenario.facets())
        if without not in facets:
            raise ValueError(
                f"without={without!r} is no facet of {type(env.scenario).__name__}; use one of "
                f"{', '.join(sorted(facets))}"
            )
        self._hidden = facets[without]
        self._crowd = some_people(env, self.settings["crowd"], seed=seed)

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where the scenario does not say what people like."""
        if scenario.appeal is Scenario.appeal:
            return f"{type(scenario).__name__} defines no appeal(), so there is no oracle"
        return None

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the true values, (n, n_candidates), of the environment that it acts in."""
        values = self.look()
        n = len(next(iter(observation.values())))
        if len(values) != n:
            raise ValueError(
                f"{n} observations, but the oracle looks into {len(values)} environments; "
                "call set_env() with the environment it acts in"
            )
        return values

    def look(self) -> np.ndarray:
        """Returns what the oracle ranks by, (num_envs, n_candidates)."""
        return self._average(self.env.appeal)

    def _average(self, judge: Any) -> np.ndarray:
        """Returns what `judge` says, averaged over the crowd in all that is hidden."""
        if not self._hidden:
            return np.asarray(judge())
        users = self.env.users
        total = np.zeros((self.env.num_envs, self.env.scenario.n_candidates))
        for member in self._crowd:
            for name in self._hidden:
                users[name] = member[name]
            total += judge(users)
        return total / len(self._crowd)


def some_people(env: RecommendationVectorEnv, n: int, *, seed: int) -> np.ndarray:
    """Returns true states of `n` people at various moments under uniform slates, structured."""
    crowd = env.twin(num_envs=-(-n // _N_MOMENTS), threads=1)
    rng = np.random.default_rng(seed)
    indifferent = np.zeros((crowd.num_envs, env.scenario.n_candidates))
    crowd.reset(seed=seed)
    moments = [crowd.users]
    while len(moments) < _N_MOMENTS:
        for _ in range(_MOMENT_STEPS):
            crowd.step(top_slates(indifferent, env.scenario.slate_size, rng))
        moments.append(crowd.users)
    crowd.close()
    return np.concatenate(moments)[:n]


class FarSighted(Oracle):
    """Shows the candidates with the highest far-sighted worth, by the true user state.

    Idea: what a good policy that knows the person and thinks ahead earns; the scenario's `worth`
      says how.
    Update: none.
    Cost: one call of the compiled `worth` a batch.
    Source: the scenario.

    Settings:
      without, crowd: see `Oracle`.
    """

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where the scenario has no far-sighted reference."""
        if scenario.worth is None:
            name = type(scenario).__name__
            return f"{name} has no far-sighted reference; the oracle is its ceiling"
        return None

    def look(self) -> np.ndarray:
        """Returns the far-sighted worth of each candidate."""
        return self._average(self.env.worth)
