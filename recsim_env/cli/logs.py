"""The options of commands that read a log, and the log that they ask for."""

import argparse
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from recsim_env.cli.arguments import path

if TYPE_CHECKING:
    from recsim_env.data import InteractionLog

NAMED = ("movielens-100k", "inst-eval", "ta-feng")

_COLUMNS = {
    "user": "of users (by its name)",
    "item": "of items (by its name)",
    "rating": "of ratings (by its name)",
    "click": "of clicks; rows with 0 were shown, not clicked (by its name)",
    "time": "of times (by its name)",
    "slate": "that says which rows were shown together (by its name, in a log of clicks)",
    "place": "that says where an item was shown (by its name, in a log of clicks)",
    "shown": "of lists of what was shown, where --item is what was clicked, or ids end with -1",
}
_REPEATS = ("keep", "count", "first", "last", "error")


def add_log(parser: argparse.ArgumentParser, *, keeps_all: bool = False) -> None:
    """Adds the log, its columns, and what to keep of rows that repeat, unless all are kept."""
    parser.add_argument(
        "log", metavar="LOG", help=f"file or folder of ratings or clicks, or {', '.join(NAMED)}"
    )
    for column, text in _COLUMNS.items():
        parser.add_argument(f"--{column}", metavar="COLUMN", help=f"the log's column {text}")
    parser.add_argument(
        "--context",
        default="",
        metavar="COLUMNS",
        help="the log's columns that people come in, as device,hour; hour and weekday are also "
        "taken from the time (none)",
    )
    for what in ("items", "users"):
        parser.add_argument(
            f"--{what}", type=path, metavar="FILE", help=f"table that describes the {what} (none)"
        )
    if not keeps_all:
        parser.add_argument(
            "--repeats",
            choices=_REPEATS,
            help="what stands for rows that repeat a user and item: all, how many they are, or one "
            "of them, by time, or by the place in the file without times; error refuses such a log "
            "(keep for clicks, last for ratings)",
        )
    parser.add_argument(
        "--missing",
        choices=("error", "drop"),
        default="error",
        help="what to do with rows in which a value is missing (error)",
    )
    parser.add_argument(
        "--dates",
        choices=("day-first", "month-first"),
        help="how to read dates like 11/1/2000 (as suits the whole column)",
    )
    parser.add_argument(
        "--no-header",
        action="store_true",
        help="the first line is a row: columns are called 1, 2 … (seen by itself where possible)",
    )
    parser.add_argument(
        "--encoding", metavar="NAME", help="of a log in text, such as latin-1 (default: utf-8)"
    )
    parser.set_defaults(keeps_all=keeps_all)


def read_log_of(options: argparse.Namespace) -> "InteractionLog":
    """Returns the log that `add_log` asks for, and prints what was taken for what.

    Logs that are known by a name are fetched when first named.
    """
    from recsim_env.data import LogWarning, read_log
    from recsim_env.data.named_logs import NAMED_LOGS

    source = options.log
    columns = {column: getattr(options, column) for column in _COLUMNS}
    if source in NAMED_LOGS and not Path(source).exists():
        named = NAMED_LOGS[source]
        source = named.fetch()
        columns = {role: given or named.columns.get(role) for role, given in columns.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LogWarning)  # what it doubts is printed
        log = read_log(
            source,
            **columns,
            context=options.context,
            items=options.items,
            users=options.users,
            repeats="keep" if options.keeps_all else options.repeats,
            missing=options.missing,
            dates=options.dates,
            has_header=False if options.no_header else None,
            encoding=options.encoding,
        )
    print(log.reading)
    return log
