"""Features of a person and an item together, spelled out only where that is needed."""

import math
from collections.abc import Iterator

import numpy as np

from recsim_env.agents.core.transition import Observation
from recsim_env.core.scenario import Scenario

#: Observation fields that describe the person whatever the moment.
PERSON_FIELDS = ("user",)

#: Observation fields that describe the person and the moment: when and where, and what was before.
CONTEXT_FIELDS = (*PERSON_FIELDS, "context", "history")

# How many numbers the working arrays of one block of people may hold.
_BLOCK_NUMBERS = 4_000_000


class JointFeatures:
    """The vector x of every person and candidate, for models that are linear in it.

    With g the person's fields (`CONTEXT_FIELDS`, flattened) and f the candidate's features,
    x = (1, g) ⊗ (1, f): an intercept, both alone, and every product. Where that is longer than
    `max_features`, x = (1, g, f, g_1 f, g_2 f, …) instead, with elementwise products of f and those
    parts g_j of g (a field, or the mean over its rows) that are as wide as f.

    Args:
      scenario: one that shows `candidates`.
      max_features: longest full product.
      context: False leaves out of g all but `PERSON_FIELDS`. A model with such features is the
        blind twin of the one with all: what it lacks is what the moment and the session so far
          tell.

    Attributes:
      n_features: length of x.
      n_people: length of (1, g).
      is_product: whether x is the full product.
    """

    def __init__(self, scenario: Scenario, *, max_features: int, context: bool = True) -> None:
        shapes = {name: space.shape or () for name, space in scenario.schema.spaces.items()}
        self._n_candidates, self._width = shapes["candidates"]
        names = CONTEXT_FIELDS if context else PERSON_FIELDS
        self._fields = {name: math.prod(shapes[name]) for name in names if name in shapes}
        self._matching = [name for name in self._fields if shapes[name][-1] == self._width]
        n_context = sum(self._fields.values())
        full = (1 + n_context) * (1 + self._width)
        self.is_product = full <= max_features
        short = 1 + n_context + self._width * (1 + len(self._matching))
        self.n_features = full if self.is_product else short
        self.n_people = 1 + n_context

    def people(self, observation: Observation) -> np.ndarray:
        """Returns (1, g), (n, 1 + n_context)."""
        n = len(observation["candidates"])
        fields = [observation[name].reshape(n, size) for name, size in self._fields.items()]
        return np.hstack([np.ones((n, 1)), *fields])

    def _items(self, observation: Observation, features: np.ndarray) -> np.ndarray:
        """Returns what of x differs between items: (1, f), or (f, g_1 f, …); (n, n_items, …)."""
        features = features.astype(np.float64)
        if self.is_product:
            return np.concatenate([np.ones((*features.shape[:2], 1)), features], axis=2)
        parts = [features]
        for name in self._matching:
            n_rows = self._fields[name] // self._width
            part = observation[name].reshape(-1, n_rows, self._width).mean(axis=1)
            parts.append(features * part[:, None, :])
        return np.concatenate(parts, axis=2)

    def of_candidates(self, observation: Observation) -> np.ndarray:
        """Returns x of all candidates, (n, n_candidates, n_features)."""
        everything = np.arange(self._n_candidates)
        return self.of_slates(observation, np.tile(everything, (len(observation["candidates"]), 1)))

    def of_slates(self, observation: Observation, slates: np.ndarray) -> np.ndarray:
        """Returns x of the candidates that slates show, (n, slate_size, n_features)."""
        rows = np.arange(len(slates))[:, None]
        people = self.people(observation)
        items = self._items(observation, observation["candidates"][rows, slates])
        if self.is_product:
            joint = people[:, None, :, None] * items[:, :, None, :]
            return joint.reshape(*slates.shape, self.n_features)
        shape = (*slates.shape, self.n_people)
        return np.concatenate([np.broadcast_to(people[:, None, :], shape), items], axis=2)

    def product(self, observation: Observation, vector: np.ndarray) -> np.ndarray:
        """Returns vector·x of every candidate, (n, n_candidates).

        Args:
          observation: of n people.
          vector: (n_features,), or (n, n_features), one for each person.
        """
        people = self.people(observation)
        items = self._items(observation, observation["candidates"])
        if self.is_product:
            vector = vector.reshape(*vector.shape[:-1], self.n_people, -1)
            is_one = vector.ndim == 2
            weights = people @ vector if is_one else np.matmul(people[:, None, :], vector)[:, 0]
            return np.matmul(items, weights[:, :, None])[:, :, 0]
        constant = np.vecdot(people, vector[..., : self.n_people])
        return constant[:, None] + np.matmul(items, vector[..., self.n_people :, None])[:, :, 0]

    def quadratic_form(self, observation: Observation, matrix: np.ndarray) -> np.ndarray:
        """Returns xᵀ M x of every candidate, (n, n_candidates), for a symmetric M.

        Either way x splits into what describes the person and what differs between items, so M is
        first reduced, once a person, to a small form over the latter.
        """
        people = self.people(observation)
        items = self._items(observation, observation["candidates"])
        form = self._product_form if self.is_product else self._short_form
        values = np.empty(items.shape[:2])
        for rows in self._blocks(len(people), items.shape[2]):
            values[rows] = form(people[rows], items[rows], matrix)
        return values

    def _blocks(self, n: int, width: int) -> Iterator[slice]:
        size = self.n_people**2 + width**2 + 2 * width * self._n_candidates
        block = max(1, _BLOCK_NUMBERS // size)
        return (slice(start, start + block) for start in range(0, n, block))

    def _product_form(
        self, people: np.ndarray, items: np.ndarray, matrix: np.ndarray
    ) -> np.ndarray:
        """Returns sum over people's pairs (a, b) of h_a h_b (itemᵀ M_ab item)."""
        width = items.shape[2]
        first, second = np.triu_indices(self.n_people)
        tensor = matrix.reshape(self.n_people, width, self.n_people, width)
        parts = tensor[first, :, second, :].reshape(len(first), width * width)
        pairs = people[:, first] * people[:, second]
        pairs *= np.where(first == second, 1.0, 2.0)  # M_ab and M_ba give the same
        reduced = (pairs @ parts).reshape(-1, width, width)
        return np.asarray(np.einsum("nce,nce->nc", np.matmul(items, reduced), items))

    def _short_form(self, people: np.ndarray, items: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """Returns personᵀ M_pp person + 2 personᵀ M_pi item + itemᵀ M_ii item."""
        k = self.n_people
        constant = np.einsum("na,na->n", people @ matrix[:k, :k], people)
        linear = np.matmul(items, (2.0 * people @ matrix[:k, k:])[:, :, None])[:, :, 0]
        square = np.einsum("nce,nce->nc", items @ matrix[k:, k:], items)
        return np.asarray(constant[:, None] + linear + square)
