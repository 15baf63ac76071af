"""The settings that every scenario has."""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

from recsim_env.core.reward import as_reward, is_own, words_of
from recsim_env.core.settings import (
    MOST_ITEMS,
    MOST_PEOPLE,
    MOST_STEPS,
    check_settings,
    quoted,
    setting,
    telling,
)


class _All(int):
    """A setting `n_candidates` that stands for all items, also when their number is changed."""


@dataclass(frozen=True, kw_only=True)
class CommonSettings:
    """How many people and items there are, and how many of them meet.

    Raises:
      ValueError: a setting outside its range, naming the remedy.
    """

    n_candidates: int = setting(
        10,
        low=1,
        high=MOST_ITEMS,
        why="or set n_items, of which 0 is all",
        doc="items to choose from at each step; 0 is the whole catalogue in the order of item_id",
    )
    slate_size: int = setting(1, low=1, high=MOST_ITEMS, doc="items shown at each step")
    horizon: int = setting(
        0, low=0, high=MOST_STEPS, doc="steps after which an episode is truncated; 0 is never"
    )
    n_users: int = setting(
        0,
        low=0,
        high=MOST_PEOPLE,
        doc="people who return with the same traits and a user_id, and take no memory; 0 is a "
        "stranger every episode",
    )
    n_items: int = setting(
        0,
        low=0,
        high=MOST_ITEMS,
        doc="items of a fixed catalogue, each with an item_id; 0 is fresh items at every step",
    )
    world_seed: int = setting(
        0,
        low=0,
        high=2**63 - 1,
        doc="what the catalogue and the people are drawn from; reset(seed=) decides who comes and "
        "what happens, never what they are like",
    )
    reward: Any = setting(  # noqa: RUF009  # returns a dataclass field
        None,
        doc="what is earned: None or a word of the scenario's own, 'clicks' (how many items were "
        "clicked), or a function about one person, itself or as 'module:function' or "
        "'file.py:function' (docs/how-to/own-reward.md)",
    )

    observe_state: bool = setting(
        False,
        is_new=True,
        doc="whether what is hidden of people and items is observed too, in entries of their own "
        "(`recsim_env.core.hidden`): for references, not for agents that are compared",
    )

    #: Which of `recsim_env.core.reward.REWARDS` the scenario's own reward is, if it is one.
    pays: ClassVar[str] = ""

    #: Whether `n_candidates` was left to follow `n_items`.
    offers_all: ClassVar[bool] = False

    def __post_init__(self) -> None:
        offers_all = isinstance(self.n_candidates, _All) or self.n_candidates == 0
        object.__setattr__(self, "offers_all", offers_all)
        if offers_all:
            object.__setattr__(self, "n_candidates", self.n_items)
        object.__setattr__(self, "reward", as_reward(self.reward, type(self)))
        check_settings(self, but=() if self.pays_own else ("reward",))
        if self.slate_size > self.n_candidates:
            raise ValueError(
                f"slate_size={self.slate_size} exceeds n_candidates={self.n_candidates}; "
                "lower slate_size or raise n_candidates"
            )
        if 0 < self.n_items < self.n_candidates:
            raise ValueError(
                f"n_candidates={self.n_candidates} exceeds n_items={self.n_items}; "
                "lower n_candidates or raise n_items"
            )

    @property
    def pays_own(self) -> bool:
        """Whether what is earned is the scenario's own reward, and no other in its place."""
        return is_own(self.reward, type(self))

    @property
    def own_reward(self) -> Any:
        """The setting `reward`, or its default where another reward is in the own one's place."""
        return self.reward if self.pays_own else (words_of(type(self)) or (None,))[0]

    @property
    def settings(self) -> dict[str, Any]:
        """The settings as a dict, from which the scenario can be made again with some changed.

        A `reward` of None is left out, which is every scenario's that has no words of its own; and
        so is what is new and as by default (see `telling`), of which nothing older knows.
        """
        found = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        found = telling(type(self), found)
        if found["reward"] is None:
            del found["reward"]
        return found | ({"n_candidates": _All(self.n_candidates)} if self.offers_all else {})

    def require(self, name: str, holds: bool, allowed: str) -> None:
        """Raises ValueError saying what is allowed for the setting `name`, unless `holds`.

        It is for what depends on other settings; ranges say the rest.
        """
        if not holds:
            raise ValueError(f"{name}={quoted(getattr(self, name))} is not allowed; use {allowed}")
