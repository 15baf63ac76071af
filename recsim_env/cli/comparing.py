"""`recsim-env benchmark`, `plot`, `value` and `speed`."""

import argparse
import dataclasses
import math
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsim_env.cli.arguments import Setting, add_settings, as_dict, count, jobs, seed, setting

if TYPE_CHECKING:
    from recsim_env.benchmark import BenchmarkOutcome, BenchmarkSettings

DEFAULT_FOLDER = Path("results")
_COUNTS = ("interactions", "checkpoints", "bins", "num_envs", "eval_episodes")


def add_commands(commands: Any) -> None:
    """Adds the four commands."""
    _add_benchmark(commands)
    parser = commands.add_parser("plot", help="redraw figures and report from a result table")
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER)
    parser.set_defaults(run=plot)
    _add_value(commands)
    parser = commands.add_parser("speed", help="measure how fast people are simulated")
    parser.add_argument("scenarios", nargs="*", help="names (all of ours)")
    parser.add_argument("--batch", type=count, nargs="+", default=[1, 256, 4096], metavar="N")
    parser.add_argument("--threads", type=count, nargs="+", default=[1, 2], metavar="N")
    parser.add_argument("--seconds", type=float, default=0.5, help="per measurement (0.5)")
    parser.add_argument("--world", action="store_true", help="only compare small and huge worlds")
    parser.set_defaults(run=speed)


def _add_benchmark(commands: Any) -> None:
    parser = commands.add_parser(
        "benchmark",
        help="compare agents; writes table, figures and report",
        description="Compares agents on the same people; uniform and the oracle always run. "
        "Interrupted, the same command goes on where it was.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="SCENARIO", help="names, also of the file (MusicStreaming)"
    )
    parser.add_argument("--scenario", nargs="+", default=[], metavar="NAME", help="likewise")
    parser.add_argument(
        "--agents",
        nargs="+",
        metavar="NAME",
        help="which, also by their names in the file (a few of each kind); all: all that learn",
    )
    parser.add_argument(
        "--seeds", nargs="+", type=seed, metavar="N", help="how many (3), or which, two or more"
    )
    for name in _COUNTS:
        parser.add_argument(f"--{name.replace('_', '-')}", type=count, metavar="N")
    parser.add_argument("--jobs", type=jobs, metavar="N", help="processes (one per core)")
    add_settings(parser, of="every scenario named")
    parser.add_argument(
        "--agent-set",
        type=setting,
        action="append",
        metavar="AGENT.NAME=VALUE",
        help="a setting of an agent; may be repeated",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file with settings")
    parser.add_argument("--out", type=Path, default=DEFAULT_FOLDER, help="folder (results)")
    parser.set_defaults(run=benchmark)


def _add_value(commands: Any) -> None:
    parser = commands.add_parser(
        "value",
        help="measure what context, foresight and so on are worth in a scenario",
        description="Compares policies with the same without an ability: context, personalization, "
        "exploration, foresight, diversity. Interrupted, the same command goes on.",
    )
    parser.add_argument("names", nargs="*", metavar="SCENARIO", help="names (all of ours)")
    parser.add_argument("--seeds", type=count, default=5, metavar="N", help="how many (5)")
    for name, default in (("interactions", 10_000), ("eval_episodes", 500)):
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=count, default=default, metavar="N", help=f"({default:,})")
    parser.add_argument(
        "--jobs", type=jobs, default=-1, metavar="N", help="processes (one per core)"
    )
    parser.add_argument("--out", type=Path, default=DEFAULT_FOLDER / "value", help="folder")
    parser.set_defaults(run=value)


def benchmark_settings(options: argparse.Namespace) -> "BenchmarkSettings":
    """Returns the settings of the file, if any, with those of the command line over them."""
    from recsim_env.benchmark import BenchmarkSettings

    given = {name: getattr(options, name) for name in (*_COUNTS, "jobs", "agents")}
    given["scenarios"] = [*options.names, *options.scenario] or None
    seeds = options.seeds
    given["seeds"] = seeds[0] if seeds and len(seeds) == 1 else seeds
    given = {name: value for name, value in given.items() if value is not None}
    if options.config:
        settings = BenchmarkSettings.from_toml(options.config, **given)
    else:
        settings = BenchmarkSettings.create(**given)
    changes = as_dict(options.settings)
    return dataclasses.replace(
        settings,
        scenarios={label: {**entry, **changes} for label, entry in settings.scenarios.items()},
        agents=with_agent_settings(settings.agents, options.agent_set or []),
    )


