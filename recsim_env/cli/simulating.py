"""`recsim-env simulate`: very many people, by many processes, in one report."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from recsim_env.cli.arguments import (
    NEW_AGENT,
    add_count,
    add_jobs,
    add_overwrite,
    as_dict,
    chosen_jobs,
    count,
    path,
    workers,
)
from recsim_env.cli.playing import add_common, chosen_scenario
from recsim_env.formats.files import check_folder

if TYPE_CHECKING:
    from recsim_env.benchmark.simulation.simulate import SimulationOutcome


def add_commands(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "simulate",
        help="simulate very many people, on all cores or a cluster",
        description="Lets people be served by an agent that learns no more, and reports on all of "
        "them. The report is the same, to the byte, on any number of workers. With --out, the same "
        "command goes on where it was interrupted.",
        examples=(
            "simulate InterestEvolution oracle --people 1M",
            "simulate MusicStreaming linucb.agent --people 100M --out results/everybody",
            "simulate NewsFeed popularity.agent --people 10M --backend ray --address head:6379",
        ),
    )
    add_common(parser)
    parser.add_argument(
        "agent", metavar="AGENT", help=f"{NEW_AGENT}, or file of a trained one: it learns nothing"
    )
    parser.add_argument("--people", type=count, default=100_000, metavar="N", help="how many")
    add_count(parser, "--sessions", "of each of them", default=1)
    add_jobs(parser, "--workers", of="blocks of 50,000 people")
    parser.add_argument(
        "--out", type=path, metavar="FOLDER", help="keeps blocks and report.json (none)"
    )
    add_overwrite(parser)
    parser.set_defaults(run=simulate_people)


def simulate_people(options: argparse.Namespace) -> int:
    """Plays what is missing, and prints the report."""
    from recsim_env.agents import agent_class
    from recsim_env.benchmark.simulation.simulate import simulate

    if options.out:
        check_folder(options.out)
    kind = agent_class(options.agent)
    try:
        with workers(options):
            outcome = simulate(
                chosen_scenario(options, [options.agent]),
                options.agent,
                people=options.people,
                sessions=options.sessions,
                seed=options.seed,
                agent_settings=as_dict(options.agent_set, kind.Settings.defaults()),
                folder=options.out,
                jobs=chosen_jobs(options),
                command=options.typed,
                progress_bar=True,
                overwrite=options.overwrite,
            )
    except KeyboardInterrupt:
        goes_on = "the same command goes on with what is left" if options.out else ""
        raise KeyboardInterrupt(goes_on) from None
    _print(outcome, options)
    return 1 if outcome.failed else 0


def _print(outcome: "SimulationOutcome", options: argparse.Namespace) -> None:
    for _, _, number in outcome.failed:
        where = f"; see {options.out / 'errors'}" if options.out else ""
        print(f"FAILED: block {number} of {outcome.n_blocks}{where}", file=sys.stderr)
    if outcome.n_kept:
        print(f"{outcome.n_kept} of {outcome.n_blocks} blocks were finished before and are kept")
    if outcome.report:
        print("\n".join(outcome.report.lines()))
    print(
        f"speed               {outcome.steps_per_second:,.0f} steps/s; 10^9 steps cost "
        f"{outcome.core_hours:.2g} core hours; peak memory {outcome.peak_mebibytes:,.0f} MiB a "
        "worker"
    )
    if options.out and outcome.report:
        print(f"report: {options.out / 'report.json'}")
