"""`--until decided` of `recsim-env benchmark`: more seeds until it is clear who is the best."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsim_env.cli.arguments import count

if TYPE_CHECKING:
    from recsim_env.benchmark import BenchmarkOutcome, BenchmarkSettings

_MOST_SEEDS = 20


def add_until(parser: argparse.ArgumentParser) -> None:
    """Adds `--until` and `--max-seeds`."""
    parser.add_argument(
        "--until",
        choices=("decided",),
        help="add seeds, as many as --seeds at a time, until one agent of each scenario is better "
        "than all others, by a rule that allows for looking repeatedly",
    )
    parser.add_argument(
        "--max-seeds", type=count, metavar="N", help=f"at most so many ({_MOST_SEEDS})"
    )


def run_chosen(
    options: argparse.Namespace, settings: "BenchmarkSettings", folder: Path, **how: Any
) -> "BenchmarkOutcome":
    """Plays a benchmark, until it is decided where that is asked for, and says how it goes.

    Raises:
      ValueError: `--max-seeds` without `--until`, or as in the library's functions.
    """
    from recsim_env.benchmark import run_benchmark
    from recsim_env.benchmark.experiment.until import run_until_decided

    if options.until is None:
        if options.max_seeds is not None:
            raise ValueError("--max-seeds is of --until decided; for a fixed number use --seeds")
        return run_benchmark(settings, folder, **how)
    most = options.max_seeds or _MOST_SEEDS
    return run_until_decided(settings, folder, max_seeds=most, tell=print, **how)[0]