def with_agent_settings(agents: Any, changes: list[Setting]) -> dict[str, dict[str, Any]]:
    """Returns agents' settings with the changes, named AGENT.NAME, in them."""
    changed = {label: dict(entry) for label, entry in agents.items()}
    for name, value in changes:
        label, dot, key = name.rpartition(".")
        if not dot or label not in changed:
            raise ValueError(
                f"--agent-set {name} names no agent that runs; use AGENT.NAME=VALUE with "
                f"one of {', '.join(changed)}"
            )
        changed[label][key] = value
    return changed


def benchmark(options: argparse.Namespace) -> int:
    """Runs what is missing, writes the report and prints the leaderboard."""
    from recsim_env.benchmark import run_benchmark

    settings = benchmark_settings(options)
    command = shlex.join(["recsim-env", *sys.argv[1:]])
    try:
        outcome = run_benchmark(settings, options.out, command=command, progress_bar=True)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on with what is left") from None
    print_leaderboards(outcome.folder)
    _print_outcome(outcome)
    _write_report(outcome.folder)
    return 1 if outcome.failed else 0


def _print_outcome(outcome: "BenchmarkOutcome") -> None:
    for each in outcome.left_out:
        print(f"left out in {each.scenario}: {each.reason}")
    if outcome.n_kept:
        print(f"{outcome.n_kept} of {outcome.n_runs} runs were finished before and are kept")
    if outcome.foreign:
        others = ", ".join(sorted({f"{agent} in {name}" for name, agent, _ in outcome.foreign}))
        print(f"the folder also holds runs that were not asked for: {others}")
    for scenario, agent, number in outcome.failed:
        print(
            f"FAILED: {scenario}, {agent}, seed {number}; see {outcome.folder / 'errors'}",
            file=sys.stderr,
        )


def print_leaderboards(folder: Path) -> None:
    """Prints who ranks where, with intervals over seeds."""
    from recsim_env.results import ResultTable
    from recsim_env.standings import standings

    table = ResultTable(folder)
    for scenario in table.scenarios():
        print(f"\n{scenario}")
        if not table.rows(phase="final", scenario=scenario):
            print("  no run finished")
            continue
        ranked = standings(table, scenario)
        width = max(len(each.agent) for each in ranked)
        print(f"  {'agent':{width}}  {'return':>24}  {'score (uniform 0, oracle 1)':>28}")
        for each in ranked:
            score = _interval(each.score) if each.score else "–"
            print(f"  {each.agent:{width}}  {_interval(each.episode_return):>24}  {score:>28}")


def _interval(found: Any) -> str:
    if math.isnan(found.low):
        return f"{found.mean:.2f}"
    return f"{found.mean:.2f} [{found.low:.2f}, {found.high:.2f}]"


def _write_report(folder: Path) -> None:
    """Writes figures and report, where the plots extra is installed."""
    try:
        from recsim_env.plots.report import write_report
    except ImportError:
        print(f'\ntable: {folder}/rows.csv; for figures: pip install "recsim-env[plots]"')
        return
    print(f"\nreport: {write_report(folder)}")


def plot(options: argparse.Namespace) -> int:
    """Redraws from the table alone."""
    try:
        from recsim_env.plots.report import write_report
    except ImportError as error:
        raise ImportError('figures need Matplotlib: pip install "recsim-env[plots]"') from error
    print(f"report: {write_report(options.folder)}")
    return 0


def value(options: argparse.Namespace) -> int:
    """Measures what is missing, and prints the table of gains."""
    from recsim_env.benchmark.value import as_markdown, measure_values, named_worlds

    given = {name: getattr(options, name) for name in ("seeds", "interactions", "eval_episodes")}
    try:
        values = measure_values(
            named_worlds(options.names), options.out, **given, jobs=options.jobs, progress_bar=True
        )
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on with what is left") from None
    print(as_markdown(values), end="")
    return 0


def speed(options: argparse.Namespace) -> int:
    """Prints the measurements as they come."""
    from recsim_env.benchmark.speed import print_speed, print_world_scale

    if not options.world:
        print_speed(options.scenarios, options.batch, options.threads, seconds=options.seconds)
    print_world_scale(seconds=options.seconds)
    return 0
