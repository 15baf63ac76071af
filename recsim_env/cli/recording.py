"""`recsim-env log`: what people did while an agent served them, as a file."""

import argparse
from pathlib import Path
from typing import Any

from recsim_env.cli.arguments import count, seed
from recsim_env.cli.playing import add_common, chosen_agent, chosen_scenario


def add_commands(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "log",
        help="write a log of simulated people, with propensities",
        description="Plays people with an agent and writes a row for every item that they were "
        "shown, and the settings beside it. The agent does not learn while the log is written, so "
        "that it is the log of one policy; it still explores, as while learning.",
    )
    add_common(parser)
    parser.add_argument("agent", help="name, or file of a trained one")
    parser.add_argument("--interactions", type=count, default=20_000, help="slates (20,000)")
    parser.add_argument(
        "--learn", type=seed, default=0, help="interactions to learn from first (0)"
    )
    parser.add_argument("--num-envs", type=count, default=16, help="people side by side (16)")
    parser.add_argument(
        "--draws", type=count, default=1_000, help="of propensities without a formula (1,000)"
    )
    parser.add_argument(
        "--out", type=Path, help=".csv or .parquet file (SCENARIO-AGENT.csv)", metavar="FILE"
    )
    parser.set_defaults(run=log)


def log(options: argparse.Namespace) -> int:
    """Writes the log and says what to do with it."""
    from recsim_env.benchmark.recording import checked_path, record, unrecordable
    from recsim_env.benchmark.settings import MAX_ENVS
    from recsim_env.envs import RecommendationVectorEnv

    scenario = chosen_scenario(options)
    named = options.agent
    name = named.rpartition(":")[2] if ":" in named else Path(named).stem
    path = checked_path(options.out or Path(f"{type(scenario).__name__}-{name}.csv"))
    reason = unrecordable(scenario)
    if reason is not None:
        raise ValueError(reason)
    env = RecommendationVectorEnv(scenario, num_envs=options.num_envs)
    agent = chosen_agent(options.agent, env, options)
    if options.learn:
        agent.learn(options.learn, progress_bar=True)
    found = record(
        agent,
        scenario,
        interactions=options.interactions,
        seed=options.seed + MAX_ENVS,  # others than those learned from
        num_envs=options.num_envs,
        n_draws=options.draws,
        progress_bar=True,
    )
    beside = found.write(path)
    about = found.about
    print(
        f"{name}, after learning from {agent.num_timesteps:,} interactions: {about['rows']:,} rows "
        f"of {about['visits']:,} visits, {about['clicks']:,} clicked; propensities are "
        f"{about['propensity']}"
    )
    never = float((found.columns["propensity"] == 0).mean())
    if never:
        print(f"in {never:.2%} of the rows the slate was never drawn again: raise --draws")
    print(f"log: {path}\nsettings: {beside}")
    print(f"next: recsim-env calibrate {path} --duplicates last")
    return 0
