"""`recsim-env evaluate`: what agents earn; and what commands share that let an agent act."""

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
    add_seed,
    add_settings,
    add_tuned,
    as_dict,
    with_tuned,
)

_FOUR_DIGITS = "{:.4g}".format

if TYPE_CHECKING:
    from recsim_env.agents import Agent
    from recsim_env.core.scenario import Scenario
    from recsim_env.envs import RecommendationVectorEnv


def add_commands(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "evaluate",
        help="evaluate frozen agents on the same people",
        description="Prints the mean return of agents that learn no more, on the same people with "
        "common random numbers, and how much more each earns than the first.",
        examples=(
            "evaluate MusicStreaming uniform oracle",
            "evaluate MusicStreaming linucb ials --learn 5_000",
            "evaluate LongTermSatisfaction uniform ppo.agent --episodes 5_000",
            "evaluate LongTermSatisfaction uniform rules.py:best_first model.zip",
        ),
    )
    add_common(parser)
    add_tuned(parser)
    add_another_world(parser)
    parser.add_argument("agents", nargs="+", metavar="AGENT", help=AGENT)
    add_learn(parser)
    add_count(parser, "--episodes", "per agent; beyond 100 a multiple of it", default=1_000)
    parser.set_defaults(run=evaluate_agents)


def add_common(parser: argparse.ArgumentParser) -> None:
    """Adds the scenario, settings of scenario and agent, and the seed."""
    parser.add_argument("scenario", metavar="SCENARIO", help=SCENARIO)
    add_settings(parser)
    add_agent_settings(parser)
    add_seed(parser, of="people and agent")


def add_another_world(parser: argparse.ArgumentParser) -> None:
    """Adds `--another-world`."""
    parser.add_argument(
        "--another-world",
        action="store_true",
        help="let the agent of a file act in another world than it learned in; of its scenario, "
        "the settings are still those of the file, but for what --set changes",
    )


def chosen_scenario(options: argparse.Namespace, agents: Sequence[str] = ()) -> "Scenario":
    """Returns the scenario that was named, with the settings given.

    The settings of the first agent that is a file, and learned in this scenario, count wherever
    neither the id nor --set says otherwise.
    """
    from recsim_env.agents.core.world import is_of
    from recsim_env.envs.resolving import named_scenario, resolve_scenario, settings_of

    kind, fixed = named_scenario(options.scenario)
    changes = as_dict(options.settings, settings_of(options.scenario))
    for about in filter(None, map(agent_file, agents)):
        if is_of(about["world"], kind):
            return kind.create(**(about["world"]["scenario_settings"] | fixed | changes))
    return resolve_scenario(options.scenario, **changes)


def agent_file(name: str) -> dict[str, Any] | None:
    """Returns what the file of a saved agent says of it; None where the name is of another."""
    from recsim_env.agents import AGENTS
    from recsim_env.agents.core.agent_file import read_about
    from recsim_env.agents.foreign.sb3_file import is_model_file

    is_agent = name not in AGENTS and not is_model_file(name) and Path(name).is_file()
    return read_about(name) if is_agent else None


def chosen_agent(name: str, env: "RecommendationVectorEnv", options: argparse.Namespace) -> "Agent":
    """Returns the agent of that name, or the one saved in that file."""
    from recsim_env.agents import agent_class, is_frozen, load_agent, make_agent

    about = agent_file(name)
    if about:
        changes = as_dict(options.agent_set, about["settings"])
        return load_agent(name, env, another_world=options.another_world, **changes)
    kind = agent_class(name)
    changes = as_dict(options.agent_set, kind.Settings.defaults())
    if options.tuned and kind.learns and not is_frozen(name):
        changes = with_tuned(name, env.scenario, changes)
    return make_agent(name, env, seed=options.seed, **changes)


def evaluate_agents(options: argparse.Namespace) -> int:
    """Prints the mean return of each agent, and its difference to the first."""
    from recsim_env.agents import is_frozen
    from recsim_env.benchmark import evaluate
    from recsim_env.envs import RecommendationVectorEnv
    from recsim_env.results.intervals import estimate, paired_difference

    scenario = chosen_scenario(options, options.agents)
    env = RecommendationVectorEnv(scenario, num_envs=16 if options.learn else 1)
    _check_agents(env, options)
    width = max(map(len, options.agents))
    untrained = []
    first: dict[int, float] = {}
    for name in options.agents:
        agent = chosen_agent(name, env, options)
        if options.learn and not is_frozen(name):
            agent.learn(options.learn, progress_bar=True)
        if not agent.num_timesteps and agent.learns:
            untrained.append(name)
        found = evaluate(agent, scenario, n_episodes=options.episodes, seed=options.seed)
        line = f"{name:{width}}  return {estimate(found.returns).text(_FOUR_DIGITS)}"
        line += f"  reward/step {found.reward_per_step:.4g}  steps {found.episode_length:.4g}"
        returns = dict(enumerate(found.returns.tolist()))
        if first:
            line += f"  more than {options.agents[0]}: "
            line += paired_difference(returns, first).text(_FOUR_DIGITS)
        print(line)
        first = first or returns
    if untrained:
        print(
            f"{', '.join(untrained)}: untrained; --learn N lets agents given by name learn first, "
            "`recsim-env train` keeps what they learn in a file"
        )
    print(f"intervals: {estimate(found.returns).method} over {options.episodes:,} episodes")
    return 0


def _check_agents(env: "RecommendationVectorEnv", options: argparse.Namespace) -> None:
    """Raises what is wrong with the name or file of any agent, before the first one acts."""
    from recsim_env.agents import agent_class

    for name in options.agents:
        if agent_file(name):
            chosen_agent(name, env, options)
        else:
            agent_class(name)
