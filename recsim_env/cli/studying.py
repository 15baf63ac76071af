"""`recsim-env ope --study`: which estimator to trust, by logs that are written again and again."""

import argparse
import sys
from pathlib import Path

from recsim_env.cli.arguments import (
    SCENARIO,
    add_count,
    add_jobs,
    add_settings,
    as_dict,
    chosen_jobs,
    count,
    path,
    workers,
)


def add_study(parser: argparse.ArgumentParser) -> None:
    """Adds what a study asks."""
    study = parser.add_argument_group(
        "study",
        "which estimator to trust: logs are written again and again, and judged. What each says is "
        "kept at once, and the same command goes on where it was interrupted",
    )
    study.add_argument("--study", metavar="SCENARIO", help=f"instead of a LOG; {SCENARIO}")
    study.add_argument(
        "--studies",
        type=path,
        metavar="FOLDER",
        help="instead of both: print the studies in the folders of FOLDER side by side, or the "
        "errors of the one in FOLDER",
    )
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
    add_jobs(study, of="logs", default=1)


def compare_studies(options: argparse.Namespace) -> int:
    """Prints the page of several studies, or the errors of one."""
    from recsim_env.benchmark.off_policy.summary import study_errors, summary_page

    printed = study_errors if (options.studies / "rows.csv").is_file() else summary_page
    said = printed(options.studies, command=options.typed, estimators=options.estimators or ())
    print(said, end="")
    return 0


def study(options: argparse.Namespace) -> int:
    """Runs the study, or goes on with it, and prints its page."""
    from recsim_env.benchmark.off_policy.study import run_study
    from recsim_env.benchmark.off_policy.study_settings import StudySettings
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
    try:
        with workers(options):
            outcome = run_study(
                settings,
                folder,
                command=options.typed,
                jobs=chosen_jobs(options),
                progress_bar=True,
                overwrite=options.overwrite,
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on with what is left") from None
    if outcome.files:
        print(outcome.files[0].read_text(encoding="utf-8"), end="")
    for file in outcome.files:
        print(f"written: {file}")
    for error in outcome.errors:
        print(f"FAILED: {error}", file=sys.stderr)
    return 1 if outcome.failed else 0
