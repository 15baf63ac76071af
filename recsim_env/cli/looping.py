"""`recsim-env feedback`: what becomes of people when agents learn from what they caused."""

import argparse
from pathlib import Path
from typing import Any

from recsim_env.cli.arguments import (
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
        "feedback",
        help="see what learning from its own consequences does to an agent and to people",
        description="Trains agents again and again on what people did with their own slates, and "
        "the same agents on uniform slates, and measures how useful they are and how alike they "
        "make people of similar taste. Interrupted, the same command goes on.",
        examples=(
            "feedback RatedCatalogue --set n_users=200 --set n_items=500 --set n_candidates=100",
            "feedback MusicStreaming item_knn content --rounds 5 --seeds 10",
        ),
    )
    parser.add_argument("scenario", metavar="SCENARIO", help=SCENARIO)
    parser.add_argument(
        "agents",
        nargs="*",
        metavar="AGENT",
        help="which fit a model to their log (popularity item_knn ials)",
    )
    add_settings(parser)
    add_seeds(parser, default="5")
    add_count(parser, "--interactions", "interactions to learn from in the end", default=20_000)
    add_count(parser, "--rounds", "of training, after each of which is evaluated", default=10)
    add_count(
        parser,
        "--episodes",
        "of an evaluation; beyond 100 a multiple of it, of which 200 are measured",
        default=200,
    )
    add_jobs(parser, of="runs")
    parser.add_argument(
        "--out", type=path, metavar="FOLDER", help="folder (results/feedback/SCENARIO)"
    )
    add_overwrite(parser)
    parser.set_defaults(run=feedback)


def feedback(options: argparse.Namespace) -> int:
    """Plays what is missing, and prints the table of what the loops did."""
    from recsim_env.benchmark.feedback import DEFAULT_AGENTS, feedback_settings, run_feedback
    from recsim_env.envs.resolving import settings_of

    settings = feedback_settings(
        options.scenario,
        options.agents or DEFAULT_AGENTS,
        scenario_settings=as_dict(options.settings, settings_of(options.scenario)),
        interactions=options.interactions,
        rounds=options.rounds,
        seeds=chosen_seeds(options) or 5,
        eval_episodes=options.episodes,
        jobs=chosen_jobs(options),
    )
    folder = options.out or Path("results") / "feedback" / settings.folder_name
    check_folder(folder)
    try:
        with workers(options):
            page = run_feedback(
                settings,
                folder,
                command=options.typed,
                progress_bar=True,
                overwrite=options.overwrite,
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on with what is left") from None
    print(page.read_text(encoding="utf-8"))
    print(f"written: {page}")
    return 0
