"""`recsim-env run`: one person is served, in words, pictures, a film and a table."""

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsim_env.cli.arguments import (
    AGENT,
    add_count,
    add_learn,
    add_overwrite,
    add_tuned,
    path,
    seconds,
)
from recsim_env.cli.playing import (
    add_another_world,
    add_common,
    chosen_agent,
    chosen_scenario,
)
from recsim_env.formats.files import check_absent

if TYPE_CHECKING:
    from recsim_env.agents import Agent
    from recsim_env.benchmark.visiting import Witnessed
    from recsim_env.core.scenario import Scenario
    from recsim_env.results.visit import Visit

_REMEDY = "choose another name, or replace it with --overwrite"


def add_commands(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "run",
        help="watch a person being served, step by step",
        description="Prints what a person is shown and does, step by step, and writes it as a "
        "film, a figure or a table. The true state of a person, which no agent sees, is in all of "
        "them.",
        examples=(
            "run InterestEvolution",
            "run InterestEvolution linucb --learn 5_000",
            "run coffee.py:CoffeeShop oracle --set habit=0.5 --episodes 2",
            "run ShortVideo oracle --video visit.gif --plot visit.png --csv visit.csv",
        ),
    )
    add_common(parser)
    add_tuned(parser)
    add_another_world(parser)
    parser.add_argument("agent", nargs="?", default="uniform", metavar="AGENT", help=AGENT)
    add_learn(parser)
    add_count(parser, "--episodes", "sessions to show", default=1)
    add_count(parser, "--steps", "show at most so many", default=50)
    written = parser.add_argument_group("files, too")
    for option, text in (
        ("--video", "a picture of each step: .gif, or .mp4 where ffmpeg is"),
        ("--plot", "reward, clicks and true state along the sessions: .png, .pdf or .svg"),
        ("--csv", "a row for each place of each slate; columns of the truth begin with true_"),
        ("--parquet", "likewise"),
    ):
        written.add_argument(option, type=path, metavar="FILE", help=text)
    written.add_argument("--seconds-per-step", type=seconds, metavar="S", help="of the video (1)")
    add_overwrite(written, help="replace files that are there")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints what one person is shown and does, and writes what was asked for."""
    from recsim_env.benchmark.visiting import witness
    from recsim_env.envs import RecommendationVectorEnv

    _check_files(options)
    scenario = chosen_scenario(options, [options.agent])
    env = RecommendationVectorEnv(scenario, num_envs=16 if options.learn else 1)
    agent = chosen_agent(options.agent, env, options)
    if options.learn:
        agent.learn(options.learn, progress_bar=True)
    moments = witness(
        agent,
        scenario,
        seed=options.seed,
        episodes=options.episodes,
        max_steps=options.steps,
        another_world=options.another_world,
    )
    seen: list[Witnessed] = []
    if options.video:
        _write_video(options, _printed(moments, seen))
    else:
        for _ in _printed(moments, seen):
            pass
    _print_sum(agent, seen)
    _write_tables(options, scenario, seen)
    return 0


def _check_files(options: argparse.Namespace) -> None:
    """Raises where a file that is asked for could not be written, before the work is done."""
    from recsim_env.formats.columns import checked_path
    from recsim_env.formats.video import checked_film

    if options.seconds_per_step is not None and not options.video:
        raise ValueError("--seconds-per-step is of a film; name one with --video, or leave it out")
    if options.video:
        checked_film(options.video)
        _require_plots("--video")
    if options.plot:
        _require_plots("--plot")
        from recsim_env.plots.style import FORMATS

        checked_path(options.plot, FORMATS)
    for option, suffix in (("csv", ".csv"), ("parquet", ".parquet")):
        if getattr(options, option):
            checked_path(getattr(options, option), (suffix,))
    files: list[Path] = [
        file for file in (options.video, options.plot, options.csv, options.parquet) if file
    ]
    for file in files:
        check_absent(file, overwrite=options.overwrite, remedy=_REMEDY)


def _require_plots(option: str) -> None:
    import importlib.util

    if importlib.util.find_spec("matplotlib") is None:
        raise ImportError(f'{option} needs Matplotlib: pip install "recsim-env[plots]"')


def _printed(moments: Iterable["Witnessed"], seen: list["Witnessed"]) -> Iterator["Witnessed"]:
    """Yields moments, each printed, and adds them to those that were seen."""
    from recsim_env.envs.render import describe_step

    for moment in moments:
        print(describe_step(moment.scene))
        seen.append(moment)
        yield moment


def _print_sum(agent: "Agent", seen: list["Witnessed"]) -> None:
    steps = [moment.step for moment in seen if moment.step is not None]
    total = sum(step.reward for step in steps)
    learned_from = f"{agent.num_timesteps:,} interactions (--learn)"
    print(f"{len(steps)} steps, reward {total:g}, after learning from {learned_from}")


def _write_video(options: argparse.Namespace, moments: Iterable["Witnessed"]) -> None:
    from recsim_env.envs.drawing import StepPainter
    from recsim_env.formats.video import write_film

    painter = StepPainter()
    frames = (painter.draw(moment.scene) for moment in moments)
    write_film(options.video, frames, seconds_per_frame=options.seconds_per_step or 1.0)
    print(f"video: {options.video}")


def _write_tables(
    options: argparse.Namespace, scenario: "Scenario", seen: list["Witnessed"]
) -> None:
    """Writes figure and tables of the sessions in which anything was shown."""
    import numpy as np

    from recsim_env.formats.columns import write_columns

    tables = [file for file in (options.csv, options.parquet) if file]
    if not (tables or options.plot):
        return
    visits = _visits(options, scenario, seen)
    if options.plot:
        from recsim_env.plots.style import write_figure
        from recsim_env.plots.visit import draw_visit

        write_figure(draw_visit(visits)[0], options.plot)
        print(f"plot: {options.plot}")
    parts = [visit.columns() for visit in visits]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    for file in tables:
        write_columns(file, columns)
        print(f"table: {file}")


def _visits(
    options: argparse.Namespace, scenario: "Scenario", seen: list["Witnessed"]
) -> list["Visit"]:
    from recsim_env.benchmark.visiting import visit_of

    labels = type(scenario).__name__, options.agent
    by_episode = [
        [moment for moment in seen if moment.episode == episode]
        for episode in range(options.episodes)
    ]
    return [
        visit_of(moments, labels=labels, seed=options.seed)
        for moments in by_episode
        if len(moments) > 1  # --steps may end before a session has a slate
    ]
