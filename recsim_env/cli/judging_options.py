"""What `recsim-env ope` is asked with, and which of it a log, a study and kept studies take."""

import argparse
from collections.abc import Iterable
from typing import Any

from recsim_env.cli.arguments import (
    AGENT,
    add_agent_settings,
    add_count,
    add_learn,
    add_overwrite,
    add_seed,
    add_tuned,
    path,
    setting,
)
from recsim_env.cli.playing import add_another_world
from recsim_env.cli.studying import add_study

FOREIGN = ("obp", "scope-rl", "d3rlpy", "minari", "open-bandit", "table")

#: What only a log takes, by the names that options are kept under.
_OF_A_LOG = (
    *(
        "origin",
        "columns",
        "encoding",
        "logged_by",
        "estimate_propensities",
        "agent_settings",
        "tuned",
        "another_world",
        "explore",
    ),
    *("replay", "embedding", "items", "no_truth", "interval", "draws", "estimators"),
)

#: What only a study takes.
_OF_A_STUDY = (
    *("settings", "logger", "exploration", "sizes", "slate_sizes", "horizons", "repeats", "truths"),
    *("jobs", "backend", "address"),
)

#: What both take, and what a replay does not.
_OF_BOTH = ("policy", "learn", "seed", "out", "overwrite")
_NOT_OF_A_REPLAY = (
    *("learn", "explore", "embedding", "items", "interval", "draws", "estimators"),
    *("out", "overwrite"),
)

#: What only agents take, which act in a log of a scenario.
_OF_AGENTS = (
    *("learn", "agent_settings", "tuned", "another_world", "explore", "replay", "draws"),
    *("no_truth", "logged_by"),
)

#: Options that are kept under other names than their own.
_NAMES = {"origin": "from", "settings": "set", "agent_settings": "agent-set"}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds all of them."""
    parser.add_argument(
        "log",
        type=path,
        nargs="?",
        metavar="LOG",
        help=".npz or .parquet file of `recsim-env log`, a .csv file of the Open Bandit Dataset, "
        "or a table of your own (.csv, .tsv, .jsonl, with --columns .parquet)",
    )
    _add_reading(parser)
    _add_loggers(parser)
    _add_policies(parser)
    _add_estimates(parser)
    add_seed(parser, of="agents")
    parser.add_argument(
        "--out",
        type=path,
        metavar="FOLDER",
        help="where a table and figures go, too (of a study, results/ope/SCENARIO)",
    )
    add_overwrite(parser, help="replace a table that is there")
    add_study(parser)
    parser.set_defaults(defaults=vars(parser.parse_args([])))


def _add_reading(parser: argparse.ArgumentParser) -> None:
    """Adds how the log is read."""
    parser.add_argument(
        "--from",
        dest="origin",
        choices=FOREIGN,
        help="whose the LOG is, if another library's: a dict of Open Bandit Pipeline or SCOPE-RL "
        "as .npz, d3rlpy's MDPDataset as .h5, or a data set of Minari by name",
    )
    parser.add_argument(
        "--columns",
        type=setting,
        nargs="+",
        metavar="ROLE=COLUMN",
        help="what columns of a table of your own tell, where they are not called so: action, "
        "reward, propensity, session, step, user, policy; of slates slate, place, "
        "place_propensity, prefix_propensity; and context, what was seen, as device,hour",
    )
    parser.add_argument(
        "--encoding",
        metavar="NAME",
        help="of the LOG and of --items, where these are tables in text, such as latin-1 (UTF-8)",
    )
    parser.add_argument(
        "--estimate-propensities",
        action="store_true",
        help="by a model of what was shown, for a log that does not tell them; says how well it "
        "fits",
    )


def _add_loggers(parser: argparse.ArgumentParser) -> None:
    """Adds who wrote the log."""
    parser.add_argument(
        "--logged-by",
        action="append",
        metavar="AGENT",
        help="a policy that wrote a log of several, as it explored; name each, in its order: "
        "weights are then by the mixture of all, and vary less (by the policy that showed a slate)",
    )


def _add_policies(parser: argparse.ArgumentParser) -> None:
    """Adds which policies are judged, and how they act."""
    parser.add_argument(
        "--policy",
        action="append",
        default=[],
        metavar="AGENT",
        help=f"{AGENT}; or a .npy file of probabilities, (rows, candidates) or (rows, places, "
        "candidates), for a log of real people; may be repeated",
    )
    add_learn(parser)
    add_agent_settings(parser)
    add_tuned(parser)
    add_another_world(parser)
    parser.add_argument(
        "--explore",
        action="store_true",
        help="judge policies as they explore while learning, not as they serve afterwards",
    )
    parser.add_argument(
        "--replay",
        action="store_true",
        help="judge policies while they learn, from nothing, by the rows that they agree with",
    )
    parser.add_argument("--no-truth", action="store_true", help="do not serve the people")
    add_count(parser, "--draws", "of probabilities without a formula", default=1_000)


def _add_estimates(parser: argparse.ArgumentParser) -> None:
    """Adds which estimates are made, and how."""
    parser.add_argument(
        "--estimators",
        nargs="+",
        metavar="NAME",
        help="only these, of a LOG or of --studies (all that the log allows)",
    )
    parser.add_argument(
        "--embedding",
        metavar="FEATURES",
        help="what of items marginalized IPS (mips) goes by, as topic,quality: features that they "
        "show, or columns of --items (the topic that a scenario names)",
    )
    parser.add_argument(
        "--items",
        type=path,
        metavar="FILE",
        help="table that describes the items, a row for each id, for --embedding (by default by "
        "all of its columns)",
    )
    parser.add_argument(
        "--interval",
        choices=("bootstrap", "bernstein"),
        default="bootstrap",
        help="over people, resampled; or a bound that holds for few, where an estimate is a mean",
    )


def check_options(options: argparse.Namespace) -> None:
    """Raises ValueError unless one thing is asked for, with options that it takes."""
    if sum(map(bool, (options.log, options.study, options.studies))) != 1:
        raise ValueError(
            "name either a LOG to judge policies by, or --study SCENARIO, or --studies FOLDER"
        )
    if options.studies:
        others = set(_OF_A_LOG) - {"estimators"}
        _refuse(options, (*others, *_OF_A_STUDY, *_OF_BOTH), "--studies prints what is kept")
    elif options.study:
        _refuse(options, _OF_A_LOG, "--study writes logs of its own, and judges them in all ways")
    else:
        _refuse(options, _OF_A_STUDY, "these are of --study alone")
    if options.replay:
        _refuse(options, _NOT_OF_A_REPLAY, "--replay prints what each policy earns while it learns")
    if options.estimators and "mips" not in options.estimators:
        _refuse(options, ("embedding", "items"), "only the estimator mips goes by what items show")
    if options.log and not options.policy:
        raise ValueError("name what to judge by --policy AGENT, once or more")


def check_real(options: argparse.Namespace) -> None:
    """Raises ValueError for options that only agents take, where people are real."""
    _refuse(
        options, _OF_AGENTS, "policies of real people's logs are uniform, or files of probabilities"
    )


def _refuse(options: argparse.Namespace, names: Iterable[str], what: str) -> None:
    defaults: dict[str, Any] = options.defaults
    given = [name for name in defaults if name in set(names)]
    given = [name for name in given if getattr(options, name) != defaults[name]]
    if given:
        shown = ", ".join(f"--{_NAMES.get(name, name.replace('_', '-'))}" for name in given)
        raise ValueError(f"{what}; leave out {shown}")
