"""What a benchmark would play, said before any of it is played."""

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from recsim_env.cli.parser import PROGRAM
from recsim_env.cli.process import as_typed

if TYPE_CHECKING:
    from recsim_env.benchmark.experiment.settings import BenchmarkSettings

#: Options that say how a benchmark is played, and not what is.
_OF_NO_FILE = ("until", "max_seeds", "backend", "address", "overwrite", "measure")


def print_size(settings: "BenchmarkSettings") -> None:
    """Prints how many runs a sweep asks for, before any is played."""
    print(_size(settings), flush=True)


def print_config(settings: "BenchmarkSettings", folder: Path, options: Namespace) -> None:
    """Prints a file of settings that asks for the same runs, with comments.

    Args:
      settings: what the file says.
      folder: where results would go.
      options: of the command, of which some are of no file; they stand in the comment.
    """
    from recsim_env.benchmark.experiment.config_file import config_text

    words = [PROGRAM, "benchmark", "--config", "FILE", "--out", str(folder)]
    for name in _OF_NO_FILE:
        given = getattr(options, name)
        words += [f"--{name.replace('_', '-')}"] if given not in (None, False) else []
        words += [str(given)] if given not in (None, False, True) else []
    command = as_typed(words)
    head = f"{_size(settings)}.\n{command}"
    head += "\n\nThese are all keys; what a scenario and an agent can be given is told by"
    head += f"\n{PROGRAM} scenarios NAME and {PROGRAM} agents NAME."
    print(config_text(settings, head=head), end="")


def _size(settings: "BenchmarkSettings") -> str:
    """Returns how many runs the settings ask for.

    Raises:
      ValueError: as `make_plan`, so that what cannot be played is told before.
    """
    from recsim_env.benchmark.experiment.plan import make_plan

    runs = make_plan(settings).runs
    scenarios, agents, seeds = (len({run.key[place] for run in runs}) for place in range(3))
    by_settings = ", each with its settings," if settings.sweep else ""
    return (
        f"{len(runs):,} runs: {_count(scenarios, 'scenario')} by {_count(agents, 'agent')}"
        f"{by_settings} and {_count(seeds, 'seed')}"
    )


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"
