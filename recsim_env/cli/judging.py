"""`recsim-env ope`: what policies would have earned, by a log of others."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsim_env.cli.arguments import (
    AGENT,
    SCENARIO,
    add_agent_settings,
    add_count,
    add_learn,
    add_overwrite,
    add_seed,
    add_settings,
    add_tuned,
    as_dict,
    count,
    path,
)
from recsim_env.cli.columns import print_columns
from recsim_env.cli.playing import add_another_world, chosen_agent
from recsim_env.formats.files import check_absent

if TYPE_CHECKING:
    import numpy as np

    from recsim_env.agents.core.slate_distribution import Propensities
    from recsim_env.benchmark.off_policy import PolicyLog
    from recsim_env.benchmark.off_policy.truth import TrueValues
    from recsim_env.results.off_policy import PolicyValue

_TABLE = "estimates.csv"
_REMEDY = "choose another --out, or replace it with --overwrite"


def add_commands(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "ope",
        help="say what a policy would have earned, by a log of another",
        description="Off-policy evaluation: estimates what policies would earn, from the log of "
        "another and its propensities, with intervals, diagnostics of the weights, and warnings "
        "where not to believe them; of a slate in the moments of the log, and of whole sessions. "
        "Of simulated people the truth stands beside them: the same people are served by the "
        "policy.",
        examples=(
            "ope wheel.npz --policy linucb.agent",
            "ope wheel.npz --policy linucb --policy thompson --learn 5_000 --out judged",
            "ope --study RatedCatalogue --slate-sizes 1 2 3",
        ),
    )
    parser.add_argument(
        "log",
        type=path,
        nargs="?",
        metavar="LOG",
        help=".npz or .parquet file of `recsim-env log`, or a .csv file of the Open Bandit Dataset",
    )
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
    parser.add_argument("--no-truth", action="store_true", help="do not serve the people")
    add_count(parser, "--draws", "of probabilities without a formula", default=1_000)
    add_seed(parser, of="agents")
    parser.add_argument(
        "--out",
        type=path,
        metavar="FOLDER",
        help="where a table and figures go, too (of a study, results/ope/SCENARIO)",
    )
    add_overwrite(parser, help="replace a table that is there")
    _add_study(parser)
    parser.set_defaults(run=ope)


def _add_study(parser: argparse.ArgumentParser) -> None:
    study = parser.add_argument_group(
        "study", "which estimator to trust: logs are written again and again, and judged"
    )
    study.add_argument("--study", metavar="SCENARIO", help=f"instead of a LOG; {SCENARIO}")
    add_settings(study)
    study.add_argument("--logger", default="linucb", metavar="AGENT", help="who writes (linucb)")
    study.add_argument(
        "--exploration", type=float, default=0.3, metavar="SHARE", help="of uniform slates (0.3)"
    )
    for name, text in (
        ("--sizes", "sessions of a log (50 200 800)"),
        ("--slate-sizes", "places of a slate (the scenario's)"),
        ("--horizons", "steps of a session (the scenario's)"),
    ):
        study.add_argument(name, type=count, nargs="+", default=(), metavar="N", help=text)
    add_count(study, "--repeats", "logs of each kind", default=30)
    add_count(study, "--truths", "of these logs, served for the truth", default=10)


def ope(options: argparse.Namespace) -> int:
    """Prints a table for each policy; writes all, if asked to."""
    if bool(options.log) == bool(options.study):
        raise ValueError("name either a LOG to judge policies by, or --study SCENARIO")
    if options.study:
        return _study(options)
    if not options.policy:
        raise ValueError("name what to judge by --policy AGENT, once or more")
    return _judge(options)


def _study(options: argparse.Namespace) -> int:
    """Runs the study, and prints its page."""
    from recsim_env.benchmark.off_policy.report import write_study
    from recsim_env.benchmark.off_policy.study import StudySettings, run_study
    from recsim_env.envs.resolving import settings_of

    settings = StudySettings(
        scenario=options.study,
        scenario_settings=as_dict(options.settings, settings_of(options.study)),
        logger=options.logger,
        exploration=options.exploration,
        policies=tuple(options.policy),
        learn=options.learn or 5_000,
        sizes=tuple(options.sizes) or (50, 200, 800),
        slate_sizes=tuple(options.slate_sizes),
        horizons=tuple(options.horizons),
        repeats=options.repeats,
        truths=min(options.truths, options.repeats),
        seed=options.seed,
    )
    folder = options.out or Path("results") / "ope" / options.study.rpartition(":")[2]
    check_absent(folder / "study.md", overwrite=options.overwrite, remedy=_REMEDY)
    trials = run_study(settings, progress_bar=True)
    files = write_study(trials, settings, folder, command=options.typed)
    print((folder / "study.md").read_text(encoding="utf-8"), end="")
    for file in files:
        print(f"written: {file}")
    return 0


def _judge(options: argparse.Namespace) -> int:
    from recsim_env.benchmark.off_policy import judge

    if options.out:
        check_absent(
            options.out / _TABLE,
            overwrite=options.overwrite,
            remedy=_REMEDY,
        )
    log = _read(options.log)
    print(_about(log))
    values: list[PolicyValue] = []
    for name in options.policy:
        target, truth = _asked(name, log, options)
        found = judge(Path(name).stem, log, target, truth=truth)
        _print_values(found, target.error)
        values += found
    if options.out:
        _write(values, options.out)
    return 0


def _read(path: Path) -> "PolicyLog":
    from recsim_env.benchmark.off_policy import PolicyLog
    from recsim_env.benchmark.off_policy.open_bandit import is_open_bandit, read_open_bandit

    is_real = path.suffix == ".csv" and path.is_file() and is_open_bandit(path)
    return read_open_bandit(path) if is_real else PolicyLog.read(path)


def _about(log: "PolicyLog") -> str:
    where = type(log.scenario).__name__ if log.scenario else log.about.get("name", "real people")
    return (
        f"{where}: {len(log):,} slates of {len(log.starts):,} sessions, by "
        f"{', '.join(log.about.get('policies', ['another policy']))}"
    )


def _asked(
    name: str, log: "PolicyLog", options: argparse.Namespace
) -> tuple["Propensities", "TrueValues | None"]:
    """Returns how likely a policy shows what was logged, and what it truly earns, if known."""
    from recsim_env.benchmark.off_policy import target_chances, true_values
    from recsim_env.benchmark.off_policy.targets import chances_of, uniform_chances
    from recsim_env.envs import RecommendationVectorEnv

    if Path(name).suffix == ".npy":
        return chances_of(_array(name), log), None
    if log.scenario is None and name == "uniform":
        return uniform_chances(log), None
    if log.scenario is None:
        raise ValueError(
            f"agent {name!r} cannot act in a log of no scenario; name uniform, or give a .npy file "
            "of probabilities"
        )
    env = RecommendationVectorEnv(log.scenario, num_envs=16 if options.learn else 1)
    agent = chosen_agent(name, env, options)
    if options.learn and agent.learns and not agent.num_timesteps:
        agent.learn(options.learn, progress_bar=True)
    how = {"explores": options.explore}
    target = target_chances(agent, log, n_draws=options.draws, seed=options.seed, **how)
    return target, None if options.no_truth else true_values(agent, log, **how)


def _array(name: str) -> "np.ndarray":
    import numpy as np

    try:
        return np.load(name, allow_pickle=False)
    except (ValueError, OSError) as error:
        raise ValueError(f"cannot read {name}: {error}") from error


def _print_values(values: "Sequence[PolicyValue]", error: float) -> None:
    from recsim_env.results.off_policy import PER_SESSION, PER_SLATE, policy_table
    from recsim_env.results.wording import with_interval

    drawn = f" (its probabilities are drawn, ± {error:.2g})" if error else ""
    print(f"\n{values[0].policy}{drawn}")
    for per in (PER_SLATE, PER_SESSION):
        shown = [each for each in values if each.per == per]
        if not shown:
            continue
        truth = shown[0].truth
        said = f"; truly {with_interval(truth)}" if truth else ""
        print(f" reward of a {per}{said}")
        print_columns(policy_table(shown), indent=3)
        for sentence in dict.fromkeys(text for each in shown for text in each.warnings):
            print(f"   {sentence}")


def _write(values: "Sequence[PolicyValue]", folder: Path) -> None:
    from recsim_env.formats.columns import write_columns
    from recsim_env.results.off_policy import policy_columns

    write_columns(folder / _TABLE, policy_columns(values))
    print(f"\ntable: {folder / _TABLE}")
    try:
        from recsim_env.plots import style
        from recsim_env.plots.off_policy import draw_policy_values
    except ModuleNotFoundError as error:
        print(error)
        return
    for policy, per in dict.fromkeys((each.policy, each.per) for each in values):
        shown = [each for each in values if (each.policy, each.per) == (policy, per)]
        file = folder / f"{policy}-{per}.png"
        style.write_figure(draw_policy_values(shown), file)
        print(f"figure: {file}")
