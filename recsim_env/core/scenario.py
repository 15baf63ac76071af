"""What a scenario is: settings, what its records hold, and a few functions about one person."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from recsim_env.core.choice import RESPONSE_FIELDS, examination_probability
from recsim_env.core.common import CommonSettings
from recsim_env.core.fields import Layout, config_record, shown
from recsim_env.core.hidden import CANDIDATE_STATE
from recsim_env.core.memory import check_memory
from recsim_env.core.reward import function_of, name_of, own
from recsim_env.core.schema import Schema
from recsim_env.core.settings import check_names, numbers_of, quoted
from recsim_env.core.streams import integer


@dataclass(frozen=True, kw_only=True)
class Scenario(CommonSettings):
    """A kind of people, a kind of items, and how the former respond to the latter.

    Subclass it as a frozen dataclass. Its fields are the settings, declared with their ranges
    (`recsim_env.setting`). Layouts say what records hold and what of it the recommender sees
    (`recsim_env.shown`). The dynamics are static methods about ONE person, in ordinary scalar
    Python; they are compiled into a loop over many people, so they may use numbers, records,
    arrays, `math`, the draws of `recsim_env.core.streams`, the models of `recsim_env.core.choice`
    and plain functions of modules. Most scenarios need some of these, and no others:

        sample_item(config, item, rng)                       a new item
        sample_user(config, user, rng)                       a person's lasting traits
        begin_episode(config, user, items, rng)              mood, budget, context of this session
        respond(config, user, items, slate, response, rng)   look, choose, consume, change;
                                                             returns (reward, terminated)
        observe(config, user, items, candidates, response, observation)    what is computed to
                                                             be shown; the rest is copied
        expected_reward(config, user, item)                  the immediate expected reward
        long_term_value(config, user, item)                  likewise, of the whole episode
        derived(), tables()                                  numbers and items that are computed

    A scenario that changes another one subclasses it, and calls its functions by the name of the
    class, ``Parent.respond(config, user, items, slate, response, rng)``; there is no object that
    `super` could find them by.

    `config` is a record of the numeric settings and of what `derived` returns, `rng` the person's
    own stream. `items` is the table of items (the catalogue, or the fresh items of this step);
    `candidates` and `slate` hold indices into it. `slate[place]` is -1 where a place is empty,
    which it is where a slate repeats an item. Records come zeroed.

    Compiled code checks nothing, so mistakes must show beforehand: a class of your own takes its
    first steps in plain Python, unless `recsim_env.testing.check_scenario` has passed it.
    """

    #: Like `expected_reward`, but of the whole episode; None where what is shown changes nobody.
    long_term_value: ClassVar[Any] = None

    #: How likely an item that is shown alone is clicked, (config, user, item): `expected_reward` of
    #: reward="clicks". None where that is not known.
    click_probability: ClassVar[Any] = None

    #: How much less `expected_reward`, or `long_term_value`, of `item` is when `other` is already
    #: on the slate, 0 or more: (config, user, item, other). None where items do not compete.
    redundancy: ClassVar[Any] = None
    long_term_redundancy: ClassVar[Any] = None

    #: The integer field of items that says which kind of thing they are, for measures of diversity.
    category: ClassVar[str | None] = None

    #: The field of items that places them in a space, where alike is near by the cosine; without
    #: it, items are alike where they are of one category.
    item_vector: ClassVar[str | None] = None

    #: The fields of `user`, one number each, by which groups of people are compared, such as a kind
    #: of person; numbers that are not whole are cut at their quartiles.
    traits: ClassVar[tuple[str, ...]] = ()

    #: The field of `user` that counts sessions, where an episode has several.
    session_count: ClassVar[str | None] = None

    #: Which consumed items a person would rather have done without: from records of responses,
    #: (..., slate_size), to bool. None where intentions are not known.
    regretted: ClassVar[Any] = None

    #: The integer field of items that says who made them, for measures of what makers get.
    maker: ClassVar[str | None] = None

    #: The field of `user` that counts the makers who are there, where some leave and others come.
    active_makers: ClassVar[str | None] = None

    #: Whether any item of the catalogue may be offered at any time; not where they come and go.
    is_lasting: ClassVar[bool] = True

    #: Whether an episode is one person's; not where many come in turn, as to a platform.
    is_one_person: ClassVar[bool] = True

    #: The fields of `user` that make up its context, taste, satiation and so on, for ablations. The
    #: name "person" is all fields unless it is given here: where people cannot swap clocks, say.
    state_groups: ClassVar[Mapping[str, tuple[str, ...]]] = {}

    #: What words and draws people and items; see `recsim_env.envs.render`.
    view: ClassVar[Any] = None

    def user_layout(self) -> Layout:
        """Returns what one person is and feels; see `recsim_env.core.fields`."""
        return {}

    def item_layout(self) -> Layout:
        """Returns what one item is."""
        return {}

    def response_layout(self) -> Layout:
        """Returns what one person did with one shown item; by default what choice models need."""
        return RESPONSE_FIELDS

    def observation_layout(self) -> Mapping[str, Any]:
        """Returns the columns that `observe` computes, by entry; see `Schema.observation`."""
        return {}

    def info_layout(self) -> Layout:
        """Returns what `report` writes into infos for study, not for the recommender."""
        return {}

    def derived(self) -> Mapping[str, Any]:
        """Returns further numbers and small arrays for the config record."""
        return {}

    def tables(self) -> Mapping[str, np.ndarray]:
        """Returns `items` and `users` as structured arrays where they are not drawn but given."""
        return {}

    def contradictions(self, users: np.ndarray) -> Mapping[str, np.ndarray]:
        """Returns which restored `users` (records) have impossible values, by field: (n,) bool."""
        return {}

    def working_bytes(self) -> int:
        """Returns about how much memory it takes to make the world, besides its items."""
        return 0

    def evaluation_settings(self) -> Mapping[str, Any]:
        """Returns settings that frozen evaluations change: a later part of a calendar, say."""
        return {}

    def flags(self) -> Mapping[str, bool]:
        """Returns values of global constants of the scenario's modules, by their names.

        A compiled function cannot name a field that is not there, and what stands in
        ``if SHOWS_ITEMS:`` is compiled only where the flag is true; ``SHOWS_ITEMS = True`` in the
        module stands for the reader.
        """
        return {}

    # One person ----------------------------------------------------------------------------------

    @staticmethod
    def sample_item(config, item, rng):
        """Draws a new item; by default it stays as it is."""

    @staticmethod
    def sample_user(config, user, rng):
        """Draws a person's lasting traits; by default they stay as they are."""

    @staticmethod
    def begin_episode(config, user, items, rng):
        """Draws what a person brings to this session; fresh items are not there yet."""

    @staticmethod
    def respond(config, user, items, slate, response, rng):
        """Lets a person respond to a slate; returns (reward, terminated)."""
        raise TypeError("a scenario defines respond()")

    @staticmethod
    def observe(config, user, items, candidates, response, observation):
        """Writes the columns of `observation_layout`; what it does not write is 0."""

    @staticmethod
    def report(config, user, items, info):
        """Writes what `info_layout` describes."""

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

    @classmethod
    def create(cls, **settings: Any) -> Self:
        """Returns the scenario with these settings; an unknown name lists the known ones."""
        check_names(cls, settings)
        scenario = cls(**settings)
        if "offers_all" not in vars(scenario):
            raise TypeError(
                f"{cls.__name__}.__post_init__() leaves settings unchecked; let it begin with "
                "super().__post_init__()"
            )
        scenario.check_memory()
        return scenario

    @property
    def reward_function(self) -> Callable[..., Any]:
        """The function that says what is earned; see `recsim_env.core.reward`."""
        return own if self.pays_own else function_of(self.reward)

    def outlook(self, name: str) -> Callable[..., Any] | None:
        """Returns `expected_reward`, `long_term_value` or what makes them less, of what is earned.

        None is that the scenario cannot say: it defines no such function, or one that is of its own
        reward while another is earned. Of "clicks" it may have a `click_probability`.
        """
        function = getattr(self, name)
        if not self.pays_own:
            is_chance = self.reward == "clicks" and name == "expected_reward"
            function = self.click_probability if is_chance else None
        return None if function is Scenario.expected_reward else function

    def no_outlook(self, name: str) -> str:
        """Returns why there is no outlook on another reward than the own, and how to have one."""
        who = "oracle" if name == "expected_reward" else "far-sighted reference"
        remedy = f"a subclass whose respond() pays it and whose {name}() foresees it has one"
        if self.reward == "clicks" and name == "expected_reward":
            remedy = "it has no click_probability(config, user, item)"
        return (
            f"{type(self).__name__} cannot say what to expect of reward={name_of(self.reward)} "
            f"instead of its own, so there is no {who}; {remedy}"
        )

    def remedy_for(self, lack: str) -> str:
        """Returns what gives agents something that they require and lack here; "" if nothing does.

        Args:
          lack: what is required, such as "item features".
        """
        return ""

    def check_memory(self) -> None:
        """Raises where the world or a person would take absurdly much memory, before any is."""
        check_memory(self.schema, self.settings, self.working_bytes())

    @property
    def schema(self) -> Schema:
        """The records, spaces and names that follow from the layouts."""
        return Schema(
            user=self._layout("user"),
            item=self._layout("item"),
            response=self._layout("response"),
            info=self._layout("info"),
            observation={**self._layout("observation"), **self._worth_layout()},
            sizes=self.settings,
            shows_state=self.observe_state,
        )

    def _layout(self, of: str) -> Layout:
        """Returns what the method of this name returns; raises TypeError where that is no dict."""
        layout: Layout = getattr(self, f"{of}_layout")()
        if not isinstance(layout, Mapping):
            raise TypeError(
                f"{type(self).__name__}.{of}_layout() returned {quoted(layout)}; return a dict "
                "from names of fields to their types, such as {'taste': float}"
            )
        return layout

    def _worth_layout(self) -> dict[str, Layout]:
        """Returns the column of the expected reward of candidates, where the state is seen."""
        is_known = self.observe_state and self.outlook("expected_reward") is not None
        return {CANDIDATE_STATE: {"expected_reward": shown(float)}} if is_known else {}

    def config(self, **overrides: Any) -> np.ndarray:
        """Returns a 1-element structured array: settings, `derived` and a blank response."""
        settings = self.settings | {"reward": self.own_reward}
        derived = self.derived()
        if not isinstance(derived, Mapping):
            raise TypeError(
                f"{type(self).__name__}.derived() returned {quoted(derived)}; return a dict from "
                "names to numbers or arrays of them"
            )
        numbers = numbers_of(settings, type(self)) | dict(derived) | overrides
        return config_record(numbers, self.response_layout())

    def examination_probability(self, clicked: np.ndarray) -> np.ndarray:
        """Returns how likely each place of slates was looked at, given clicks, (n, slate_size).

        It follows from the settings `choice` and `examination`; without them, all places were.
        """
        model = getattr(self, "choice", "multinomial_logit")
        return examination_probability(model, clicked, getattr(self, "examination", 1.0))
