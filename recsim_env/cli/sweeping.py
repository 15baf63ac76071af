"""`--sweep` of `recsim-env benchmark`: how it is given, and the table that it prints."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from recsim_env.cli.arguments import Setting, setting
from recsim_env.cli.columns import print_columns

if TYPE_CHECKING:
    from recsim_env.benchmark.experiment.sweep import Entries
    from recsim_env.results.table import ResultTable

_OPEN, _CLOSE, _QUOTES = "([{", ")]}", "\"'"


def add_sweep(parser: argparse.ArgumentParser) -> None:
    """Adds `--sweep`."""
    parser.add_argument(
        "--sweep",
        type=setting,
        action="append",
        metavar="NAME=VALUE,VALUE",
        help="compare at several values of a setting of the scenario, or, as in "
        "agent.linucb.alpha, of an agent; may be repeated, for each combination",
    )


def chosen_sweep(
    changes: Sequence[Setting], scenarios: "Entries", agents: "Entries"
) -> dict[str, list[Any]]:
    """Returns the values of each swept setting, of the type of its default.

    Raises:
      ValueError: a setting is swept twice, or a value is empty or of another type.
    """
    from recsim_env.benchmark.experiment.sweep import default_of

    found: dict[str, list[Any]] = {}
    for change in changes:
        given = f"--sweep {change.name}={change.text}"
        if change.name in found:
            raise ValueError(f"{given}: {change.name} is swept before; name all its values in one")
        default = default_of(change.name, scenarios, agents)
        found[change.name] = []
        for text in _parts(change.text):
            if not text:
                raise ValueError(f"{given} has an empty value; put one comma between two values")
            if text.isdigit() and text.startswith("0") and len(text) > 1:
                raise ValueError(
                    f"{given}: {text} is no value, as commas stand between values; write large "
                    "numbers as in 5_000 or 5k"
                )
            found[change.name].append(Setting(change.name, text).read(default))
    return found


def _parts(text: str) -> list[str]:
    """Returns what stands between commas that are in no quotes and no brackets.

    >>> _parts("10, 50,5_000"), _parts("'a,b',c")
    (['10', '50', '5_000'], ["'a,b'", 'c'])
    """
    parts, depth, quote = [""], 0, ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in _QUOTES:
            quote = sign
        depth += (sign in _OPEN) - (sign in _CLOSE) if not quote else 0
        if sign == "," and not quote and not depth:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def print_sweeps(table: "ResultTable") -> None:
    """Prints score and return of every agent at every combination of settings, with intervals."""
    from recsim_env.results.sweeps import shown_value, sweeps
    from recsim_env.results.wording import with_interval

    for sweep in sweeps(table):
        print(f"\n{sweep.scenario}, by {', '.join(sweep.values)}")
        head = ["agent", *sweep.of_scenario, "seeds", "return"]
        rows = [[*head, "score (uniform 0, oracle 1)"] if sweep.is_scored else head]
        best = sweep.best
        for point in sweep.points:
            values = [shown_value(point.settings[name]) for name in sweep.of_scenario]
            found = point.episode_return
            row = [point.agent, *values, str(found.n), with_interval(found)]
            row += [with_interval(point.score)] if point.score else []
            rows.append([*row, "the best that learns"] if point in best else row)
        print_columns(rows)
