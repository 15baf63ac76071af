"""`recsim-env log`: what people did while an agent served them, as a file."""

import argparse
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsim_env.cli.arguments import AGENT, add_count, add_learn, add_overwrite, add_tuned, path
from recsim_env.cli.playing import (
    add_another_world,
    add_common,
    agent_file,
    chosen_agent,
    chosen_scenario,
)
from recsim_env.formats.files import check_absent

if TYPE_CHECKING:
    import numpy as np

    from recsim_env.agents import Agent
    from recsim_env.agents.core.step_log import LoggedSteps
    from recsim_env.core.scenario import Scenario

_REMEDY = "choose another --out, or replace it with --overwrite"


def add_commands(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "log",
        help="write a log of simulated people, with propensities",
        description="Plays people with an agent and writes a row for every item that they were "
        "shown, and the settings beside it; with a name that ends with .npz, whole steps, with all "
        "that was seen, which `recsim-env train --log` learns from. The agent does not learn while "
        "the log is written, so that it is the log of one policy; it still explores, as while "
        "learning.",
        examples=(
            "log MusicStreaming ials --learn 5_000 --out music.csv",
            "log LongTermSatisfaction ppo.agent --interactions 50_000 --out steps.npz",
            "log WheelBandit uniform linucb --learn 2_000 --out wheel.npz",
        ),
    )
    add_common(parser)
    add_tuned(parser)
    add_another_world(parser)
    parser.add_argument(
        "agents", nargs="+", metavar="AGENT", help=f"{AGENT}; several write one log together"
    )
    add_count(parser, "--interactions", "of each agent to write, each a slate", default=20_000)
    add_learn(parser)
    add_count(parser, "--num-envs", "people side by side", default=16)
    add_count(parser, "--draws", "of propensities without a formula", default=1_000)
    parser.add_argument(
        "--out", type=path, help=".csv, .parquet or .npz file (SCENARIO-AGENT.csv)", metavar="FILE"
    )
    parser.add_argument(
        "--hidden",
        action="store_true",
        help="with people's true states, in columns hidden_..., which no agent may see",
    )
    add_overwrite(parser, help="replace a log that is there")
    parser.set_defaults(run=log)


def log(options: argparse.Namespace) -> int:
    """Writes the log and says what to do with it."""
    from recsim_env.agents.core.step_log import joined_steps
    from recsim_env.benchmark.recording import STEPS_SUFFIX, unrecordable
    from recsim_env.benchmark.training import description_file
    from recsim_env.envs import RecommendationVectorEnv
    from recsim_env.formats.columns import SUFFIXES, checked_path

    scenario = chosen_scenario(options, options.agents)
    name = "-".join(n.rpartition(":")[2] if ":" in n else Path(n).stem for n in options.agents)
    out = options.out or Path(f"{type(scenario).__name__}-{name}.csv")
    path = checked_path(out, (*SUFFIXES, STEPS_SUFFIX))
    holds_steps = path.suffix == STEPS_SUFFIX
    reason = None if holds_steps else unrecordable(scenario)
    if reason is not None:
        raise ValueError(reason)
    for file in (path,) if holds_steps else (path, description_file(path)):
        check_absent(file, overwrite=options.overwrite, remedy=_REMEDY)
    env = RecommendationVectorEnv(scenario, num_envs=options.num_envs)
    steps = joined_steps(
        [
            _played(chosen_agent(name, env, options), scenario, options, number)
            for number, name in enumerate(options.agents)
        ]
    )
    (_write_steps if holds_steps else _write_items)(steps, scenario, options, path)
    return 0


def _played(
    agent: "Agent", scenario: "Scenario", options: argparse.Namespace, number: int
) -> "LoggedSteps":
    """Returns the log of one of the agents; each meets people of its own."""
    from recsim_env.benchmark.experiment.settings import MAX_ENVS
    from recsim_env.benchmark.recording import record_steps

    if options.learn:
        agent.learn(options.learn, progress_bar=True)
    return record_steps(
        agent,
        scenario,
        interactions=options.interactions,
        seed=options.seed + MAX_ENVS * (number + 1),  # others than those learned from
        num_envs=options.num_envs,
        n_draws=options.draws,
        progress_bar=True,
        hidden=options.hidden,
    )


def _write_items(
    steps: "LoggedSteps", scenario: "Scenario", options: argparse.Namespace, path: Path
) -> None:
    from recsim_env.benchmark.log_rows import recording_of

    found = recording_of(steps, scenario)
    beside = found.write(path)
    _print_about(found.about, found.columns["propensity"])
    print(f"log: {path}\nsettings: {beside}")
    if path.suffix == ".parquet":
        _print_judging(path)
    else:
        print("of candidates that were not shown it tells nothing; .parquet and .npz files do")
    print(f"next: recsim-env calibrate {shlex.quote(str(path))} --repeats last")


def _write_steps(
    steps: "LoggedSteps", scenario: "Scenario", options: argparse.Namespace, path: Path
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    steps.write(path)
    _print_about(steps.about, steps["propensity"])
    print(f"log: {path}")
    command = ["recsim-env", "train", options.scenario, "iql", "--log", str(path)]
    for name, value in _settings_to_repeat(options, scenario).items():
        command += ["--set", f"{name}={value}"]
    _print_judging(path)
    print(f"next: {shlex.join(command)}")


def _print_judging(path: Path) -> None:
    print(f"to judge others by it: recsim-env ope {shlex.quote(str(path))} --policy AGENT")


def _settings_to_repeat(options: argparse.Namespace, scenario: "Scenario") -> dict[str, Any]:
    """Returns the settings with which the scenario's name is this very scenario."""
    from recsim_env.envs.resolving import settings_of

    if not any(map(agent_file, options.agents)):
        return dict(options.settings or ())
    known = settings_of(options.scenario)
    return {k: v for k, v in scenario.settings.items() if known.get(k) != v}


def _print_about(about: Mapping[str, Any], propensity: "np.ndarray") -> None:
    counts = about["learned_from"]
    learned = ", ".join(f"{n:,}" for n in (counts if isinstance(counts, list) else [counts]))
    print(
        f"{', '.join(about['policies'])}, after learning from {learned} "
        f"interactions: {about['rows']:,} rows of {about['sessions']:,} sessions, "
        f"{about['clicks']:,} clicked; propensities are {about['propensity']}"
    )
    never = float((propensity == 0).mean())
    if never:
        print(f"in {never:.2%} of the rows the slate was never drawn again: raise --draws")
