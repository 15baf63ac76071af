"""What a function takes, which says how it is to be called."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any


def n_arguments(function: Any, meanings: Mapping[int, str]) -> int:
    """Returns how many arguments a function takes, by position and without a default.

    Args:
      function: what is to be called.
      meanings: how many there may be, and what they are then.

    Raises:
      TypeError: it cannot be called, does not say what it takes, or takes something else.
    """
    allowed = " or ".join(meanings.values())
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"{function!r:.80} is no function; give one of {allowed}")
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        raise TypeError(
            f"{function!r:.80} does not say what it takes; put it into a function of {allowed}"
        ) from None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [each for each in parameters if each.default is each.empty]
    unclear = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_POSITIONAL)
    n = sum(each.kind in kinds for each in needed)
    if n not in meanings or any(each.kind in unclear for each in needed):
        taken = ", ".join(map(str, parameters)) or "nothing"
        raise TypeError(f"{name_of(function)} takes {taken}; give a function of {allowed}")
    return n


def name_of(function: Callable[..., Any]) -> str:
    """Returns what a function is called in messages."""
    return str(getattr(function, "__qualname__", type(function).__qualname__))
