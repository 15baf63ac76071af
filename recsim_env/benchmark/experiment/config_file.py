"""The file of a benchmark: its keys, and one that is written with comments and reads back."""

import dataclasses
import inspect
import re
import textwrap
from typing import Any

from recsim_env.benchmark.experiment.settings import BenchmarkSettings
from recsim_env.benchmark.experiment.toml_file import as_key, as_value

_WIDTH = 96
_TABLES = ("scenarios", "agents", "sweep")


def meanings_of_keys() -> dict[str, str]:
    """Returns what each key of a file means, as the docstring of `BenchmarkSettings` says.

    Defaults, which stand there in parentheses, are among it. Without docstrings (``-OO``) it is
    empty for each.
    """
    text = inspect.getdoc(BenchmarkSettings) or ""
    section = text.partition("Attributes:\n")[2].partition("\n\n")[0]
    found = {each.name: "" for each in dataclasses.fields(BenchmarkSettings)}
    for name, said in re.findall(r"^ {2}(\w+): (.*(?:\n {4}.*)*)", section, flags=re.MULTILINE):
        found[name] = " ".join(said.split())
    return found


def config_text(settings: BenchmarkSettings, *, head: str = "") -> str:
    """Returns a file of settings, with a comment on each, from which they are read back.

    Args:
      settings: all of them are written, also those that are as by default.
      head: lines of comment before the first.

    Raises:
      ValueError: one of them has no way into a file, such as a function without a name.
    """
    said = meanings_of_keys()
    values = {name: getattr(settings, name) for name in said}
    parts = ["\n".join(f"# {line}".rstrip() for line in head.splitlines())]
    plain = [name for name in said if name not in _TABLES]
    parts += [f"{_comment(name, said)}{name} = {as_value(values[name])}" for name in plain]
    for name in _TABLES:
        entries = values[name]
        if entries or name != "sweep":
            lines = [f"{as_key(str(key))} = {_entry(key, entries[key])}" for key in entries]
            parts.append("\n".join([f"{_comment(name, said)}[{name}]", *lines]))
    return "\n\n".join(filter(None, parts)) + "\n"


def _comment(name: str, said: dict[str, str]) -> str:
    text = said[name][:1].upper() + said[name][1:]
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, _WIDTH))


def _entry(key: str, value: Any) -> str:
    try:
        return as_value(value)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error
