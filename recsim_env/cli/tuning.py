"""`recsim-env tune`: better settings of an agent, and whether they are better for other people."""

import argparse
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsim_env.cli.arguments import (
    NEW_AGENT,
    SCENARIO,
    add_agent_settings,
    add_count,
    add_jobs,
    add_overwrite,
    add_seed,
    add_settings,
    as_dict,
    chosen_jobs,
    path,
    workers,
)
from recsim_env.cli.columns import print_columns
from recsim_env.cli.parser import PROGRAM
from recsim_env.formats.files import check_folder

if TYPE_CHECKING:
    from recsim_env.benchmark.tuning.settings import TuningSettings
    from recsim_env.benchmark.tuning.tune import TuningOutcome, Validation

RESULTS = Path("results") / "tuning"
"""Where studies go that are not named."""

#: Options of counts, what each says, and its default.
_COUNTS = (
    ("--trials", "settings that are tried, the default ones first", 20),
    ("--interactions", "interactions that each run learns from", 20_000),
    ("--checkpoints", "evaluations of a trial, after each of which it may be given up", 4),
    ("--num-envs", "people side by side while learning", 16),
    ("--episodes", "of an evaluation; beyond 100 a multiple of it", 400),
    ("--seeds", "runs of a trial, each in a world of its own", 2),
    ("--validation-seeds", "runs that judge the best settings", 5),
)


def add_commands(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "tune",
        help="find better settings of an agent",
        description="Tries settings of an agent, and compares the best with the default ones on "
        "people whom no trial met. `recsim-env agents AGENT` says which settings are searched. "
        "Interrupted, the same command goes on where it was; more --trials go on further.",
        examples=(
            "tune MusicStreaming linucb",
            "tune LongTermSatisfaction ppo --trials 40 --seeds 3 --jobs 2",
            "tune NewsFeed content --agent-set refit_every=1_000 --interactions 50_000",
            "tune --all --trials 8 --seeds 1 --keep tuned.json",
        ),
    )
    parser.add_argument("scenario", nargs="?", metavar="SCENARIO", help=SCENARIO)
    parser.add_argument("agent", nargs="?", metavar="AGENT", help=NEW_AGENT)
    parser.add_argument(
        "--all",
        action="store_true",
        help="a study of an agent or two of each kind in every scenario that they suit",
    )
    for name in ("--agents", "--scenarios"):
        parser.add_argument(
            name, nargs="+", metavar=name[2:-1].upper(), help="of --all, only these"
        )
    for option, text, default in _COUNTS:
        add_count(parser, option, f"{text} ({default:,})")
    add_seed(parser, of="the search")
    add_settings(parser)
    add_agent_settings(parser)
    add_jobs(parser, of="trials", default=1)
    parser.add_argument(
        "--out",
        type=path,
        metavar="FOLDER",
        help=f"of the study, or of those of --all ({RESULTS}/SCENARIO-AGENT)",
    )
    parser.add_argument(
        "--keep",
        type=path,
        metavar="FILE",
        help="write what was found into this file, too; agents/tuned.json is what --tuned reads",
    )
    add_overwrite(parser, help="begin anew where there is a study of other settings")
    parser.set_defaults(run=tune_agents)


def tune_agents(options: argparse.Namespace) -> int:
    """Tries settings, and prints the best with what they are worth."""
    from recsim_env.benchmark.tuning.kept import check_keepable, keep_found
    from recsim_env.benchmark.tuning.tune import tune

    studies = chosen_studies(options)
    for settings in studies if options.keep else ():
        check_keepable(settings, options.keep)
    for place, settings in enumerate(studies):
        folder = RESULTS / folder_name(settings)
        if options.out:
            folder = options.out / folder_name(settings) if options.all else options.out
        check_folder(folder)
        if place:
            print()
        try:
            with workers(options):
                outcome = tune(
                    settings,
                    folder,
                    jobs=chosen_jobs(options),
                    progress_bar=True,
                    overwrite=options.overwrite,
                )
        except KeyboardInterrupt:
            raise KeyboardInterrupt("the same command goes on with what is left") from None
        print_outcome(settings, outcome)
        if options.keep:
            keep_found(settings, folder, options.keep)
    return 0


