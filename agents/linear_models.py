"""Linear models of the reward of an item, each with the posterior of its weights."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping

import numpy as np

from recsim_env.agents.agent import Feedback, Observation
from recsim_env.agents.joint_features import JointFeatures
from recsim_env.agents.linear_posterior import LinearPosterior

#: Names of the models.
MODELS = ("shared", "disjoint", "hybrid")

# How many numbers the largest array of a model (128 MiB), and of one block of people, may hold.
_MAX_NUMBERS, _BLOCK_NUMBERS = 2**24, 4_000_000


def make_model(name: str, features: JointFeatures, *, ridge: float, n_items: int) -> "LinearModel":
    """Returns the model of that name, one of `MODELS`.

    Raises:
      ValueError: items have no ids, or there are too many of them, where each has its own weights.
    """
    if name == "shared":
        return SharedModel(features, ridge)
    if not n_items:
        raise ValueError(f"model={name!r} needs items with ids; set n_items or use model='shared'")
    width = features.n_people if name == "disjoint" else features.n_features
    if n_items * features.n_people * width > _MAX_NUMBERS:
        raise ValueError(
            f"model={name!r} would keep {n_items:,} x {features.n_people} x {width} numbers, more "
            f"than {_MAX_NUMBERS:,}; lower n_items or max_features, or use context=False or "
            f"model={'disjoint' if name == 'hybrid' else 'shared'!r}"
        )
    model = DisjointModel if name == "disjoint" else HybridModel
    return model(features, ridge, n_items)


class LinearModel(ABC):
    """What is believed of the reward of every candidate, given the rewards so far.

    Variances are in units of the noise of one observation.
    """

    @abstractmethod
    def mean(self, observation: Observation) -> np.ndarray:
        """Returns the expected reward of every candidate, (n, n_candidates)."""

    @abstractmethod
    def mean_and_variance(self, observation: Observation) -> tuple[np.ndarray, np.ndarray]:
        """Returns mean and variance of what the expected reward may be, (n, n_candidates) each."""

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
    def add(self, feedback: Feedback) -> None:
        """Learns what shown places earned, each weighed by how likely it was looked at."""

    @abstractmethod
    def fade(self, keep: float) -> None:
        """Lets all that was learned count `keep` times what it did."""

    @abstractmethod
    def arrays(self) -> dict[str, np.ndarray]:
        """Returns what was learned as named arrays."""

    @abstractmethod
    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes back what `arrays` returned."""


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

    def add(self, feedback: Feedback) -> None:
        """See `LinearModel`."""
        seen = feedback.attention > 0
        x = self.features.of_slates(feedback.observation, feedback.slates)[seen]
        self.posterior.add(x, feedback.place_rewards[seen], feedback.attention[seen])

    def fade(self, keep: float) -> None:
        """See `LinearModel`."""
        self.posterior.fade(keep)

    def arrays(self) -> dict[str, np.ndarray]:
        """See `LinearModel`."""
        return self.posterior.arrays()

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """See `LinearModel`."""
        self.posterior.restore(arrays)


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

    def add(self, feedback: Feedback) -> None:
        """See `LinearModel`."""
        seen = feedback.attention > 0
        people = self.features.people(feedback.observation)[np.nonzero(seen)[0]]
        rewards, weights = feedback.place_rewards[seen], feedback.attention[seen]
        for item, rows in _by_item(feedback.shown("item_id")[seen]):
            self.own[item].add(people[rows], rewards[rows], weights[rows])

    def fade(self, keep: float) -> None:
        """See `LinearModel`."""
        self.own.fade(keep)

    def arrays(self) -> dict[str, np.ndarray]:
        """See `LinearModel`."""
        return self.own.arrays()

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """See `LinearModel`."""
        self.own.restore(arrays)

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

    def add(self, feedback: Feedback) -> None:
        """See `LinearModel`."""
        seen = feedback.attention > 0
        rewards, weights = feedback.place_rewards[seen], feedback.attention[seen]
        z = self.features.of_slates(feedback.observation, feedback.slates)[seen]
        people = self.features.people(feedback.observation)[np.nonzero(seen)[0]]
        item = feedback.shown("item_id")[seen]
        items = np.unique(item)
        self._exchange(items, 1.0)
        super().add(feedback)
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

    def arrays(self) -> dict[str, np.ndarray]:
        """See `LinearModel`."""
        common = {f"common_{name}": value for name, value in self.common.arrays().items()}
        return super().arrays() | common | {"cross": self.cross, "explained": self.explained}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """See `LinearModel`."""
        super().restore(arrays)
        self.common.restore({name: arrays[f"common_{name}"] for name in self.common.arrays()})
        self.cross[...], self.explained[...] = arrays["cross"], arrays["explained"]

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
