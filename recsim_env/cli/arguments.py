"""Arguments that several commands share."""

import argparse
import ast
from collections.abc import Iterable
from typing import Any, NamedTuple

from recsim_env.spelling import whole_number


class Setting(NamedTuple):
    """A setting given as `name=value`; `name` may be dotted."""

    name: str
    value: Any


def setting(text: str) -> Setting:
    """Returns a setting from `name=value`; the value is a Python literal, or else text.

    >>> setting("n_topics=5"), setting("choice=cascade"), setting("shape=[2, 3]").value
    (Setting(name='n_topics', value=5), Setting(name='choice', value='cascade'), [2, 3])

    Raises:
      argparse.ArgumentTypeError: there is no name or no `=`.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not name=value")
    try:
        parsed = ast.literal_eval(value.strip())
    except (ValueError, SyntaxError):
        parsed = {"true": True, "false": False}.get(value.strip(), value.strip())
    return Setting(name.strip(), parsed)


def as_dict(settings: Iterable[Setting] | None) -> dict[str, Any]:
    """Returns settings by name; the last of several counts."""
    return {each.name: each.value for each in settings or ()}


def add_settings(parser: argparse.ArgumentParser, *, of: str = "the scenario") -> None:
    """Adds `--set`."""
    parser.add_argument(
        "--set",
        dest="settings",
        type=setting,
        action="append",
        metavar="NAME=VALUE",
        help=f"a setting of {of}; may be repeated",
    )


def add_agent_settings(parser: argparse.ArgumentParser) -> None:
    """Adds `--agent-set`."""
    parser.add_argument(
        "--agent-set",
        type=setting,
        action="append",
        metavar="NAME=VALUE",
        help="a setting of the agent; may be repeated",
    )


def count(text: str) -> int:
    """Returns a whole number of 1 or more, in any of the ways that people write them.

    >>> [count(text) for text in ("5000", "5_000", "5,000", "5e3", "5k", "1.5M")]
    [5000, 5000, 5000, 5000, 5000, 1500000]

    Raises:
      argparse.ArgumentTypeError: it is none.
    """
    return _number(text, least=1)


def seed(text: str) -> int:
    """Returns a whole number of 0 or more, likewise.

    Raises:
      argparse.ArgumentTypeError: it is none.
    """
    return _number(text, least=0)


def jobs(text: str) -> int:
    """Returns a number of processes; -1 is one for each core.

    Raises:
      argparse.ArgumentTypeError: it is neither.
    """
    return -1 if text.strip() == "-1" else _number(text, least=1, most=10_000)


def _number(text: str, **limits: int) -> int:
    try:
        return whole_number(text, **limits)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
