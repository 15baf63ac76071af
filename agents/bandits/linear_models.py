"""Linear models of the reward of an item, each with the posterior of its weights."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from recsim_env.agents.bandits.linear_posterior import LinearPosterior
from recsim_env.agents.core.features import JointFeatures
from recsim_env.agents.core.restoring import State
from recsim_env.agents.core.transition import Observation, Transition

# How many numbers the working arrays of one block of people may hold.
_BLOCK_NUMBERS = 4_000_000


class LinearModel(ABC):
    """What is believed of the reward of every candidate, given the rewards so far.

    Variances are in units of the noise of one observation.
    """

    @abstractmethod
    def mean(self, observation: Observation) -> np.ndarray:
        """Returns the expected reward of every candidate, (n, n_candidates)."""

    @abstractmethod
    def mean_and_variance(self, observation: Observation) -> tuple[np.ndarray, np.ndarray]:
        """Returns posterior mean and variance of the expected reward, (n, n_candidates) each."""

    @abstractmethod
    def draw(
        self, observation: Observation, rng: np.random.Generator, *, scale: float
    ) -> np.ndarray:
        """Returns the expected rewards under weights drawn anew for each person.

        Args:
          observation: of n people.
          rng: draws the weights.
          scale: standard deviations of the posterior are multiplied by it.

        Returns:
          (n, n_candidates).
        """

    @abstractmethod
    def add(self, transition: Transition) -> None:
        """Learns what shown places earned, each weighed by how likely it was looked at."""

    @abstractmethod
    def fade(self, keep: float) -> None:
        """Lets all that was learned count `keep` times what it did."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Returns what was learned as named arrays, maybe nested."""

    @abstractmethod
    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned."""


class SharedModel(LinearModel):
    """One vector of weights for all items: reward = w·x, x of person and item together."""

    def __init__(self, features: JointFeatures, ridge: float) -> None:
        self.features = features
        self.posterior = LinearPosterior.prior(features.n_features, ridge=ridge)

    def mean(self, observation: Observation) -> np.ndarray:
        """See `LinearModel`."""
        return self.features.product(observation, self.posterior.mean)

    def mean_and_variance(self, observation: Observation) -> tuple[np.ndarray, np.ndarray]:
        """See `LinearModel`."""
        variance = self.features.quadratic_form(observation, self.posterior.covariance)
        return self.mean(observation), np.maximum(variance, 0.0)

    def draw(
        self, observation: Observation, rng: np.random.Generator, *, scale: float
    ) -> np.ndarray:
        """See `LinearModel`."""
        n = len(observation["candidates"])
        return self.features.product(observation, self.posterior.draw(rng, n, scale=scale))

    def add(self, transition: Transition) -> None:
        """See `LinearModel`."""
        seen = transition.examination_probability > 0
        x = self.features.of_slates(transition.observation, transition.slates)[seen]
        self.posterior.add(
            x, transition.place_rewards[seen], transition.examination_probability[seen]
        )

    def fade(self, keep: float) -> None:
        """See `LinearModel`."""
        self.posterior.fade(keep)

    def state_dict(self) -> dict[str, Any]:
        """See `LinearModel`."""
        return self.posterior.state_dict()

    def load_state_dict(self, state: State) -> None:
        """See `LinearModel`."""
        self.posterior.load_state_dict(state)


class DisjointModel(LinearModel):
    """Weights of its own for every item id: reward = w_i·x, x = (1, g) of the person alone."""

    def __init__(self, features: JointFeatures, ridge: float, n_items: int) -> None:
        self.features = features
        self.own = LinearPosterior.prior(features.n_people, ridge=ridge, stack=(n_items,))

    def mean(self, observation: Observation) -> np.ndarray:
        """See `LinearModel`."""
        people = self.features.people(observation)
        means = self.own.mean[observation["item_id"]]
        return np.asarray(np.matmul(means, people[:, :, None])[:, :, 0])

    def mean_and_variance(self, observation: Observation) -> tuple[np.ndarray, np.ndarray]:
        """See `LinearModel`."""
        return self.mean(observation), self._own_variance(observation)

    def draw(
        self, observation: Observation, rng: np.random.Generator, *, scale: float
    ) -> np.ndarray:
        """See `LinearModel`; items' weights are independent, so each reward is drawn by itself."""
        mean, variance = self.mean_and_variance(observation)
        return np.asarray(mean + scale * np.sqrt(variance) * rng.standard_normal(mean.shape))

    def add(self, transition: Transition) -> None:
        """See `LinearModel`."""
        seen = transition.examination_probability > 0
        people = self.features.people(transition.observation)[np.nonzero(seen)[0]]
        rewards, weights = transition.place_rewards[seen], transition.examination_probability[seen]
        for item, rows in by_item(transition.shown("item_id")[seen]):
            self.own[item].add(people[rows], rewards[rows], weights[rows])

    def fade(self, keep: float) -> None:
        """See `LinearModel`."""
        self.own.fade(keep)

    def state_dict(self) -> dict[str, Any]:
        """See `LinearModel`."""
        return self.own.state_dict()

    def load_state_dict(self, state: State) -> None:
        """See `LinearModel`."""
        self.own.load_state_dict(state)

    def _own_variance(self, observation: Observation) -> np.ndarray:
        """Returns xᵀ A_i⁻¹ x of every candidate i, (n, n_candidates)."""
        people, items = self.features.people(observation), observation["item_id"]
        first, second = np.triu_indices(self.features.n_people)
        twice = np.where(first == second, 1.0, 2.0)
        forms = self.own.covariance[:, first, second] * twice
        variance = np.empty(items.shape)
        for rows in blocks(len(people), items.shape[1] * len(first)):
            pairs = people[rows][:, first] * people[rows][:, second]
            variance[rows] = np.matmul(forms[items[rows]], pairs[:, :, None])[:, :, 0]
        return np.maximum(variance, 0.0)


def by_item(item: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Gives each item that occurs, and the rows where it does."""
    order = np.argsort(item, kind="stable")
    items, starts = np.unique(item[order], return_index=True)
    yield from zip(items.tolist(), np.split(order, starts)[1:], strict=True)


def blocks(n: int, numbers_per_row: int) -> Iterator[slice]:
    """Gives slices of n rows that together hold a bounded number of numbers."""
    block = max(1, _BLOCK_NUMBERS // numbers_per_row)
    return (slice(start, start + block) for start in range(0, n, block))
