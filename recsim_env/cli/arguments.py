"""Arguments that several commands share."""

import argparse
import ast
import math
import warnings
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from recsim_env.inputs.spelling import fitted, number, whole_number

if TYPE_CHECKING:
    from recsim_env.core.scenario import Scenario

#: What names a scenario and an agent.
SCENARIO = "name, module:Class or file.py:Class"
NEW_AGENT = "name, module:Class or file.py:Class"
AGENT = (
    "name, module:Class or file.py:Class; a function likewise; or the file of a trained one, "
    "saved here, or by Stable-Baselines3 (model.zip, PPO@model.zip), which runs what is in it"
)


class Setting(NamedTuple):
    """A setting given as `name=value`; `name` may be dotted."""

    name: str
    text: str

    def read(self, default: Any = None) -> Any:
        """Returns the value, of the type of its default: text stays text, numbers may be grouped.

        >>> setting("n_items=5_000").read(0), setting("n_items=1e5").read(0)
        (5000, 100000)
        >>> setting("world=5_000").read(""), setting("choice=cascade").read()
        ('5_000', 'cascade')

        Raises:
          ValueError: a number is expected and this is none.
        """
        try:
            return _read(self.text, default)
        except ValueError as error:
            raise ValueError(f"{self.name}={self.text}: {error}") from None


def setting(text: str) -> Setting:
    """Returns a setting from `name=value`.

    Raises:
      argparse.ArgumentTypeError: there is no name or no `=`.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return Setting(name.strip(), value.strip())


def _read(text: str, default: Any) -> Any:
    value = _literal(text)
    if isinstance(default, str):
        return value if isinstance(value, str) else text
    if isinstance(default, bool):
        return {"true": True, "false": False}.get(text.lower(), value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(default, int | float):
        value = fitted(value if is_number else text, default)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError("it is not a finite number")
        return value
    if isinstance(value, tuple) and not text.startswith("("):  # 5,000, or someone's 1.5
        return whole_number(text)
    return value


def _literal(text: str) -> Any:
    """Returns what Python reads in a text, or the text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return {"true": True, "false": False}.get(text, text)


