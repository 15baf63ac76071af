"""`recsim-env scenarios`, `agents` and `metrics`: what there is, and its reference pages."""

import argparse
import inspect
from typing import Any


def add_commands(commands: Any) -> None:
    """Adds the commands."""
    parser = commands.add_parser(
        "scenarios",
        help="list the scenarios, or explain one",
        description="Lists the scenarios with the question that each asks, or prints one's page.",
        examples=(
            "scenarios",
            "scenarios MusicStreaming",
            "scenarios coffee.py:CoffeeShop",
            "scenarios --page",
        ),
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="explain it and its settings")
    parser.add_argument("--page", action="store_true", help="print the page of all, in Markdown")
    parser.set_defaults(run=scenarios)
    parser = commands.add_parser(
        "agents",
        help="list the agents, or explain one",
        description="Lists the agents and where each works, or prints one's page.",
        examples=("agents", "agents linucb", "agents --page"),
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="explain it and its settings")
    parser.add_argument("--page", action="store_true", help="print the page of all, in Markdown")
    parser.set_defaults(run=agents)
    parser = commands.add_parser(
        "metrics",
        help="list what is measured beside the return",
        description="Lists the columns of metrics.csv, or prints the table of all.",
        examples=("metrics", "metrics --page"),
    )
    parser.add_argument("--page", action="store_true", help="print the page of all, in Markdown")
    parser.set_defaults(run=metrics)


def scenarios(options: argparse.Namespace) -> int:
    """Prints ids with the question that each scenario asks, or the page of one."""
    from recsim_env.cli.pages import scenarios_page, settings_lines
    from recsim_env.cli.suitability import first_line
    from recsim_env.envs.resolving import resolve_scenario, scenario_id, scenario_ids

    if options.page:
        print(scenarios_page())
        return 0
    if options.name is None:
        ids = scenario_ids()
        width = max(map(len, ids))
        for env_id in ids:
            print(f"{env_id:{width}}  {first_line(type(resolve_scenario(env_id)))}")
        return 0
    scenario = resolve_scenario(options.name)
    print(f"{scenario_id(options.name)}\n")
    print(inspect.getdoc(type(scenario)))
    print("\nSettings of this id:")
    settings = scenario.settings | {"reward": scenario.reward}
    print("\n".join(settings_lines(type(scenario), settings)))
    return 0


def agents(options: argparse.Namespace) -> int:
    """Prints names, first lines and where each agent works, or the page of one or of all."""
    from recsim_env.agents import AGENTS, agent_class
    from recsim_env.cli.pages import agents_page, settings_lines
    from recsim_env.cli.suitability import Suitability, first_line

    if options.name is not None:
        kind = agent_class(options.name)
        print(f"{options.name}\n")
        print(inspect.getdoc(kind))
        print("\nSettings:")
        print("\n".join(settings_lines(kind.Settings, kind.Settings.defaults())) or "  none")
        return 0
    if options.page:
        print(agents_page())
        return 0
    found = Suitability.of_all()
    width = max(map(len, AGENTS))
    for name in AGENTS:
        print(f"{name:{width}}  {first_line(agent_class(name))}")
        for line in found.lines(name):
            print(f"{'':{width}}  {line}")
    return 0


def metrics(options: argparse.Namespace) -> int:
    """Prints what each metric means, or the page of all."""
    from recsim_env.cli.metric_page import metrics_page
    from recsim_env.results.metrics import METRICS

    if options.page:
        print(metrics_page())
        return 0
    width = max(map(len, METRICS))
    for name, metric in METRICS.items():
        print(f"{name:{width}}  {metric.meaning}")
    return 0
