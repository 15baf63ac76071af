"""What measures see of an evaluation: where it takes place, and blocks of what was served there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recsim_env.core.fields import Field
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv


@dataclass(frozen=True, eq=False)
class Stage:
    """Where an evaluation takes place.

    Attributes:
      env: of the evaluation; to be asked what people like, never stepped.
      n_episodes: that each slot plays.
      pool: item records, the same for everybody: a sample of what the scenario has to offer.
    """

    env: RecommendationVectorEnv
    n_episodes: int
    pool: np.ndarray

    @property
    def scenario(self) -> Scenario:
        """Whose people are served."""
        return self.env.scenario

    @property
    def n_slots(self) -> int:
        """How many people are served side by side."""
        return self.env.num_envs

    @property
    def n_visits(self) -> int:
        """How many episodes are measured, of all slots."""
        return self.n_slots * self.n_episodes

    @cached_property
    def n_categories(self) -> int:
        """How many categories items have, or 0 where the scenario names none."""
        name = self.scenario.category
        if name is None:
            return 0
        if self.scenario.n_items:
            return int(self.env.catalogue[name].max()) + 1
        ends = Field.of(self.scenario.item_layout()[name]).ends
        return int(ends[1]) + 1 if ends else 0

    @cached_property
    def taste_fields(self) -> tuple[str, ...]:
        """The fields of `user`, numbers, that hold what one person likes; none where none do."""
        if not self.scenario.is_one_person:
            return ()
        fields = self.scenario.schema.dtypes["user"]
        tastes = self.scenario.state_groups.get("taste", ())
        return tuple(name for name in tastes if fields[name].base.kind == "f")

    @cached_property
    def knows_consumption(self) -> bool:
        """Whether responses say what was consumed."""
        return "clicked" in (self.scenario.schema.dtypes["response"].names or ())

    @cached_property
    def knows_liking(self) -> bool:
        """Whether the scenario can say what to expect of an item."""
        return self.scenario.outlook("expected_reward") is not None

    @cached_property
    def vectors(self) -> np.ndarray | None:
        """Vectors of length 1 that tell how alike items are, (n, d), by what `Served.kind` holds.

        Those of the items of a catalogue, or of the categories; None where neither is known.
        """
        name = self.scenario.item_vector
        if name is not None and self.scenario.n_items:
            return unit(self.env.catalogue[name])
        return np.eye(self.n_categories, dtype=np.float32) if self.n_categories else None

    @cached_property
    def kinds_are_items(self) -> bool:
        """Whether `vectors` are of items, and not of categories."""
        return self.scenario.item_vector is not None and self.scenario.n_items > 0


def unit(vectors: np.ndarray) -> np.ndarray:
    """Returns vectors at length 1; those of length 0 stay."""
    plain = np.asarray(vectors, np.float32)
    length = np.linalg.norm(plain, axis=-1, keepdims=True)
    return np.asarray(plain / np.where(length > 0, length, 1.0))


@dataclass(frozen=True, eq=False)
class People:
    """People at the beginning or the end of episodes.

    Attributes:
      visit: (n,), which episode of the evaluation, slot by slot.
      users: (n,) structured, their records then.
      first: (n,) structured, their records as the episode began.
      tastes: (n, n_kinds), `Profiles` of them as it began; no columns where they are not known.
      user_id: (n,), who they are; without meaning where people have no ids.
    """

    visit: np.ndarray
    users: np.ndarray
    first: np.ndarray
    tastes: np.ndarray
    user_id: np.ndarray


@dataclass(frozen=True, eq=False)
class Consumed:
    """What was consumed of slates, and in the same visits before; m slates.

    Attributes:
      total: (m, d), the sum of the vectors consumed of the slate.
      before: (m, d), of those consumed before it in the visit.
      n, n_before: (m,), how many.
      square, square_before: (m,), the sums of their squared lengths.
    """

    total: np.ndarray
    before: np.ndarray
    n: np.ndarray
    n_before: np.ndarray
    square: np.ndarray
    square_before: np.ndarray


@dataclass(frozen=True, eq=False)
class Served:
    """Slates that were served, in the order of time; m of them, of k places.

    Attributes:
      slot: (m,), whose.
      visit: (m,), which episode of the evaluation it belongs to: slot * n_episodes + episode.
      step: (m,), which slate of its episode, from 0.
      session: (m,), how often the person had come then, where the scenario counts; else 0.
      item_id: (m, k), what was shown; -1 where a place is empty, or items have no ids.
      category: (m, k), likewise the items' category.
      kind: (m, k), likewise the row of `Stage.vectors`.
      is_shown: (m, k), whether there was an item at all.
      is_consumed: (m, k), whether it was clicked, played, bought.
      is_regretted: (m, k), whether they would rather not have, where intentions are known.
      liking: (m, k), true expected reward before it was shown; NaN where empty or not known.
      rewards: (m,), what the slate earned.
      is_last: (m,), whether the episode ended with it.
      consumed: what was consumed of it and before; None where `Consuming` does not suit.
      began: people at the beginning of the episodes that began with one of these slates.
      ended: people at the end of those that ended with one.
    """

    slot: np.ndarray
    visit: np.ndarray
    step: np.ndarray
    session: np.ndarray
    item_id: np.ndarray
    category: np.ndarray
    kind: np.ndarray
    is_shown: np.ndarray
    is_consumed: np.ndarray
    is_regretted: np.ndarray
    liking: np.ndarray
    rewards: np.ndarray
    is_last: np.ndarray
    consumed: Consumed | None
    began: People
    ended: People

    def __len__(self) -> int:
        return len(self.slot)

    @cached_property
    def moment(self) -> np.ndarray:
        """When each slate was served, from 0, (m,): in a moment, every person has at most one."""
        return np.cumsum(np.diff(self.slot, prepend=-1) <= 0)
