"""What is earned: the scenario's own reward, or another one in its place.

A reward of one's own is a function about one person, compiled with the scenario's functions and
called after the person has responded:

    def reward(config, user, items, slate, response, own_reward) -> float

`own_reward` is what `respond` returned; the others are what `respond` was given, as it left them.
"""

import dataclasses
import inspect
import types
from collections.abc import Callable
from typing import Any

from recsim_env.compiler.code_digest import code_digest
from recsim_env.core.settings import quoted, ranges
from recsim_env.inputs.importing import importable_name, imported_function
from recsim_env.inputs.spelling import did_you_mean

TAKES = ("config", "user", "items", "slate", "response", "own_reward")


def own(config, user, items, slate, response, own_reward):
    """Returns the scenario's own reward."""
    return own_reward


def clicks(config, user, items, slate, response, own_reward):
    """Returns how many of the shown items were clicked."""
    n_clicked = 0.0
    for place in range(len(slate)):
        if slate[place] >= 0 and response[place].clicked:
            n_clicked += 1.0
    return n_clicked


#: Rewards that every scenario may be given, by name.
REWARDS = {"clicks": clicks}


def words_of(kind: type) -> tuple[Any, ...] | None:
    """Returns the values of the setting `reward` that mean a scenario's own reward, default first.

    None is all of them: a scenario may have a setting of this name that is something else.
    """
    (default,) = (each.default for each in dataclasses.fields(kind) if each.name == "reward")
    choices = ranges(kind)["reward"].choices if "reward" in ranges(kind) else ()
    if default is not None and not choices:
        return None
    return (default, *(word for word in choices if word != default))


def is_own(reward: Any, kind: type) -> bool:
    """Returns whether a value of the setting `reward` means the scenario's own reward."""
    words = words_of(kind)
    return words is None or reward in words


def as_reward(reward: Any, kind: Any) -> Any:
    """Returns the setting `reward` as the scenario keeps it, so that equal ones are equal.

    It is a word where there is one, ``"module:function"`` where that can be imported, else the
    function itself.

    Args:
      reward: as it was given.
      kind: the scenario's class.

    Raises:
      ValueError: it is no reward, or cannot be called as one.
    """
    words = words_of(kind)
    if words is None:
        return reward
    if reward is None or (isinstance(reward, str) and reward in ("", kind.pays)):
        return words[0]
    if isinstance(reward, str) and (reward in words or reward in REWARDS):
        return reward
    function = function_of(reward) if isinstance(reward, str) and ":" in reward else reward
    if not isinstance(function, types.FunctionType):
        named = [repr(word) for word in dict.fromkeys((*words, *REWARDS))]
        raise ValueError(
            f"reward={quoted(reward)} is not allowed; use {', '.join(named)}, 'module:function', "
            f"'file.py:function' or a function({', '.join(TAKES)})"
            f"{did_you_mean(reward, (*filter(None, words), *REWARDS))}"
        )
    try:
        inspect.signature(function).bind(*TAKES)
    except TypeError as error:
        raise ValueError(
            f"reward={name_of(function)} cannot be called ({error}); define it as "
            f"{function.__name__}({', '.join(TAKES)})"
        ) from error
    return importable_name(function) or function


def function_of(reward: Any) -> Callable[..., Any]:
    """Returns the function that a reward stands for, which is not the scenario's own.

    Raises:
      ValueError: there is no such function.
    """
    if isinstance(reward, str):
        return REWARDS[reward] if reward in REWARDS else imported_function(reward, what="reward")
    found: Callable[..., Any] = reward
    return found


def is_named(reward: Any) -> bool:
    """Returns whether a reward that `as_reward` returned is a name of somebody's function."""
    return isinstance(reward, str) and ":" in reward


def name_of(reward: Any) -> str:
    """Returns what messages call a reward."""
    if isinstance(reward, types.FunctionType):
        return f"{reward.__module__}:{reward.__qualname__}"
    return str(reward)


def described(reward: Any) -> Any:
    """Returns a text that another process compares a reward by: names, and of the nameless what it
    consists of.
    """
    if isinstance(reward, types.FunctionType):
        return f"{name_of(reward)} ({digest_of(reward)})"
    return reward


def digest_of(reward: Any) -> str:
    """Returns digits that change with the text of a reward and of all that it calls or reads.

    What else stands in its file does not count: compiled, a reward reaches nothing unseen.
    """
    return code_digest(function_of(reward), whole_files=False)
