"""Where tuning looks, of every agent: within what is allowed, and around the default."""

import dataclasses

import pytest

from recsim_env.agents import AGENTS, agent_class
from recsim_env.core.search import Search, searches
from recsim_env.core.settings import as_type_of, ranges, setting

SPACES = {name: searches(agent_class(name).Settings) for name in AGENTS}
LEARN = [name for name in AGENTS if name not in ("uniform", "oracle", "diverse_oracle")]


@pytest.mark.parametrize("name", AGENTS)
def test_what_is_searched_is_allowed_and_holds_the_default(name):
    kind = agent_class(name).Settings
    defaults, allowed = kind.defaults(), ranges(kind)
    for setting_name, search in SPACES[name].items():
        assert defaults[setting_name] in search, setting_name
        for end in search.ends:
            as_type_of(defaults[setting_name], setting_name, end)  # raises
            assert setting_name not in allowed or end in allowed[setting_name], setting_name


@pytest.mark.parametrize("name", AGENTS)
def test_the_ends_of_what_is_searched_make_settings(name):
    kind = agent_class(name).Settings
    for place in (0, -1):
        ends = {each: search.ends[place] for each, search in SPACES[name].items()}
        made = kind(**ends)
        assert {each: getattr(made, each) for each in ends} == ends


def test_agents_that_learn_have_something_to_search():
    assert [name for name in LEARN if not SPACES[name]] == ["far_sighted"]


def test_a_space_is_inherited_until_it_is_replaced():

    @dataclasses.dataclass(frozen=True)
    class Parent:
        pace: float = setting(1.0, search=Search(0.1, 10.0, log=True))

    @dataclasses.dataclass(frozen=True)
    class Child(Parent):
        pace: float = 2.0

    @dataclasses.dataclass(frozen=True)
    class Other(Parent):
        pace: float = setting(0.0, search=Search(choices=(0.0, 1.0)))

    assert searches(Child) == searches(Parent) == {"pace": Search(0.1, 10.0, log=True)}
    assert searches(Other)["pace"].ends == (0.0, 1.0)


@pytest.mark.parametrize(
    "wrong",
    [{}, {"low": 1.0, "high": 1.0}, {"low": 0.0, "high": 1.0, "log": True}, {"choices": (1, 1)}],
)
def test_what_is_no_space_is_refused(wrong):
    with pytest.raises(ValueError, match="neither a range nor several choices"):
        Search(**wrong)
