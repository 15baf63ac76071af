"""A plain function from what is seen to a slate, as an agent."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.core.settings import AgentSettings
from recsim_env.agents.core.slate_distribution import Listed, SlateDistribution
from recsim_env.agents.core.transition import Observation
from recsim_env.agents.foreign.frozen import Frozen
from recsim_env.agents.foreign.signature import n_arguments, name_of
from recsim_env.core.settings import setting
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.envs.arguments import as_indices

_MEANINGS = {1: "(observation)", 2: "(observation, rng)"}


@dataclass(frozen=True, kw_only=True)
class PolicySettings(AgentSettings):
    """Settings of `PolicyFunction`."""

    batched: bool = setting(
        True, doc="whether the function takes a batch of observations, or one person's"
    )


class PolicyFunction(Frozen):
    """Shows what a function says.

    Idea: a rule that somebody writes down, or a policy of any other program.
    Update: none.
    Cost: the function's own, called once for a batch, or once a person with batched=False.
    Source: yours.

    Args:
      env: where it serves.
      function: given the batch of observations, a dict of arrays (n, ...), returns (n, slate_size)
        indices of candidates, or (n,) where the slate is one item; with batched=False given one
        person's, it returns one slate. A function that draws takes a NumPy generator as its second
        argument, so that a seed repeats what it does; its propensities are counted in draws, and
        those of a function of one argument are 1 for its slate and 0 for any other.
      seed: of that generator.
      **settings: of `PolicySettings`.

    Raises:
      TypeError: a function of other arguments.
      ValueError: while it serves, slates of another shape, or no indices; while it tells
        propensities, a function of one argument that gives two answers to one question.
    """

    Settings = PolicySettings
    settings: PolicySettings
    keep_by = "it is a function; keep its file, and name it as file.py:function"

    #: The function, in a class made for one.
    served: ClassVar[Callable[..., Any] | None] = None

    def __init__(
        self,
        env: RecommendationVectorEnv,
        function: Callable[..., Any] | None = None,
        *,
        seed: int = 0,
        **settings: Any,
    ) -> None:
        super().__init__(env, seed=seed, **settings)
        self.function: Any = type(self).served if function is None else function
        self._draws = n_arguments(self.function, _MEANINGS) == 2
        self.draws_slates = "slates" if self._draws else None  # type: ignore[misc]  # a ClassVar, which each function sets anew

    def recommend(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Shows what the function says."""
        n = len(next(iter(observation.values())))
        rng = (self.rng,) if self._draws else ()
        if self.settings.batched:
            return self._checked(self.function(dict(observation), *rng), (n,))
        rows = ({name: value[row] for name, value in observation.items()} for row in range(n))
        return np.array([self._checked(self.function(row, *rng), ()) for row in rows])

    def _checked(self, slates: Any, people: tuple[int, ...]) -> np.ndarray:
        """Returns slates, (..., slate_size), with an axis before for people if there are any."""
        found, size = as_indices(slates), self.slate_size
        if size == 1 and found.shape == people:
            found = found[..., None]
        if found.shape != (*people, size):
            wanted = (*people, size) if size > 1 else people
            said = "the observations of a batch" if people else "one person's observation"
            other = "batched=False" if people else "batched=True"
            raise ValueError(
                f"{name_of(self.function)} returned an array of shape {found.shape} for {said}; "
                f"return {wanted}, or say {other} (on the command line --agent-set {other}) if it "
                f"takes {'one person at a time' if people else 'a batch'}"
            )
        n_candidates = self.env.scenario.n_candidates
        if found.size and not 0 <= found.min() <= found.max() < n_candidates:
            raise ValueError(
                f"{name_of(self.function)} returned an index out of range; use 0 to "
                f"{n_candidates - 1}, the indices of the candidates"
            )
        return found

    def _slate_distribution(
        self, observation: Observation, state: Any, *, deterministic: bool
    ) -> SlateDistribution:
        """Returns the slates that the function says."""
        said = [
            self.recommend(observation, state, deterministic=deterministic)
            for _ in range(1 if self._draws else 2)
        ]
        if not np.array_equal(said[0], said[-1]):
            raise ValueError(
                f"{name_of(self.function)} gave two answers to one question, so that nobody can "
                "say how likely a slate is; let it draw from a generator, its second argument"
            )
        return Listed(said[0][:, None], len(said[0]), self.env.scenario.n_candidates)


def policy_class(function: Callable[..., Any]) -> type[PolicyFunction]:
    """Returns the class of the agents that show what a function says.

    Raises:
      TypeError: a function of other arguments than `PolicyFunction` takes.
    """
    n_arguments(function, _MEANINGS)
    about = {
        "served": staticmethod(function),
        "__doc__": function.__doc__ or PolicyFunction.__doc__,
        "__module__": function.__module__,
    }
    return type(name_of(function), (PolicyFunction,), about)


def from_policy(
    function: Callable[..., Any], env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any
) -> PolicyFunction:
    """Returns an agent that shows what a function says; see `PolicyFunction` for the arguments."""
    return PolicyFunction(env, function, seed=seed, **settings)
