"""Linear models of the reward of an item, each with the posterior of its weights."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from recsim_env.agents.bandits.linear_posterior import LinearPosterior
from recsim_env.agents.core.features import JointFeatures
from recsim_env.agents.core.restoring import State, like, part
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
        for item, rows in _by_item(transition.shown("item_id")[seen]):
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
        for rows in _blocks(len(people), items.shape[1] * len(first)):
            pairs = people[rows][:, first] * people[rows][:, second]
            variance[rows] = np.matmul(forms[items[rows]], pairs[:, :, None])[:, :, 0]
        return np.maximum(variance, 0.0)


class HybridModel(DisjointModel):
    """Shared weights, and for every item id own ones: reward = w·z + w_i·x.

    z is the features of person and item together, x = (1, g). With the posterior of each item's
    own weights as if w were 0 (A_i, b_i), B_i = sum c x zᵀ of the item and E_i = A_i⁻¹ B_i:

      A_0 = ridge I + sum c z zᵀ - sum_i B_iᵀ E_i,  b_0 = sum c r z - sum_i E_iᵀ b_i,

    w ~ N(A_0⁻¹ b_0, s² A_0⁻¹), and the reward is w·u + A_i⁻¹ b_i·x + N(0, s² xᵀ A_i⁻¹ x), where
    u = z - E_iᵀ x is what of z the item's own weights cannot say.
    """

    def __init__(self, features: JointFeatures, ridge: float, n_items: int) -> None:
        super().__init__(features, ridge, n_items)
        self.common = LinearPosterior.prior(features.n_features, ridge=ridge)
        self.cross = np.zeros((n_items, features.n_people, features.n_features))
        self.explained = np.zeros_like(self.cross)

    def mean(self, observation: Observation) -> np.ndarray:
        """See `LinearModel`."""
        mean = super().mean(observation)
        for rows, u in self._unexplained(observation):
            mean[rows] += u @ self.common.mean
        return mean

    def mean_and_variance(self, observation: Observation) -> tuple[np.ndarray, np.ndarray]:
        """See `LinearModel`."""
        mean, variance = super().mean(observation), self._own_variance(observation)
        for rows, u in self._unexplained(observation):
            mean[rows] += u @ self.common.mean
            variance[rows] += np.maximum(np.vecdot(u @ self.common.covariance, u), 0.0)
        return mean, variance

    def draw(
        self, observation: Observation, rng: np.random.Generator, *, scale: float
    ) -> np.ndarray:
        """See `LinearModel`; a person's candidates share the draw of w."""
        reward, variance = super().mean(observation), self._own_variance(observation)
        weights = self.common.draw(rng, len(reward), scale=scale)
        reward += scale * np.sqrt(variance) * rng.standard_normal(reward.shape)
        for rows, u in self._unexplained(observation):
            reward[rows] += np.matmul(u, weights[rows, :, None])[:, :, 0]
        return reward

    def add(self, transition: Transition) -> None:
        """See `LinearModel`."""
        seen = transition.examination_probability > 0
        rewards, weights = transition.place_rewards[seen], transition.examination_probability[seen]
        z = self.features.of_slates(transition.observation, transition.slates)[seen]
        people = self.features.people(transition.observation)[np.nonzero(seen)[0]]
        item = transition.shown("item_id")[seen]
        items = np.unique(item)
        self._exchange(items, 1.0)
        super().add(transition)
        for one, rows in _by_item(item):
            self.cross[one] += people[rows].T @ (weights[rows, None] * z[rows])
        self.common.precision += z.T @ (weights[:, None] * z)
        self.common.moment += (weights * rewards) @ z
        self._exchange(items, -1.0)

    def fade(self, keep: float) -> None:
        """See `LinearModel`."""
        items = np.arange(len(self.cross))
        self._exchange(items, 1.0)
        super().fade(keep)
        self.cross *= keep
        self.common.fade(keep)
        self._exchange(items, -1.0)

    def state_dict(self) -> dict[str, Any]:
        """See `LinearModel`."""
        shared = {"common": self.common.state_dict(), "cross": self.cross}
        return super().state_dict() | shared | {"explained": self.explained}

    def load_state_dict(self, state: State) -> None:
        """See `LinearModel`."""
        super().load_state_dict(state)
        self.common.load_state_dict(part(state, "common"))
        cross = like(state, "cross", self.cross)
        explained = like(state, "explained", self.explained)
        if not np.allclose(explained, np.matmul(self.own.covariance, cross), rtol=1e-5, atol=1e-8):
            raise ValueError("explained is not what cross and covariance make of it")
        self.cross[...], self.explained[...] = cross, explained

    def _exchange(self, items: np.ndarray, sign: float) -> None:
        """Gives back (1) to A_0 and b_0 what own weights of items explain, or takes it (-1)."""
        cross = self.cross[items]
        if sign < 0:
            self.explained[items] = np.matmul(self.own.covariance[items], cross)
        width = self.features.n_features
        explained = self.explained[items].reshape(-1, width)
        self.common.precision += sign * cross.reshape(-1, width).T @ explained
        self.common.moment += sign * self.own.moment[items].ravel() @ explained
        if sign < 0:
            self.common.refresh()

    def _unexplained(self, observation: Observation) -> Iterator[tuple[slice, np.ndarray]]:
        """Gives u of every candidate, (rows, n_candidates, n_features), by blocks of people."""
        n, n_candidates = observation["item_id"].shape
        for rows in _blocks(n, n_candidates * self.features.n_people * self.features.n_features):
            block = {name: value[rows] for name, value in observation.items()}
            people = self.features.people(block)
            said = np.matmul(people[:, None, None, :], self.explained[block["item_id"]])[:, :, 0]
            yield rows, self.features.of_candidates(block) - said


def _by_item(item: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Gives each item that occurs, and the rows where it does."""
    order = np.argsort(item, kind="stable")
    items, starts = np.unique(item[order], return_index=True)
    yield from zip(items.tolist(), np.split(order, starts)[1:], strict=True)


def _blocks(n: int, numbers_per_row: int) -> Iterator[slice]:
    """Gives slices of n rows that together hold a bounded number of numbers."""
    block = max(1, _BLOCK_NUMBERS // numbers_per_row)
    return (slice(start, start + block) for start in range(0, n, block))
