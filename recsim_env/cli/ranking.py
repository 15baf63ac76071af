"""`recsim-env rank`: evaluates recommenders on a real log."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from recsim_env.cli.arguments import (
    NEW_AGENT,
    add_agent_settings,
    add_count,
    add_jobs,
    add_overwrite,
    add_seeds,
    chosen_jobs,
    chosen_seeds,
    count,
    path,
    seed,
    share,
    workers,
)
from recsim_env.cli.comparing import with_agent_settings
from recsim_env.cli.logs import add_log, read_log_of
from recsim_env.formats.files import check_folder

if TYPE_CHECKING:
    from recsim_env.benchmark.ranking.protocol import RankingProtocol
    from recsim_env.benchmark.ranking.study import RankingOutcome


def add_commands(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "rank",
        help="judge recommenders on a ratings log",
        description="Fits recommenders to a log of real people and ranks what was held out of it; "
        "`random` is always a row. Defaults are those of a published comparison on MovieLens-100K. "
        "Interrupted, the same command goes on where it was.",
        examples=(
            "rank movielens-100k",
            "rank ratings.csv --user user_id --item film --rating stars --agents popularity ials",
            "rank movielens-100k --protocol time --out results/ranking",
        ),
    )
    add_log(parser)
    parser.add_argument(
        "--protocol",
        choices=("leave-one-out", "time"),
        default="leave-one-out",
        help="hold out everybody's last row, or all rows after one moment",
    )
    parser.add_argument(
        "--negatives",
        type=_negatives,
        metavar="N",
        help="sampled items to rank among, or all (99; all with --protocol time)",
    )
    parser.add_argument(
        "--held-out",
        type=share,
        default=0.1,
        metavar="SHARE",
        help="of all rows, with --protocol time only",
    )
    parser.add_argument(
        "--split-seed",
        type=seed,
        default=0,
        metavar="N",
        help="draws which of a person's rows of one moment comes last",
    )
    for name, default in (("user", 20), ("item", 5)):
        add_count(parser, f"--min-{name}", f"rows that every {name} has at least", default=default)
    parser.add_argument(
        "--k", type=count, nargs="+", default=[10], metavar="N", help="lengths of lists"
    )
    parser.add_argument(
        "--agents", nargs="+", metavar="AGENT", help=f"{NEW_AGENT}; all: all that can (all)"
    )
    add_agent_settings(parser, of_several=True)
    add_seeds(parser, default="3")
    add_jobs(parser, of="runs", default=1)
    parser.add_argument(
        "--out", type=path, metavar="FOLDER", help="keeps table, page, settings (none)"
    )
    add_overwrite(parser)
    parser.set_defaults(run=rank_log)


def _negatives(text: str) -> int | str:
    return text if text == "all" else count(text)


def protocol_of(options: argparse.Namespace) -> "RankingProtocol":
    """Returns what was asked for."""
    from recsim_env.benchmark.ranking.protocol import RankingProtocol

    negatives: Any = options.negatives or ("all" if options.protocol == "time" else 99)
    return RankingProtocol(
        protocol=options.protocol,
        negatives=None if negatives == "all" else negatives,
        held_out=options.held_out,
        min_user=options.min_user,
        min_item=options.min_item,
        k=tuple(dict.fromkeys(options.k)),
        split_seed=options.split_seed,
    )


def rank_log(options: argparse.Namespace) -> int:
    """Evaluates what is missing, and prints the table."""
    from recsim_env.agents import agent_class
    from recsim_env.benchmark.ranking.study import LOG_SETTINGS, RANDOM, default_agents, rank

    chosen = options.agents
    names = list(default_agents()) if chosen in (None, ["all"]) else chosen
    for name in names:
        if name != RANDOM:
            agent_class(name)  # raises where there is none
    agents = {name: dict(LOG_SETTINGS.get(name, {})) for name in names}
    agents = with_agent_settings(agents, options.agent_set or [])
    if options.out:
        check_folder(options.out)
    protocol = protocol_of(options)
    try:
        with workers(options):
            outcome = rank(
                read_log_of(options),
                agents,
                protocol,
                seeds=tuple(chosen_seeds(options) or range(3)),
                folder=options.out,
                command=options.typed,
                jobs=chosen_jobs(options),
                progress_bar=True,
                overwrite=options.overwrite,
            )
    except KeyboardInterrupt:
        goes_on = "the same command goes on with what is left" if options.out else ""
        raise KeyboardInterrupt(goes_on) from None
    _print(outcome, protocol)
    if options.out:
        print(f"\ntable: {options.out / 'rows.csv'}\npage: {options.out / 'ranking.md'}")
    return 1 if outcome.failed else 0


def _print(outcome: "RankingOutcome", protocol: "RankingProtocol") -> None:
    from recsim_env.benchmark.ranking.report import as_table, described, legend

    print(f"{described(protocol)}\n{' '.join(outcome.about)}")
    for k in protocol.k:
        lines = as_table(outcome.rows, protocol, k)
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        print()
        for name, *cells in lines:
            right = [cell.rjust(width) for cell, width in zip(cells, widths[1:], strict=True)]
            print("  ".join([name.ljust(widths[0]), *right]))
    print(f"\n{legend(outcome.rows, protocol)}")
    for problem in outcome.damage:
        print(f"overwritten: {problem}")
    for each in outcome.left_out:
        print(f"left out: {each.agent}: {each.reason}")
    if outcome.foreign:
        others = ", ".join(sorted({agent for _, agent, _ in outcome.foreign}))
        print(f"the folder also holds runs that were not asked for: {others}")
    errors = {row["agent"]: row["error"] for row in outcome.rows if row["phase"] == "failed"}
    for agent, error in errors.items():
        print(f"FAILED: {agent}: {error}", file=sys.stderr)
