"""`recsim-env credit`: what of the long-term value agents could tell, and what they show of it."""

import argparse
from typing import Any

from recsim_env.cli.arguments import (
    AGENT,
    SCENARIO,
    add_agent_settings,
    add_count,
    add_learn,
    add_seed,
    add_settings,
    as_dict,
)
from recsim_env.cli.columns import print_columns
from recsim_env.core.scenario import Scenario


def add_commands(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "credit",
        help="tell what of the long-term value agents cannot see from what they do not learn",
        description="Gathers decisions of an agent, and the true long-term value of every "
        "candidate. Says what part of the value of the first place, above a random item's, a "
        "network gets that is told it and sees what agents see (predictable), what part the agent "
        "gets (learned), and what is between (lost); what is left is hidden. With --acting, says "
        "what is earned by acting on what one was told.",
        examples=(
            "credit Boredom ppo --learn 400_000 --num-envs 256",
            "credit ShortVideo my.agent",
            "credit Boredom uniform --acting 400",
        ),
    )
    parser.add_argument("scenario", metavar="SCENARIO", help=SCENARIO)
    parser.add_argument("agents", nargs="+", metavar="AGENT", help=AGENT)
    add_learn(parser)
    add_count(parser, "--num-envs", "people side by side while it learns", default=16)
    add_count(parser, "--moments", "decisions that are gathered", default=20_000)
    add_count(
        parser,
        "--acting",
        "episodes in which a network acts on what it was told, of 40,000 moments in four rounds",
    )
    parser.add_argument(
        "--profiles",
        action="store_true",
        help="let it know people again, whom it met in 500,000 interactions before",
    )
    parser.add_argument(
        "--recency",
        action="store_true",
        help="let the networks see how lately items of a candidate's kind were shown and clicked",
    )
    add_seed(parser, of="the agent, and of other people who are judged on")
    add_settings(parser)
    add_agent_settings(parser)
    parser.set_defaults(run=credit)


def credit(options: argparse.Namespace) -> int:
    """Trains each agent, and prints the table."""
    from recsim_env.agents import agent_class, make_agent
    from recsim_env.benchmark.credit import credit as credited
    from recsim_env.benchmark.experiment.settings import MAX_ENVS
    from recsim_env.envs import RecommendationVectorEnv
    from recsim_env.envs.resolving import settings_of

    given = as_dict(options.settings, settings_of(options.scenario))
    env = RecommendationVectorEnv(options.scenario, num_envs=options.num_envs, **given)
    rows = [["agent", "interactions", "predictable", "learned", "lost", "hidden"]]
    for name in options.agents:
        settings = as_dict(options.agent_set, agent_class(name).Settings.defaults())
        agent = make_agent(name, env, seed=2 * options.seed * MAX_ENVS, **settings)
        if options.learn and agent.learns:
            agent.learn(options.learn, progress_bar=True)
        found = credited(
            agent,
            env.scenario,
            n_moments=options.moments,
            seed=(2 * options.seed + 1) * MAX_ENVS,
            recency=options.recency,
        )
        shares = (found.predictable, found.learned, found.lost, found.hidden)
        rows.append([name, f"{agent.num_timesteps:,}", *(f"{each:.2f}" for each in shares)])
    print_columns(rows, indent=0)
    print(
        "\nshares of the long-term value of the first place, from a random item (0) to the best "
        f"(1), at {found.n_moments:,} moments of people of whom nothing was learned"
    )
    if options.acting:
        print(_acting(env.scenario, options))
    return 0


def _acting(scenario: Scenario, options: argparse.Namespace) -> str:
    """Returns a sentence on what is earned by acting on what one was told."""
    from recsim_env.benchmark.experiment.settings import MAX_ENVS
    from recsim_env.benchmark.told import acting

    found = acting(
        scenario,
        n_episodes=options.acting,
        seed=(2 * options.seed + 1) * MAX_ENVS,
        remembers={"profiles": options.profiles, "recency": options.recency},
    )
    return (
        f"acting on what it was told, a network earns {found.told:.1f}: {found.share:.2f} of what "
        f"far_sighted ({found.far_sighted:.1f}) earns beyond the oracle ({found.oracle:.1f}), in "
        f"{options.acting:,} episodes"
    )
