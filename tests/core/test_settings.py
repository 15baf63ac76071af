"""What each setting may be, declared with its default and checked before anything is done."""

import dataclasses
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from recsim_env import Scenario
from recsim_env.core.fields import shown
from recsim_env.core.settings import Allowed, as_type_of, check_settings, ranges, setting
from recsim_env.envs import RecommendationEnv, resolve_scenario
from recsim_env.envs.registry import ENVIRONMENTS


class Huge(int):
    """Has no text for pytest to make an id of."""

    def __str__(self):
        return "huge"


SCENARIOS = sorted({name for name, _ in ENVIRONMENTS.values()})


@dataclass(frozen=True)
class Machine:
    speed: float = setting(2.0, low=0, high=10)
    n_wheels: int = setting(4, low=1)
    colour: str = setting("red", choices=("red", "blue"))

    def __post_init__(self):
        check_settings(self)


@dataclass(frozen=True)
class Tricycle(Machine):
    speed: float = 1.0
    n_wheels: int = setting(3, high=3, why="it is a tricycle")


@pytest.mark.parametrize(
    ("allowed", "text"),
    [
        ({"low": 0}, "0 or more"),
        ({"low": 5}, "at least 5"),
        ({"low": 0, "high": 1}, "0 to 1"),
        ({"above": 0}, "more than 0"),
        (
            {"above": 0, "high": 1, "why": "or it never ends"},
            "more than 0, up to 1, or it never ends",
        ),
        ({"above": 0, "below": 1}, "more than 0 and less than 1"),
        ({"low": 0, "below": 1}, "0 to less than 1"),
        ({"low": 1, "high": 1, "why": "there is one"}, "1: there is one"),
        ({"high": 3}, "up to 3"),
        ({"choices": ("a", "b")}, "one of a, b"),
    ],
)
def test_ranges_are_worded(allowed, text):
    assert str(Allowed(**allowed)) == text


def test_another_default_keeps_the_range_and_may_narrow_it():
    assert Tricycle().n_wheels == 3
    assert ranges(Tricycle)["n_wheels"] == Allowed(low=1, high=3, why="it is a tricycle")
    for wrong in ({"speed": 11.0}, {"n_wheels": 4}, {"n_wheels": 0}, {"colour": "green"}):
        with pytest.raises(ValueError, match="is not allowed; use"):
            Tricycle(**wrong)


