"""`recsim-env benchmark`: agents are compared."""

import argparse
import dataclasses
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsim_env.cli.arguments import (
    AGENT,
    SCENARIO,
    Setting,
    add_agent_settings,
    add_jobs,
    add_overwrite,
    add_seeds,
    add_settings,
    as_dict,
    chosen_seeds,
    count,
    path,
    workers,
)
from recsim_env.cli.deciding import add_until, run_chosen
from recsim_env.cli.planning import print_config, print_size
from recsim_env.cli.sweeping import add_sweep, chosen_sweep, print_sweeps
from recsim_env.formats.files import check_folder
from recsim_env.inputs.spelling import did_you_mean

if TYPE_CHECKING:
    from recsim_env.benchmark import BenchmarkOutcome, BenchmarkSettings

RESULTS = Path("results")
"""Where folders of results go that are not named."""

PAGE = "page"
"""What stands for the page among the figures of `plot`."""

#: Options of counts, the setting that each is, what it says, and the setting's default.
_COUNTS = (
    ("--interactions", "interactions", "interactions that each agent learns from", 20_000),
    ("--checkpoints", "checkpoints", "evaluations while learning, the last at its end", 5),
    ("--bins", "bins", "of the reward while learning", 20),
    ("--num-envs", "num_envs", "people side by side while learning", 16),
    ("--episodes", "eval_episodes", "of an evaluation; beyond 100 a multiple of it", 1_000),
)


def add_commands(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "benchmark",
        help="compare agents; writes table, figures and report",
        description="Compares agents on the same people; uniform and the oracle always run. "
        "Interrupted, the same command goes on where it was. The command line has the last word "
        "over the file.",
        examples=(
            "benchmark",
            "benchmark NewsFeed --agents content linucb --seeds 5 --interactions 50_000",
            "benchmark --config docs/results/ladder/quick.toml --out results/quick",
            "benchmark MusicStreaming --agents linucb --agent-set linucb.alpha=0.5 --set n_days=30",
            "benchmark MusicStreaming --sweep n_candidates=10,50 --sweep agent.linucb.alpha=.3,1,3",
            "benchmark NewsFeed --agents linucb dqn --seeds 5 --until decided --max-seeds 40",
            "benchmark NewsFeed --backend ray --address head:6379",
        ),
    )
    parser.add_argument(
        "names",
        nargs="*",
        metavar="SCENARIO",
        help=f"{SCENARIO}, or of the file (MusicStreaming)",
    )
    parser.add_argument(
        "--scenario", nargs="+", default=[], metavar="SCENARIO", help="likewise, after options"
    )
    parser.add_argument(
        "--agents",
        nargs="+",
        metavar="AGENT",
        help=f"{AGENT}; or of the TOML file; all: all that learn (a few of each kind)",
    )
    add_seeds(parser, default="3")
    add_until(parser)
    for option, name, text, default in _COUNTS:
        parser.add_argument(
            option, dest=name, type=count, metavar="N", help=f"{text} ({default:,})"
        )
    add_jobs(parser, of="runs")
    add_settings(parser, of="every scenario named")
    add_agent_settings(parser, of_several=True)
    add_sweep(parser)
    parser.add_argument(
        "--tuned",
        action="store_true",
        default=None,
        help="also run each agent that learns with the settings that were found best in the "
        "scenario, as AGENT (tuned)",
    )
    parser.add_argument(
        "--config", type=path, metavar="FILE", help="a TOML file with settings (none)"
    )
    parser.add_argument(
        "--print-config",
        action="store_true",
        help="print such a file, of all that is asked for here, and play nothing",
    )
    parser.add_argument(
        "--out", type=path, metavar="FOLDER", help=f"where results go ({RESULTS}/SCENARIO)"
    )
    add_overwrite(parser)
    parser.add_argument(
        "--measure",
        action="store_true",
        help="play runs again that an earlier version finished without metrics; their rows stay",
    )
    parser.set_defaults(run=benchmark)


def benchmark_settings(options: argparse.Namespace) -> "BenchmarkSettings":
    """Returns the settings of the file, if any, with those of the command line over them."""
    from recsim_env.benchmark import BenchmarkSettings
    from recsim_env.envs.resolving import settings_of

    names = (*(name for _, name, _, _ in _COUNTS), "jobs", "agents", "tuned")
    given = {name: getattr(options, name) for name in names}
    given["scenarios"] = [*options.names, *options.scenario] or None
    given["seeds"] = chosen_seeds(options)
    given = {name: value for name, value in given.items() if value is not None}
    if options.config:
        settings = BenchmarkSettings.from_toml(options.config, **given)
    else:
        settings = BenchmarkSettings.create(**given)
    scenarios = {
        label: {**entry, **as_dict(options.settings, settings_of(entry.get("scenario", label)))}
        for label, entry in settings.scenarios.items()
    }
    agents = with_agent_settings(settings.agents, options.agent_set or [])
    sweep = chosen_sweep(options.sweep, scenarios, agents) if options.sweep else settings.sweep
    return dataclasses.replace(settings, scenarios=scenarios, agents=agents, sweep=sweep)


