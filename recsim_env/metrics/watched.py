"""The fields of an environment's slots that measures need, read step by step."""

from __future__ import annotations

import numpy as np

from recsim_env.metrics.served import Stage


class Watched:
    """Reads what slots hold before and after a step; records as bytes, which are quickly copied.

    Attributes:
      users: (n_slots,) bytes, people's records as they are now.
      user_id: (n_slots,), likewise who they are.
    """

    def __init__(self, stage: Stage) -> None:
        self._env, self._scenario = stage.env, stage.scenario
        slots, scenario = stage.env.slots, stage.scenario
        self.users, self.user_id = _as_bytes(slots, "user"), slots["user_id"]
        session = scenario.session_count
        self._step = slots["step"]
        self._session = slots["user"][session] if session else np.zeros(stage.n_slots, np.int64)
        self._slate, self._response = slots["slate"], _as_bytes(slots, "response")
        self._response_dtype = slots["response"].dtype
        self._catalogue = self._own = None
        if scenario.category is not None and scenario.n_items:
            self._catalogue = stage.env.catalogue[scenario.category].astype(np.int64)
        elif scenario.category is not None:
            self._own = slots["own_items"][scenario.category]

    def before(self, slates: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, ...]:
        """Returns step, session, liking and category of slates about to be shown to some slots.

        Args:
          slates: of all slots.
          rows: (m,), which.

        Returns:
          (m,) twice and (m, k) twice; of a catalogue, the category is found afterwards, and -1.
        """
        chosen = slates.reshape(len(self._step), -1)[rows]
        liking = self._env.liking(slates, rows)
        category = _NOT_YET
        if self._own is not None:
            category = self._own[rows[:, None], chosen].astype(np.int64)
        return self._step[rows], self._session[rows], liking, category

    def after(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns the slates that were shown, (m, k), and their responses, (m,) as bytes."""
        return self._slate[rows], self._response[rows]

    def responses(self, found: np.ndarray) -> np.ndarray:
        """Returns responses, (m, k) structured, from what `after` gave."""
        return found.view(self._response_dtype).reshape(len(found), self._slate.shape[1])

    def category_of(self, slate: np.ndarray, noted: np.ndarray) -> np.ndarray:
        """Returns the category of what was shown, (m, k); -1 where there are none.

        Args:
          slate: (m, k), of which empty places are -1, and have any category.
          noted: of `before`.
        """
        if self._own is not None:
            return noted
        return np.full(slate.shape, -1) if self._catalogue is None else self._catalogue[slate]


_NOT_YET = np.zeros((0, 0), np.int64)


def _as_bytes(slots: np.ndarray, name: str) -> np.ndarray:
    """Returns a field of all slots, (n_slots,) of as many bytes each as it has; no copy."""
    kind, offset = slots.dtype.fields[name][:2]  # type: ignore[index]  # records
    return np.ndarray((len(slots),), f"V{kind.itemsize}", slots, offset, slots.strides)