@pytest.mark.parametrize(
    ("default", "value", "given"),
    [
        (0.5, 10**400, None),
        (0.5, np.float64("nan"), None),
        (0.5, np.longdouble("1e4000"), None),
        (0.5, np.complex64(1), None),
        (0.5, np.float32(0.25), 0.25),
        (0.5, np.int16(3), 3.0),
        (0.5, True, None),
        (3, np.uint64(2**63), None),
        (3, Huge(10**6000), None),
        (3, 3.0, None),
        (True, np.bool_(False), False),
        (True, 1, None),
        ("a", None, None),
        ("a", 3, None),
        ("a", Path("b"), "b"),
    ],
)
def test_values_of_any_type_are_taken_or_refused(default, value, given):
    if given is None:
        with pytest.raises(ValueError, match=r"^size=.{,300} (is not allowed|is of type \w+); use"):
            as_type_of(default, "size", value)
    else:
        taken = as_type_of(default, "size", value)
        assert taken == given
        assert type(taken) is type(default)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_setting_has_both_ends(name):
    scenario = resolve_scenario(name)
    allowed = ranges(type(scenario))
    for field in dataclasses.fields(scenario):
        if isinstance(field.default, bool | None) or field.name == "world":
            continue
        own = allowed[field.name]
        if not own.choices:
            assert math.isfinite(max(own.low, own.above)), field.name
            assert math.isfinite(min(own.high, own.below)), field.name


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        (
            "long_term_satisfaction:LongTermSatisfaction",
            {"kale_sd": 700.0},
            "kale_sd=700.0 .*0 to 4",
        ),
        (
            "interest_exploration:InterestExploration",
            {"topic_1_quality": 1e3},
            "=1000.0 .*-30 to 30",
        ),
        ("creator_economy:CreatorEconomy", {"polarization": 1e39}, r"=1e\+39 .*0 to 1e\+09"),
        ("news_feed:NewsFeed", {"articles_per_day": 2}, "only 4 articles .*articles_per_day=2.0"),
        ("news_feed:NewsFeed", {"articles_per_day": 0.3, "n_items": 10**6}, "3.33e.06 days"),
        ("news_feed:NewsFeed", {"n_items": 10**6, "surges_per_week": 50.0}, "surges_per_week=50.0"),
        ("interest_evolution:InterestEvolution", {"n_topics": 10**9}, "n_topics=1000000000 .*2 to"),
        (
            "interest_evolution:InterestEvolution",
            {"n_topics": 10_000, "n_candidates": 20_000},
            "would take 6.0 GiB of memory with n_candidates=20000, n_topics=10000",
        ),
        ("boredom:Boredom", {"n_topics": 30_000, "n_items": 10**7}, "the world would take 1,11"),
        ("rated_catalogue:RatedCatalogue", {"max_slates": 10**9, "n_items": 2 * 10**9}, "GiB"),
        ("rated_catalogue:RatedCatalogue", {"world": 5}, "world=5 is of type int; use str"),
        ("rated_catalogue:RatedCatalogue", {"world": "x" * 9000}, "does not exist"),
        ("short_video:ShortVideo", {"exposure_window": 20_000}, "exposure_window=20000"),
    ],
)
def test_what_cannot_work_is_refused_at_once(name, settings, message):
    begun = time.perf_counter()
    with pytest.raises(ValueError, match=message):
        resolve_scenario(f"recsim_env.scenarios.{name}", **settings)
    assert time.perf_counter() - begun < 1.0


def test_settings_of_a_class_that_is_not_decorated_say_what_is_missing():
    class Bare(Scenario):
        depth: float = setting(1.0, low=0, high=2, doc="of anything")

    class Plain(Scenario):
        depth: float = 1.0

    for kind in (Bare, Plain):
        with pytest.raises(TypeError, match=r"has settings \(depth\) but is no .*frozen=True"):
            RecommendationEnv(kind, depth=0.5)


def test_settings_that_nobody_checks_are_refused():
    @dataclass(frozen=True, kw_only=True)
    class Unchecked(Scenario):
        def __post_init__(self):
            pass

    with pytest.raises(
        TypeError, match=r"Unchecked\.__post_init__\(\) .* super\(\)\.__post_init__"
    ):
        resolve_scenario(Unchecked, slate_size=99)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (3, r"Deriving\.derived\(\) returned 3; return a dict"),
        ({"depth": "much"}, "depth='much' of derived.. is no number"),
        ({"depth": [1, [2]]}, "of derived.. is no number, nor an array"),
    ],
)
def test_what_is_derived_is_numbers(found, message):
    @dataclass(frozen=True, kw_only=True)
    class Deriving(Scenario):
        def derived(self):
            return found

    with pytest.raises((TypeError, ValueError), match=message):
        Deriving().config()


def test_what_people_use_is_not_refused():
    people = {"n_users": 10**9, "n_items": 10**6}
    for name in ("rated_catalogue:RatedCatalogue", "boredom:Boredom", "short_video:ShortVideo"):
        resolve_scenario(f"recsim_env.scenarios.{name}", **people, n_candidates=5000, slate_size=50)


def test_memory_is_reckoned_where_few_candidates_are_not_possible():
    @dataclass(frozen=True, kw_only=True)
    class Pairs(Scenario):
        def observation_layout(self):
            first, second = range(self.n_candidates)[:2]
            return {"pairs": {"apart": shown(float, 0, 1, second - first)}}

    assert Pairs.create(n_candidates=5).n_candidates == 5
