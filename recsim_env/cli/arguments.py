"""Arguments that several commands share."""

import argparse
import ast
from collections.abc import Iterable
from typing import Any, NamedTuple


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
    """Returns a whole number of 1 or more, which may be grouped as in 20_000 or 20,000.

    Raises:
      argparse.ArgumentTypeError: it is none.
    """
    try:
        number = int(text.replace(",", ""))
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return number


def seed(text: str) -> int:
    """Returns a whole number of 0 or more.

    Raises:
      argparse.ArgumentTypeError: it is none.
    """
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)
