"""What agents remember of people beyond the session: what each of them responds to, by user id."""

from typing import Any

import numpy as np
from gymnasium import spaces

from recsim_env.agents.core.restoring import State, like, require_range
from recsim_env.agents.core.session import SessionMemory, box
from recsim_env.agents.core.transition import Observation
from recsim_env.core.scenario import Scenario

#: Names of the fields among observations; see `recsim_env.agents.networks.encoder`.
PREDICTED, ACQUAINTANCE = "candidate_predicted", "acquaintance"

# People of whom this many showings are known are half themselves and half everybody.
_PRIOR_SHOWINGS = 20.0

# Of the regression that is everybody's; and of features that hardly vary, at least this variance.
_RIDGE, _LEAST_VARIANCE = 10.0, 1e-3

# More people than this are not told apart: they hardly return.
_MOST_PEOPLE = 20_000

# Logarithms of numbers of showings are divided by this.
_SCALE = 5.0


class ProfileMemory(SessionMemory):
    """A `SessionMemory` that knows people again, and predicts how they respond to candidates.

    With x = (1, f) of each item that somebody was shown, and y a column of `response`, the weights
    of this person are those of a ridge regression around everybody's,

        w = (sum x xᵀ + L)⁻¹ (sum x y + L w_0),

    over this session and all earlier ones in which the agent learned; L has 20 times the mean
    squares of x, and w_0 is the regression of everybody. Two fields more are seen:

    - `PREDICTED`, (n_candidates, 2 n_columns): w · x of each candidate, and how far that is from
      w_0 · x;
    - `ACQUAINTANCE`, (1,): log(1 + items that the person was shown), by 5.

    Where people are strangers, or more than 20,000, each is known from this session alone.

    Args:
      scenario: whose people are known; it shows `candidates` and `response`.
      recency: see `SessionMemory`.

    Raises:
      ValueError: it does not.
    """

    def __init__(self, scenario: Scenario, *, recency: bool = False) -> None:
        fields = scenario.schema.boxes
        if not {"candidates", "response"} <= fields.keys():
            raise ValueError(
                f"{type(scenario).__name__} with these settings does not show what items are and "
                "what people do with them; use profiles=False"
            )
        super().__init__(scenario, recency=recency)
        n_candidates, n_features = fields["candidates"].shape
        n_columns = fields["response"].shape[1]
        size = 1 + n_features
        self._add_part("gram", (size, size))
        self._add_part("products", (size, n_columns))
        self.spaces |= {
            PREDICTED: box((n_candidates, 2 * n_columns)),
            ACQUAINTANCE: box((1,)),
        }
        self.seen_space = spaces.Dict({**fields, **self.spaces})
        n_people = scenario.n_users if scenario.n_users <= _MOST_PEOPLE else 0
        self._kept: dict[
            str, np.ndarray
        ] = {  # a row for each person, and the last for whoever is a stranger, zeros
            "gram": np.zeros((n_people + 1, size, size), np.float32),
            "products": np.zeros((n_people + 1, size, n_columns), np.float32),
            "all_gram": np.zeros((size, size)),
            "all_products": np.zeros((size, n_columns)),
        }
        self._pool()

    def _pool(self) -> None:
        """Computes what is believed of somebody of whom nothing is known."""
        gram, products = self._kept["all_gram"], self._kept["all_products"]
        squares = np.diag(gram) / max(gram[0, 0], 1.0)
        prior = np.diag(np.maximum(squares, _LEAST_VARIANCE))
        self._usual = np.linalg.solve(gram + _RIDGE * prior, products).astype(np.float32)
        self._prior = (_PRIOR_SHOWINGS * prior).astype(np.float32)

    # Learning ------------------------------------------------------------------------------------

    def learn(self, memory: np.ndarray, observation: Observation, is_over: np.ndarray) -> None:
        """Takes to heart what people did in sessions that are over; see `SessionMemory`."""
        if not is_over.any():
            return
        rows = self._rows(observation)[is_over]
        for name in ("gram", "products"):
            done = self._part(memory[is_over], name)
            np.add.at(self._kept[name], rows, done)
            self._kept[name][-1] = 0.0
            self._kept[f"all_{name}"] += done.sum(axis=0, dtype=float)
        self._pool()

    def _rows(self, observation: Observation) -> np.ndarray:
        """Returns where what is known of people is kept, (n,)."""
        strangers = len(self._kept["gram"]) - 1
        user_id = observation.get("user_id")
        if user_id is None:
            return np.full(len(observation["candidates"]), strangers)
        return np.minimum(user_id, strangers)

    def after(self, memory: np.ndarray, observation: Observation) -> np.ndarray:
        """Returns the memory after slates whose responses `observation` shows."""
        memory = super().after(memory, observation)
        shown = self._part(memory, "shown")
        x = np.concatenate([np.ones_like(shown[:, :, :1]), shown], axis=2).transpose(0, 2, 1)
        self._part(memory, "gram")[:] += x @ x.transpose(0, 2, 1)
        self._part(memory, "products")[:] += x @ observation["response"]
        return memory

    # Seeing --------------------------------------------------------------------------------------

    def seen_with(self, memory: np.ndarray, observation: Observation) -> dict[str, np.ndarray]:
        """Returns the observation with the memory, and what is predicted, beside it."""
        rows = self._rows(observation)
        gram = self._part(memory, "gram") + self._kept["gram"][rows]
        products = self._part(memory, "products") + self._kept["products"][rows]
        weights = np.linalg.solve(gram + self._prior, products + self._prior @ self._usual)
        features = observation["candidates"]
        predicted = features @ weights[:, 1:] + weights[:, :1]
        usual = features @ self._usual[1:] + self._usual[:1]
        return super().seen_with(memory, observation) | {
            PREDICTED: np.concatenate([predicted, predicted - usual], axis=2),
            ACQUAINTANCE: np.log1p(gram[:, :1, 0]) / np.float32(_SCALE),
        }

    # Files ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns what is known of people."""
        return dict(self._kept)

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned.

        Raises:
          ValueError: it is of other people, or of none.
        """
        kept = {name: like(state, name, each) for name, each in self._kept.items()}
        for name in ("gram", "all_gram"):
            require_range(name, np.diagonal(kept[name], axis1=-2, axis2=-1), low=0.0)
        self._kept = kept
        self._pool()