def with_agent_settings(agents: Any, changes: list[Setting]) -> dict[str, dict[str, Any]]:
    """Returns agents' settings with the changes, named AGENT.NAME, in them."""
    from recsim_env.agents import agent_class

    changed = {label: dict(entry) for label, entry in agents.items()}
    for change in changes:
        label, dot, key = change.name.rpartition(".")
        if not dot or label not in changed:
            raise ValueError(
                f"--agent-set {change.name} names no agent that runs; use AGENT.NAME=VALUE with "
                f"one of {', '.join(changed)}{did_you_mean(label, changed)}"
            )
        defaults = agent_class(changed[label].get("agent", label)).Settings.defaults()
        changed[label][key] = change.read(defaults.get(key))
    return changed


def benchmark(options: argparse.Namespace) -> int:
    """Runs what is missing, writes the report and prints the leaderboard."""
    settings = benchmark_settings(options)
    folder = options.out or RESULTS / settings.folder_name
    if options.print_config:
        print_config(settings, folder, options)
        return 0
    check_folder(folder)
    if settings.sweep:
        print_size(settings)
    try:
        with workers(options):
            outcome = run_chosen(
                options,
                settings,
                folder,
                command=options.typed,
                progress_bar=True,
                overwrite=options.overwrite,
                measure=options.measure,
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on with what is left") from None
    print_leaderboards(outcome.folder)
    _print_outcome(outcome)
    _write_report(outcome.folder)
    return 1 if outcome.failed else 0


def _print_outcome(outcome: "BenchmarkOutcome") -> None:
    for problem in outcome.damage:
        print(f"overwritten: {problem}")
    for each in outcome.left_out:
        print(f"left out in {each.scenario}: {each.reason}")
    if outcome.n_kept:
        print(f"{outcome.n_kept} of {outcome.n_runs} runs were finished before and are kept")
    if outcome.n_measured:
        print(f"{outcome.n_measured} of them were played again to be measured; their rows stay")
    if outcome.n_unmeasured:
        remedy = "; --measure plays them again" if not outcome.n_measured else ""
        print(f"{outcome.n_unmeasured} runs have no metrics{remedy}")
    if outcome.foreign:
        print(f"counted too are runs in the folder that were not asked for: {_others(outcome)}")
    for scenario, agent, number in outcome.failed:
        print(
            f"FAILED: {scenario}, {agent}, seed {number}; see {outcome.folder / 'errors'}",
            file=sys.stderr,
        )


def print_leaderboards(folder: Path) -> None:
    """Prints who ranks where, with intervals over seeds."""
    from recsim_env.results.standings import made_elsewhere, standings
    from recsim_env.results.sweeps import swept_scenarios
    from recsim_env.results.table import ResultTable
    from recsim_env.results.verdicts import verdicts

    table = ResultTable(folder)
    of_sweep = swept_scenarios(table)  # which have a table of their own
    for scenario in table.scenarios():
        if scenario in of_sweep:
            continue
        print(f"\n{scenario}")
        if not table.rows(phase="final", scenario=scenario):
            print("  no run finished")
            continue
        ranked = standings(table, scenario)
        width = max(len(each.agent) for each in ranked)
        is_scored = any(each.score for each in ranked)
        two_decimals = "{:.2f}".format
        scale = f"  {'score (uniform 0, oracle 1)':>28}" if is_scored else ""
        print(f"  {'agent':{width}}  {'seeds':>5}  {'return':>24}{scale}")
        for each in ranked:
            score = each.score.text(two_decimals) if each.score else "–"
            score = f"  {score:>28}" if is_scored else ""
            returns = f"{each.episode_return.n:>5}  {each.episode_return.text(two_decimals):>24}"
            print(f"  {each.agent:{width}}  {returns}{score}")
        if made := made_elsewhere(table, scenario):
            print(f"  made elsewhere, and learned nothing here: {', '.join(made)}")
        for sentence in verdicts(table, scenario):
            print(textwrap.fill(sentence, 100, initial_indent="  ", subsequent_indent="  "))
    print_sweeps(table)


def _write_report(folder: Path) -> None:
    """Writes figures and report, where the plots extra is installed."""
    try:
        from recsim_env.plots.report import write_report
    except ImportError:
        print(f'\ntable: {folder}/rows.csv; for figures: pip install "recsim-env[plots]"')
        return
    print(f"\nreport: {write_report(folder)}")
    write_page_of(folder)


def write_page_of(folder: Path, *, is_asked: bool = False) -> None:
    """Writes the page to look at; without its extra says so, unless it was asked for by name."""
    from recsim_env.plots.page import write_page

    try:
        print(f"page: {write_page(folder)}")
    except ModuleNotFoundError as error:
        if is_asked:
            raise
        print(f"no page: {error}")


def _others(outcome: "BenchmarkOutcome") -> str:
    """Returns of which agents a folder has runs that were not asked for, and where."""
    where: dict[str, set[str]] = {}
    for scenario, agent, _ in outcome.foreign:
        where.setdefault(agent, set()).add(scenario)
    return ", ".join(
        f"{agent} in {next(iter(names)) if len(names) == 1 else f'{len(names)} scenarios'}"
        for agent, names in sorted(where.items())
    )
