"""`recsim-env export`: a log as another library reads it."""

import argparse
from typing import Any

from recsim_env.cli.arguments import add_overwrite, path
from recsim_env.cli.logs import add_log, read_log_of
from recsim_env.formats.files import check_absent

LIBRARIES = ("cornac", "lenskit", "rectools", "recbole")
OF_STEPS = ("obp", "scope-rl", "d3rlpy", "minari")
REPEATS = ("error", "first", "last", "sum", "count")


def add_commands(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "export",
        help="write a log as another library reads it",
        description="Writes a log, of real people or of simulated ones, as another library reads "
        "it: RecBole's atomic files, with features of items and users, or a CSV file with the "
        "columns that the library knows. One row is written for a user and item. Of a log of whole "
        "steps, what libraries of offline learning and evaluation read, with propensities: the "
        "dicts of Open Bandit Pipeline and SCOPE-RL as .npz, d3rlpy's MDPDataset as .h5, and a "
        "data set of Minari.",
        examples=(
            "export music.csv --to lenskit --out music-lenskit.csv",
            "export movielens-100k --to recbole --out dataset/mine/mine",
            "export music.csv --to cornac --repeats count --out plays.csv",
            "export steps.npz --to obp --out feedback.npz",
            "export steps.npz --to minari --out recsim-env/steps-v0",
        ),
    )
    add_log(parser, keeps_all=True)
    parser.add_argument(
        "--to",
        choices=(*LIBRARIES, *OF_STEPS),
        required=True,
        help="the library; cornac is for Surprise too",
    )
    parser.add_argument(
        "--repeats",
        choices=REPEATS,
        default="last",
        help="what stands for rows that repeat a user and item: one of them, by time; the sum of "
        "their ratings; how many they are; or error, which refuses them",
    )
    parser.add_argument(
        "--out",
        type=path,
        required=True,
        metavar="FILE",
        help="a .csv file; of recbole's files, how their names start; of Minari, a name",
    )
    add_overwrite(parser, help="replace a file that is there")
    parser.set_defaults(run=export)


def export(options: argparse.Namespace) -> int:
    """Writes the files, and says what is in them."""
    if options.to in OF_STEPS:
        return _export_steps(options)
    from recsim_env.data import export_log
    from recsim_env.data.export import files_of

    remedy = "choose another --out, or replace it with --overwrite"
    for file in files_of(options.out, options.to):
        check_absent(file, overwrite=options.overwrite, remedy=remedy)
    log = read_log_of(options)
    once = log.once(options.repeats)
    written = export_log(once, options.out, options.to, repeats="error")
    print(
        f"{len(once):,} rows of {once.n_users:,} users and {once.n_items:,} items, of {len(log):,} "
        f"in the log (--repeats {options.repeats})"
    )
    for file in written:
        print(f"written: {file}")
    return 0


def _export_steps(options: argparse.Namespace) -> int:
    """Writes a log of whole steps for a library, and says what was written."""
    from recsim_env.benchmark.off_policy.exchange import export_steps, read_log

    if options.to != "minari":
        remedy = "choose another --out, or replace it with --overwrite"
        check_absent(options.out, overwrite=options.overwrite, remedy=remedy)
    log = read_log(options.log)
    written = export_steps(log, options.to, str(options.out))
    print(f"{len(log):,} steps of {len(log.starts):,} sessions\nwritten: {written}")
    return 0