def as_dict(
    settings: Iterable[Setting] | None, defaults: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Returns settings by name; the last of several counts.

    Args:
      settings: as they were given.
      defaults: whose types say how they are read; those it lacks are read as Python reads them.

    Raises:
      ValueError: a number is expected and a text is none.
    """
    known = defaults or {}
    return {each.name: each.read(known.get(each.name)) for each in settings or ()}


def add_settings(parser: Any, *, of: str = "the scenario") -> None:
    """Adds `--set`."""
    parser.add_argument(
        "--set",
        dest="settings",
        type=setting,
        action="append",
        metavar="NAME=VALUE",
        help=f"a setting of {of}; may be repeated",
    )


def add_overwrite(
    parser: Any, *, help: str = "replace what was finished with other settings, or is damaged"
) -> None:
    """Adds `--overwrite`, without which nothing that is there is lost."""
    parser.add_argument("--overwrite", action="store_true", help=help)


def add_agent_settings(parser: argparse.ArgumentParser, *, of_several: bool = False) -> None:
    """Adds `--agent-set`, for one agent or, with its name before a dot, for one of several."""
    parser.add_argument(
        "--agent-set",
        type=setting,
        action="append",
        metavar="AGENT.NAME=VALUE" if of_several else "NAME=VALUE",
        help=f"a setting of {'an' if of_several else 'the'} agent; may be repeated",
    )


def add_tuned(parser: argparse.ArgumentParser) -> None:
    """Adds `--tuned`, which `with_tuned` follows."""
    parser.add_argument(
        "--tuned",
        action="store_true",
        help="with the settings that were found best in this scenario; --agent-set has the last "
        "word",
    )


def with_tuned(agent: str, scenario: "Scenario", given: Mapping[str, Any]) -> dict[str, Any]:
    """Returns settings of an agent over those that were tuned in a scenario, and prints which.

    Raises:
      ValueError: it was not tuned there.
    """
    from recsim_env.agents.tuned import tuned

    found = tuned(agent, scenario)
    said = ", ".join(f"{name}={value}" for name, value in found.settings.items())
    none = f"none of {found.n_trials} settings was better than the default, which count"
    print(f"{agent}, tuned: {said or none}")
    return {**found.settings, **given}


def add_seed(parser: argparse.ArgumentParser, *, of: str) -> None:
    """Adds `--seed`, of one run."""
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help=f"of {of}")


def add_seeds(parser: argparse.ArgumentParser, *, default: str) -> None:
    """Adds `--seeds`, of several runs; `chosen_seeds` returns what it says."""
    parser.add_argument(
        "--seeds",
        type=seed,
        nargs="+",
        metavar="N",
        help=f"how many runs of each, or the seeds of two or more ({default})",
    )


def chosen_seeds(options: argparse.Namespace) -> list[int] | None:
    """Returns the seeds that `--seeds` says, or None where it is not given.

    Raises:
      ValueError: none, too many, or one twice.
    """
    from recsim_env.benchmark.experiment.settings import MAX_SEED

    given: list[int] | None = options.seeds
    if given is None:
        return None
    if len(given) == 1:
        if not 1 <= given[0] <= MAX_SEED:
            raise ValueError(
                f"--seeds {given[0]} is how many; use 1 to {MAX_SEED:,}, or name two or more"
            )
        return list(range(given[0]))
    if len(set(given)) < len(given):
        raise ValueError(f"--seeds {' '.join(map(str, given))} names one twice")
    return given


def add_count(parser: Any, name: str, text: str, *, default: int | None = None) -> None:
    """Adds an option that takes a whole number of 1 or more."""
    parser.add_argument(name, type=count, default=default, metavar="N", help=text)


def add_learn(parser: argparse.ArgumentParser) -> None:
    """Adds `--learn`, for commands whose work begins with an agent that has learned."""
    parser.add_argument(
        "--learn", type=seed, default=0, metavar="N", help="interactions to learn from first"
    )


def add_jobs(parser: Any, option: str = "--jobs", *, of: str, default: int = -1) -> None:
    """Adds the number of processes, and the cluster whose they are, if any."""
    few = "one for each core" if default == -1 else f"{default}"
    parser.add_argument(
        option,
        dest="jobs",
        type=jobs,
        metavar="N",
        help=f"{of} side by side; -1 is one for each core ({few}; of a cluster all)",
    )
    parser.add_argument(
        "--backend",
        choices=("loky", "dask", "ray"),
        help="who plays them: processes here, or the workers of a cluster (loky)",
    )
    parser.add_argument(
        "--address",
        metavar="ADDRESS",
        help="of the cluster: tcp://host:8786 or a scheduler's file, host:6379 (where its library "
        "looks)",
    )
    parser.set_defaults(default_jobs=default)


def chosen_jobs(options: argparse.Namespace) -> int:
    """Returns how many runs are played side by side."""
    if options.jobs is not None:
        return int(options.jobs)
    return -1 if options.backend in ("dask", "ray") else int(options.default_jobs)


def workers(options: argparse.Namespace) -> AbstractContextManager[None]:
    """Returns what lets the work within a `with` be done where the options say."""
    from recsim_env.benchmark.runs.places import working_on

    return working_on(options.backend, options.address)


def count(text: str) -> int:
    """Returns a whole number of 1 or more, in any of the ways that people write them.

    >>> [count(text) for text in ("5000", "5_000", "5,000", "5e3", "5k", "1.5M")]
    [5000, 5000, 5000, 5000, 5000, 1500000]

    Raises:
      argparse.ArgumentTypeError: it is anything else.
    """
    return _number(text, least=1)


def seed(text: str) -> int:
    """Returns a whole number of 0 or more, likewise.

    Raises:
      argparse.ArgumentTypeError: it is anything else.
    """
    return _number(text, least=0)


def path(text: str) -> Path:
    """Returns the path of a file or folder.

    Raises:
      argparse.ArgumentTypeError: it is empty, as a variable of a shell that was never set.
    """
    if not text:
        raise argparse.ArgumentTypeError("it is empty; name a file or folder, or . for this folder")
    return Path(text)


def jobs(text: str) -> int:
    """Returns a number of processes; -1 is one for each core.

    Raises:
      argparse.ArgumentTypeError: it is neither.
    """
    return -1 if text.strip() == "-1" else _number(text, least=1, most=10_000)


def seconds(text: str) -> float:
    """Returns a duration, more than 0 and at most a day.

    Raises:
      argparse.ArgumentTypeError: it is anything else.
    """
    return _within(text, 86_400.0)


def share(text: str) -> float:
    """Returns a share, between 0 and 1.

    Raises:
      argparse.ArgumentTypeError: it is anything else.
    """
    return _within(text, 1.0)


def _within(text: str, most: float) -> float:
    try:
        value = number(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not 0 < value <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not more than 0 and at most {most:,g}")
    return value


def _number(text: str, **limits: int) -> int:
    try:
        return whole_number(text, **limits)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