def chosen_studies(options: argparse.Namespace) -> list["TuningSettings"]:
    """Returns the studies that the options ask for.

    Raises:
      ValueError: none or too much is named, or as of `TuningSettings`.
    """
    from recsim_env.agents import agent_class
    from recsim_env.benchmark.tuning.many import AGENTS, SCENARIOS, studies
    from recsim_env.benchmark.tuning.settings import OPTIONS, TuningSettings
    from recsim_env.envs.resolving import settings_of

    given = {
        name: getattr(options, option[2:].replace("-", "_")) for option, name in OPTIONS.items()
    }
    given = {name: value for name, value in given.items() if value is not None}
    _check_named(options)
    if options.all:
        return studies(options.agents or AGENTS, options.scenarios or SCENARIOS, **given)
    one = TuningSettings(
        scenario=options.scenario,
        agent=options.agent,
        scenario_settings=as_dict(options.settings, settings_of(options.scenario)),
        agent_settings=as_dict(options.agent_set, agent_class(options.agent).Settings.defaults()),
        **given,
    )
    return [one]


def _check_named(options: argparse.Namespace) -> None:
    """Raises ValueError unless one study is named, or --all that there are."""
    if options.all:
        beside = {
            "SCENARIO": options.scenario,
            "--set": options.settings,
            "--agent-set": options.agent_set,
        }
        for name, value in beside.items():
            if value:
                raise ValueError(f"--all has its own scenarios and settings; leave out {name}")
        return
    if options.agents or options.scenarios:
        raise ValueError("--agents and --scenarios choose of --all; name SCENARIO AGENT for one")
    if options.agent is None:
        lacking = "SCENARIO and AGENT are" if options.scenario is None else "AGENT is"
        raise ValueError(f"{lacking} missing; name both, or --all")


def folder_name(settings: "TuningSettings") -> str:
    """Returns what the folder of a study is called."""
    name = f"{settings.label.rpartition('/')[2]}-{settings.agent.rpartition('/')[2]}"
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")


def print_outcome(settings: "TuningSettings", outcome: "TuningOutcome") -> None:
    """Prints the best settings beside the default ones, and what each is worth."""
    n_trials = outcome.n_complete + outcome.n_pruned + outcome.n_failed
    ended = [f"{outcome.n_complete} complete", f"{outcome.n_pruned} given up early"]
    if outcome.n_failed:
        ended.append(f"{outcome.n_failed} FAILED, see {outcome.folder / 'errors'}")
    print(f"{settings.agent} in {settings.label}: {n_trials} trials ({', '.join(ended)})")
    if outcome.n_kept:
        print(f"{outcome.n_kept} of them ended before this call and are kept")
    rows = [
        [name, _shown(value), _shown(outcome.default[name])]
        for name, value in outcome.settings.items()
    ]
    print_columns([["setting", "best", "default"], *rows])
    print(f"study: {outcome.folder}")
    if outcome.validation is None:
        print("no settings were worth more than the default ones; keep those")
        return
    worlds = f"{settings.seeds} world{'s' if settings.seeds > 1 else ''}"
    print(
        f"mean return in {worlds} of the search: best {outcome.best_value:.4g}, default "
        f"{outcome.default_value:.4g}; as it was chosen for being the best, the former is too high"
    )
    _print_verdict(settings, outcome.settings, outcome.validation)


def _print_verdict(settings: "TuningSettings", best: dict[str, Any], found: "Validation") -> None:
    from recsim_env.results.wording import with_interval

    print(
        f"on people whom no trial met: best {with_interval(found.tuned)}, default "
        f"{with_interval(found.default)}; difference {with_interval(found.difference)} "
        f"({found.difference.method}, paired, {found.difference.n} seeds)"
    )
    if not found.is_better:
        print("that is not better: keep the default settings, or judge by more --validation-seeds")
        return
    words = [PROGRAM, "train", settings.scenario, settings.agent]
    words += [w for k, v in settings.scenario_settings.items() for w in ("--set", f"{k}={v}")]
    given = {**settings.agent_settings, **best}
    words += [word for k, v in given.items() for word in ("--agent-set", f"{k}={v}")]
    print(f"to use them: {shlex.join(words)}")


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
