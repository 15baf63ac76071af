"""What a scenario is: settings, a few record layouts, and a few functions about one person."""

import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from recsim_env.core.choice import RESPONSE_FIELDS, examination_probability
from recsim_env.core.layouts import describe_record, observation_dtype, record_bytes, record_dtype
from recsim_env.core.settings import (
    MOST_BYTES,
    MOST_ITEMS,
    MOST_PEOPLE,
    MOST_STEPS,
    check_settings,
    setting,
    shown,
)
from recsim_env.core.streams import integer
from recsim_env.inputs.spelling import did_you_mean


class _All(int):
    """A setting `n_candidates` that stands for all items, also when their number is changed."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A kind of people, a kind of items, and how the former respond to the latter.

    Subclass it as a frozen dataclass whose fields are the settings. Describe the records by
    `user_layout`, `item_layout`, `response_layout` and `observation_fields`, and write the dynamics
    as static methods about ONE person, in ordinary scalar Python. They are compiled into a batch
    kernel, so they may use numbers, records, arrays, `math`, the draws of
    `recsim_env.core.streams`, the models of `recsim_env.core.choice` and plain functions of their
    own module; `config` is a record of the numeric settings and of what `derived` returns.

        sample_item(config, item, rng)                       a new item
        sample_user(config, user, rng)                       a person's lasting traits
        begin_episode(config, user, items, rng)              mood, budget, context of this session
        respond(config, user, items, slate, response, rng)   look, choose, consume, change;
                                                             returns (reward, terminated)
        observe(config, user, items, candidates, response, observation)   what becomes visible
        expected_reward(config, user, item)                           the immediate expected reward

    and, where the defaults below do not fit, `long_term_value`, `redundancy`,
    `long_term_redundancy`, `report`, `sample_visitor`, `sample_candidate` and `is_excluded`.
    `items` is the table of items (the catalogue, or the fresh items of this step), `candidates` and
    `slate` hold indices into it; `slate[place]` is -1 where a place is empty, which it is where a
    slate repeats an item. Records come zeroed, and what `observe` does not write is 0. By
    convention the first column of the observation `response` is 1 where the item was clicked.

    Settings are declared with their ranges (`recsim_env.core.settings.setting`), and fields of
    records with theirs (`recsim_env.core.layouts.within`), so that what cannot be is refused before
    compiled code, which checks nothing, meets it. For the same reason a class of one's own takes
    its first steps in plain Python, unless `recsim_env.testing.check_scenario` found it in order.

    Settings:
      n_candidates: items to choose from at each step (10); 0 is the whole catalogue, in the order
        of `item_id`.
      slate_size: items shown at each step (1).
      horizon: steps after which an episode is truncated; 0 is never (0).
      n_users: people who come back with the same traits and a `user_id`; 0 is a stranger every
        episode (0). They are drawn when they session and take no memory.
      n_items: size of a fixed catalogue whose items have an `item_id`; 0 is fresh items at every
        step (0).
      world_seed: what the catalogue and the people are drawn from (0); `reset(seed=)` decides who
        comes and what happens, never what they are like.

    Raises:
      ValueError: a setting outside its range, naming the remedy.
    """

    n_candidates: int = setting(10, low=1, high=MOST_ITEMS, why="or set n_items, of which 0 is all")
    slate_size: int = setting(1, low=1, high=MOST_ITEMS)
    horizon: int = setting(0, low=0, high=MOST_STEPS)
    n_users: int = setting(0, low=0, high=MOST_PEOPLE)
    n_items: int = setting(0, low=0, high=MOST_ITEMS)
    world_seed: int = setting(0, low=0, high=2**63 - 1)

    #: Like `expected_reward` with a view to the whole episode, where time matters; None is no such
    #: view.
    long_term_value: ClassVar[Any] = None

    #: What the expected_reward of `item` loses, 0 or more, when `other` already stands on the
    #: slate: (config, user, item, other). None: items of one slate take nothing from each other.
    redundancy: ClassVar[Any] = None

    #: The same for `long_term_value`.
    long_term_redundancy: ClassVar[Any] = None

    #: The integer field of items that says which kind of thing they are, for measures of diversity.
    category: ClassVar[str | None] = None

    # Whether n_candidates was left to follow n_items.
    _offers_all: ClassVar[bool] = False

    def __post_init__(self) -> None:
        offers_all = isinstance(self.n_candidates, _All) or self.n_candidates == 0
        object.__setattr__(self, "_offers_all", offers_all)
        if offers_all:
            object.__setattr__(self, "n_candidates", self.n_items)
        check_settings(self)
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

    def require(self, name: str, holds: bool, allowed: str) -> None:
        """Raises ValueError saying what is allowed for the setting `name`, unless `holds`."""
        if not holds:
            raise ValueError(f"{name}={shown(getattr(self, name))} is not allowed; use {allowed}")

    def working_bytes(self) -> int:
        """Returns about how much memory it takes to make the world, besides its items.

        It is asked before anything is allocated; by default nothing.
        """
        return 0

    def check_memory(self) -> None:
        """Raises where the world or a person would take absurdly much memory, before any is.

        Raises:
          ValueError: naming the largest settings.
        """
        items = self.n_items * record_bytes(self.item_layout())
        self._refuse_beyond(MOST_BYTES, "the world", items + self.working_bytes())
        person = self._bytes_of_person()
        self._refuse_beyond(MOST_BYTES, "one person with an observation", person)

    def _refuse_beyond(self, most: int, what: str, n_bytes: int) -> None:
        if n_bytes <= most:
            return
        unsized = ("horizon", "n_users", "world_seed")
        sizes = {
            name: value
            for name, value in self.settings.items()
            if type(value) is not bool and isinstance(value, int) and name not in unsized
        }
        largest = sorted(sizes, key=lambda name: -sizes[name])[:3]
        named = ", ".join(f"{name}={sizes[name]}" for name in largest)
        raise ValueError(
            f"{what} would take {n_bytes / 2**30:,.1f} GiB of memory with {named}; "
            f"at most {most / 2**30:g} GiB are allowed: lower one of them"
        )

    def _bytes_of_person(self) -> int:
        """Returns about what a slot, its observation and the bounds of its space take.

        How long an observation is follows from three of a few candidates: it grows evenly with
        candidates and places.
        """
        n, n_places = self.n_candidates, self.slate_size
        slot = record_bytes(self.user_layout()) + 8 * (n + n_places)
        slot += n_places * record_bytes(self.response_layout())
        slot += 0 if self.n_items else n * record_bytes(self.item_layout())
        try:
            few = [self._bytes_of_observation(*sizes) for sizes in ((1, 1), (2, 1), (2, 2))]
        except Exception:  # one's own scenario may need more candidates than that
            return slot
        longer = few[0] + (n - 1) * (few[1] - few[0]) + (n_places - 1) * (few[2] - few[1])
        return slot + 8 * longer

    def _bytes_of_observation(self, n_candidates: int, slate_size: int) -> int:
        few = copy.copy(self)
        object.__setattr__(few, "n_candidates", n_candidates)
        object.__setattr__(few, "slate_size", slate_size)
        return observation_dtype(few.space_fields()).itemsize

    # Layouts -------------------------------------------------------------------------------

    def user_layout(self) -> Mapping[str, Any]:
        """Returns what one person is and feels; see `recsim_env.core.layouts`."""
        return {}

    def item_layout(self) -> Mapping[str, Any]:
        """Returns what one item is."""
        return {}

    def response_layout(self) -> Mapping[str, Any]:
        """Returns what one person did with one shown item; by default what choice models need."""
        return RESPONSE_FIELDS

    def contradictions(self, users: np.ndarray) -> Mapping[str, np.ndarray]:
        """Returns which of `users` (records) hold what cannot be, by the field that is wrong.

        It is asked of states that are restored, after the ranges of single fields were checked;
        by default nothing contradicts.
        """
        return {}

    def observation_fields(self) -> Mapping[str, spaces.Box]:
        """Returns the float32 Boxes that the recommender sees, by name."""
        raise TypeError(f"{type(self).__name__} defines no observation_fields()")

    def info_layout(self) -> Mapping[str, Any]:
        """Returns what `report` writes into the info of every reset and step; by default nothing.

        It is for study, and not for the recommender: welfare and exposure, say.
        """
        return {}

    def column_names(self) -> Mapping[str, tuple[str, ...]]:
        """Returns names for the last axis of observation fields, where they have any."""
        return {}

    def category_columns(self) -> slice:
        """Returns which columns of `candidates` show an item's category: it is the largest of them.

        By default those whose names begin with the name of `category` and an underscore, which must
        be neighbours; none where the category stays hidden.
        """
        names = self.column_names().get("candidates", ())
        if self.category is None or "candidates" not in self.space_fields():
            return slice(0, 0)
        places = [place for place, name in enumerate(names) if name.startswith(f"{self.category}_")]
        return slice(places[0], places[-1] + 1) if places else slice(0, 0)

    def derived(self) -> Mapping[str, Any]:
        """Returns further numbers and small arrays for the config record."""
        return {}

    def describe_user(self, user: np.ndarray, user_id: int | None) -> str:
        """Returns a phrase for a person, true state and context included, for `render`."""
        name = "somebody" if user_id is None else f"user {user_id}"
        return f"{name} ({describe_record(user)})"

    def describe_item(self, item: np.ndarray, item_id: int | None) -> str:
        """Returns a phrase for an item as it truly is, for `render`."""
        name = "" if item_id is None else f"#{item_id} "
        return f"{name}{describe_record(item)}"

    def draw_state(self, axes: Any, user: np.ndarray, items: np.ndarray) -> None:
        """Draws a person's true state into Matplotlib axes, for `rgb_array`; by default nothing.

        Args:
          axes: empty, square.
          user: a structured scalar.
          items: the catalogue, or what was offered last, structured.
        """

    def state_groups(self) -> Mapping[str, tuple[str, ...]]:
        """Returns the fields of `user` that make up its context, taste, satiation and so on.

        By these names an oracle can be asked what it earns without knowing them. The name "person"
        stands for all fields, unless it is given here: where people cannot swap their clocks, say.
        """
        return {}

    def evaluation_settings(self) -> Mapping[str, Any]:
        """Returns settings that frozen evaluations change; by default none.

        A world with a calendar is learned from its past and evaluated in its future.
        """
        return {}

    def flags(self) -> Mapping[str, bool]:
        """Returns values of global constants of the scenario's modules, by their names.

        They are for settings that change which fields a record has: a compiled function cannot name
        a field that is not there. What stands in ``if SHOWS_ITEMS:`` is compiled only where the
        flag is true; in the module, ``SHOWS_ITEMS = True`` stands for the reader.
        """
        return {}

    def tables(self) -> Mapping[str, np.ndarray]:
        """Returns `items` and `users` as structured arrays where they are not drawn but given."""
        return {}

    # One person ------------------------------------------------------------------------------

    @staticmethod
    def sample_item(config, item, rng):
        """Draws a new item; by default it stays as it is."""

    @staticmethod
    def sample_user(config, user, rng):
        """Draws a person's lasting traits; by default they stay as they are."""

    @staticmethod
    def begin_episode(config, user, items, rng):
        """Draws what a person brings to this session; by default nothing.

        `items` is the catalogue; fresh items are not there yet.
        """

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        """Lets a person respond to a slate; returns (reward, terminated)."""
        raise TypeError("a scenario defines respond()")

    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        """Writes what becomes visible; by default nothing."""

    @staticmethod
    def report(config, user, items, info):
        """Writes what `info_layout` describes; by default nothing."""

    @staticmethod
    def expected_reward(config, user, item):
        """Returns the immediate expected reward of showing `item`; the myopic oracle's view."""
        raise TypeError("a scenario defines expected_reward()")

    @staticmethod
    def sample_visitor(config, users, rng):
        """Returns which of the `n_users` people comes; by default any, equally likely."""
        return integer(rng, config.n_users)

    @staticmethod
    def sample_candidate(config, user, items, rng):
        """Returns an item that might be offered; by default any, equally likely."""
        return integer(rng, config.n_items)

    @staticmethod
    def is_excluded(config, user, item_id):
        """Returns whether an item of the catalogue must not be offered to this person now."""
        return False

    def examination_probability(self, clicked: np.ndarray) -> np.ndarray:
        """Returns how likely each place of slates was looked at, (n, slate_size), in [0, 1].

        Agents learn from what was looked at. By default it follows from the settings `choice` and
        `examination` where a scenario has them, see `recsim_env.core.choice`; else all places were.

        Args:
          clicked: (n, slate_size), bool.
        """
        model = getattr(self, "choice", "multinomial_logit")
        return np.asarray(
            examination_probability(model, clicked, getattr(self, "examination", 1.0))
        )

    # What follows from the above ---------------------------------------------------------------

    @property
    def offers_all(self) -> bool:
        """Whether `n_candidates` was left to follow `n_items`."""
        return self._offers_all

    @property
    def settings(self) -> dict[str, Any]:
        """The settings as a dict, from which the scenario can be made again with some changed."""
        found = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return found | ({"n_candidates": _All(self.n_candidates)} if self._offers_all else {})

    @classmethod
    def create(cls, **settings: Any) -> "Scenario":
        """Returns the scenario with these settings; an unknown name lists the known ones."""
        known = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(settings) - set(known))
        if unknown:
            raise ValueError(
                f"{cls.__name__} has no setting {', '.join(unknown)}; known are {', '.join(known)}"
                f"{did_you_mean(unknown[0], known)}"
            )
        lacking = [
            field.name
            for field in dataclasses.fields(cls)
            if field.default is field.default_factory is dataclasses.MISSING
            and field.name not in settings
        ]
        if lacking:
            raise ValueError(f"{cls.__name__} needs {', '.join(lacking)}; it has no default")
        scenario = cls(**settings)
        scenario.check_memory()
        return scenario

    def space_fields(self) -> dict[str, spaces.Space]:
        """Returns the observation by name, ids included, in the order of the record."""
        fields: dict[str, spaces.Space] = dict(self.observation_fields())
        if self.n_users:
            fields["user_id"] = spaces.Discrete(self.n_users)
        if self.n_items:
            fields["item_id"] = spaces.MultiDiscrete(np.full(self.n_candidates, self.n_items))
        return fields

    def dtypes(self) -> dict[str, np.dtype]:
        """Returns the dtypes of `user`, `item`, `response`, `info` and `observation` records."""
        return {
            "user": record_dtype(self.user_layout(), of="user"),
            "item": record_dtype(self.item_layout(), of="item"),
            "response": record_dtype(self.response_layout(), of="response"),
            "info": record_dtype(self.info_layout(), of="info"),
            "observation": observation_dtype(self.space_fields()),
        }

    def config(self, **overrides: Any) -> np.ndarray:
        """Returns a 1-element structured array: numeric settings, `derived`, a blank response."""
        numbers = {
            name: value
            for name, value in self.settings.items()
            if isinstance(value, bool | int | float)
        }
        numbers |= dict(self.derived()) | overrides
        arrays = {name: np.asarray(value) for name, value in numbers.items()}
        blank = self.dtypes()["response"]
        dtype = [(name, _config_type(value), value.shape) for name, value in arrays.items()]
        record = np.zeros(1, np.dtype([*dtype, ("blank_response", blank)], align=True))
        for name, value in arrays.items():
            record[name] = value
        return record


def _config_type(value: np.ndarray) -> np.dtype:
    """Returns the type a setting has in the config record: bool, int64 or the array's float."""
    return np.dtype(np.int64) if value.dtype.kind in "iu" else value.dtype
