"""`recsim-env tune`: better settings of an agent, and whether they are better for other people."""

import argparse
import math
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
from recsim_env.cli.parser import PROGRAM

if TYPE_CHECKING:
    from recsim_env.benchmark.tuning.settings import TuningSettings
    from recsim_env.benchmark.tuning.tune import TuningOutcome

RESULTS = Path("results") / "tuning"
"""Where studies go that are not named."""

#: Options of counts, the setting that each is, what it says, and the setting's default.
_COUNTS = (
    ("--trials", "trials", "settings that are tried, the default ones first", 20),
    ("--interactions", "interactions", "interactions that each run learns from", 20_000),
    ("--checkpoints", "checkpoints", "evaluations of a trial, after each of which it may end", 4),
    ("--num-envs", "num_envs", "people side by side while learning", 16),
    ("--episodes", "eval_episodes", "of an evaluation; beyond 100 a multiple of it", 400),
    ("--seeds", "seeds", "runs of a trial, each in a world of its own", 2),
    ("--validation-seeds", "validation_seeds", "runs that judge the best settings", 5),
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
        ),
    )
    parser.add_argument("scenario", metavar="SCENARIO", help=SCENARIO)
    parser.add_argument("agent", metavar="AGENT", help=NEW_AGENT)
    for option, _, text, default in _COUNTS:
        add_count(parser, option, f"{text} ({default:,})")
    add_seed(parser, of="the search")
    add_settings(parser)
    add_agent_settings(parser)
    add_jobs(parser, of="trials", default=1)
    parser.add_argument(
        "--out", type=path, metavar="FOLDER", help=f"of the study ({RESULTS}/SCENARIO-AGENT)"
    )
    add_overwrite(parser, help="begin anew where there is a study of other settings")
    parser.set_defaults(run=tune_agent)


def tune_agent(options: argparse.Namespace) -> int:
    """Tries settings, and prints the best with what they are worth."""
    from recsim_env.benchmark.tuning.tune import tune

    settings = chosen_settings(options)
    folder = options.out or RESULTS / folder_name(settings)
    try:
        with workers(options):
            outcome = tune(
                settings,
                folder,
                jobs=chosen_jobs(options),
                command=options.typed,
                progress_bar=True,
                overwrite=options.overwrite,
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on with what is left") from None
    print_outcome(settings, outcome)
    return 0


def chosen_settings(options: argparse.Namespace) -> "TuningSettings":
    """Returns what the options ask for."""
    from recsim_env.agents import agent_class
    from recsim_env.benchmark.tuning.settings import TuningSettings
    from recsim_env.envs.resolving import settings_of

    counts = {
        name: getattr(options, option[2:].replace("-", "_")) for option, name, _, _ in _COUNTS
    }
    return TuningSettings(
        scenario=options.scenario,
        agent=options.agent,
        scenario_settings=as_dict(options.settings, settings_of(options.scenario)),
        agent_settings=as_dict(options.agent_set, agent_class(options.agent).Settings.defaults()),
        search_seed=options.seed,
        **{name: value for name, value in counts.items() if value is not None},
    )


def folder_name(settings: "TuningSettings") -> str:
    """Returns what the folder of a study is called."""
    name = f"{settings.label.rpartition('/')[2]}-{settings.agent.rpartition('/')[2]}"
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")


def print_outcome(settings: "TuningSettings", outcome: "TuningOutcome") -> None:
    """Prints the best settings beside the default ones, and what each is worth."""
    ended = f"{outcome.n_complete} complete, {outcome.n_pruned} given up early"
    failed = f", {outcome.n_failed} FAILED: see {outcome.folder / 'errors'}"
    n_trials = outcome.n_complete + outcome.n_pruned + outcome.n_failed
    print(f"{settings.agent} in {settings.label}: {n_trials} trials ({ended}", end="")
    print(f"{failed if outcome.n_failed else ''})")
    if outcome.n_kept:
        print(f"{outcome.n_kept} of them ended before this call and are kept")
    rows = [("setting", "tuned", "default")]
    rows += [
        (name, _shown(value), _shown(outcome.default[name]))
        for name, value in outcome.settings.items()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        print("  " + "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)))
    print(f"study: {outcome.folder}")
    _print_verdict(settings, outcome)


def _print_verdict(settings: "TuningSettings", outcome: "TuningOutcome") -> None:
    found = outcome.validation
    if found is None:
        print("no settings were worth more than the default ones; keep those")
        return
    print(
        f"mean return in {settings.seeds} worlds of the search: tuned {outcome.best_value:.4g}, "
        f"default {outcome.default_value:.4g}; too high of the tuned, which luck chose too"
    )
    print(
        f"on people whom no trial met: tuned {_interval(found.tuned)}, default "
        f"{_interval(found.default)}; difference {_interval(found.difference)} "
        f"({found.difference.method}, paired, {found.difference.n} seeds)"
    )
    if not found.is_better:
        print("the tuned settings are not better there; keep the default ones")
        return
    if found.difference.low <= 0:
        print("these seeds do not tell the difference from none; --validation-seeds takes more")
    changed = [f"--agent-set {shlex.quote(f'{k}={v}')}" for k, v in outcome.settings.items()]
    scenario = [f"--set {shlex.quote(f'{k}={v}')}" for k, v in settings.scenario_settings.items()]
    held = [f"--agent-set {shlex.quote(f'{k}={v}')}" for k, v in settings.agent_settings.items()]
    where = f"{shlex.quote(settings.scenario)} {shlex.quote(settings.agent)}"
    print(f"to use them: {PROGRAM} train {' '.join([where, *scenario, *held, *changed])}")


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) and math.isfinite(value) else str(value)


def _interval(found: Any) -> str:
    return f"{found.mean:.4g} [{found.low:.4g}, {found.high:.4g}]"
