"""`recsim-env variance`: whether more seeds, more people or more luck would narrow an interval."""

import argparse
from pathlib import Path
from typing import Any

from recsim_env.cli.arguments import (
    AGENT,
    SCENARIO,
    add_count,
    add_jobs,
    add_overwrite,
    add_seeds,
    add_settings,
    as_dict,
    chosen_jobs,
    chosen_seeds,
    path,
    workers,
)
from recsim_env.formats.files import check_folder


def add_commands(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "variance",
        help="split the variance of a mean return into learning seed, people and chance",
        description="Lets agents of several learning seeds meet the same people, each several "
        "times, and says what part of the variance of a mean return comes from the learning seed, "
        "from who the people are, and from chance; likewise of the leads over the first agent. "
        "Interrupted, the same command goes on.",
        examples=("variance MusicStreaming linucb content --seeds 5 --people 200",),
    )
    parser.add_argument("scenario", metavar="SCENARIO", help=SCENARIO)
    parser.add_argument("agents", nargs="+", metavar="AGENT", help=AGENT)
    add_seeds(parser, default="5")
    add_count(parser, "--interactions", "interactions that each agent learns from", default=20_000)
    add_count(parser, "--people", "who are met; beyond 100 a multiple of it", default=200)
    add_count(parser, "--meetings", "with each of them", default=4)
    add_jobs(parser, of="runs")
    add_settings(parser)
    parser.add_argument(
        "--out", type=path, metavar="FOLDER", help="where results go (results/variance/SCENARIO)"
    )
    add_overwrite(parser)
    parser.set_defaults(run=variance)


def variance(options: argparse.Namespace) -> int:
    """Plays what is missing, and prints the table."""
    from recsim_env.benchmark import BenchmarkSettings
    from recsim_env.benchmark.variance import run_variance
    from recsim_env.envs.resolving import settings_of

    given = as_dict(options.settings, settings_of(options.scenario))
    settings = BenchmarkSettings.create(
        scenarios={options.scenario: given},
        agents=options.agents,
        seeds=chosen_seeds(options) or 5,
        interactions=options.interactions,
        checkpoints=1,
        bins=1,
        eval_episodes=options.people,
        jobs=chosen_jobs(options),
    )
    folder = options.out or Path("results") / "variance" / settings.folder_name
    check_folder(folder)
    try:
        with workers(options):
            outcome = run_variance(
                settings,
                folder,
                meetings=options.meetings,
                command=options.typed,
                progress_bar=True,
                overwrite=options.overwrite,
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on with what is left") from None
    if outcome.failed:
        raise RuntimeError(f"{len(outcome.failed)} runs failed; see {outcome.folder / 'errors'}")
    print((outcome.folder / "variance.md").read_text(encoding="utf-8"), end="")
    n = settings.eval_episodes
    print(
        f"\nparts of the variance of one seed's mean over {n:,} people, each met once; more seeds "
        "make all of them smaller, more people only the last two"
    )
    return 0
