"""`recsim-env compare`: folders of results, or files of agents, with each other."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recsim_env.cli.arguments import SCENARIO, add_count, add_seed, add_settings
from recsim_env.cli.columns import print_columns
from recsim_env.cli.playing import add_another_world, agent_file, evaluate_agents
from recsim_env.inputs.spelling import did_you_mean

if TYPE_CHECKING:
    from recsim_env.results.comparison import Change, Comparison, ScenarioComparison

_FIRST = "A"
_EPISODES = 1_000
_MOST_FOLDERS = 26


def add_commands(commands: Any) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "compare",
        help="compare folders of results, or files of agents",
        description="Says in what folders of results differ, and how much more agents earn in each "
        "than in the first: by seed where the people are the same. Files of agents are evaluated "
        "on the same people.",
        examples=(
            "compare results/before results/after",
            "compare results/before results/after --fail-if-worse",
            "compare results/before results/after --metric diversity",
            "compare old.agent new.agent",
            "compare old.agent new.agent uniform --scenario MusicStreaming --set n_days=7",
        ),
    )
    parser.add_argument(
        "what", nargs="+", metavar="FOLDER|AGENT", help="two or more folders, or files of agents"
    )
    parser.add_argument(
        "--fail-if-worse",
        action="store_true",
        help="exit with 1 where an agent is significantly worse than in the first folder",
    )
    parser.add_argument(
        "--metric",
        metavar="NAME",
        help="of folders: compare this instead of returns (see recsim-env metrics)",
    )
    agents = parser.add_argument_group("of agents only")
    agents.add_argument(
        "--scenario", metavar="SCENARIO", help=f"{SCENARIO} (that of the first file)"
    )
    add_settings(agents)
    add_seed(agents, of="people")
    add_count(agents, "--episodes", "per agent; beyond 100 a multiple of it", default=_EPISODES)
    add_another_world(agents)
    parser.set_defaults(run=compare)


def compare(options: argparse.Namespace) -> int:
    """Compares what is named, and prints what there is to tell.

    Raises:
      ValueError: a single thing is named, folders and agents together, or one twice.
    """
    names: list[str] = options.what
    if len(names) < 2:
        raise ValueError(f"{names[0]} alone is no comparison; name two or more folders or agents")
    if twice := [name for place, name in enumerate(names) if name in names[:place]]:
        raise ValueError(f"{twice[0]} is named twice; name different folders or agents")
    folders = [name for name in names if Path(name).is_dir()]
    if not folders:
        return _compare_agents(options)
    if others := [name for name in names if name not in folders]:
        near = did_you_mean(others[0], [str(each) for each in Path(others[0]).parent.glob("*/")])
        raise ValueError(
            f"{others[0]} is no folder, and {folders[0]} is one; compare folders, or agents{near}"
        )
    if options.scenario or options.settings:
        raise ValueError("--scenario and --set are of agents; folders say where theirs learned")
    if options.seed or options.another_world or options.episodes != _EPISODES:
        raise ValueError(
            "--seed, --episodes and --another-world are of agents; folders hold finished runs"
        )
    if len(folders) > _MOST_FOLDERS:
        raise ValueError(f"{len(folders)} folders are too many; name at most {_MOST_FOLDERS}")
    return _compare_folders(folders, options.metric, is_strict=options.fail_if_worse)


def _compare_folders(folders: Sequence[str], metric: str | None, *, is_strict: bool) -> int:
    from recsim_env.results.comparison import WORSE, compare_tables
    from recsim_env.results.metrics import METRIC_ROWS
    from recsim_env.results.table import ResultTable

    what = "returns" if metric is None else _meaning(metric, is_strict=is_strict)
    tables = [ResultTable(folder) for folder in folders]
    found = [compare_tables(tables[0], table, metric=metric) for table in tables[1:]]
    letters = [chr(ord(_FIRST) + place) for place in range(len(folders))]
    for letter, table in zip(letters, tables, strict=True):
        runs = len(table.rows(phase="final"))
        print(f"{letter}: {table.folder}, {runs:,} finished runs")
    for letter, comparison in zip(letters[1:], found, strict=True):
        _print_comparison(comparison, letter, what)
    if metric is None and all((table.folder / METRIC_ROWS.file).exists() for table in tables):
        print("what else was measured in all of them: --metric NAME (see recsim-env metrics)")
    changes = [c for comparison in found for each in comparison.scenarios for c in each.changes]
    is_worse = any(c.verdict == WORSE and c.agent == c.rival for c in changes)
    return 1 if is_strict and is_worse else 0


def _meaning(name: str, *, is_strict: bool) -> str:
    """Returns what a metric says, as a phrase.

    Raises:
      ValueError: there is no such metric, or none of its values is worse than another.
    """
    from recsim_env.results.metrics import METRICS

    if name not in METRICS:
        raise ValueError(
            f"--metric: there is no metric {name!r}; known are {', '.join(METRICS)}"
            f"{did_you_mean(name, METRICS)}"
        )
    metric = METRICS[name]
    if is_strict and not metric.better:
        raise ValueError(f"--fail-if-worse: neither more nor less of {name} is worse")
    return f"{name} ({metric.unit}{f', {metric.better} is better' if metric.better else ''})"


def _print_comparison(found: "Comparison", letter: str, what: str) -> None:
    print(f"\n{letter} against {_FIRST}")
    _print_differences("versions", found.versions, letter)
    for each in found.scenarios:
        if each.changes:
            _print_scenario(each, letter)
        else:
            print(f"\n{each.scenario}: no agent has {what} in both")
    for name, where in ((found.only_before, _FIRST), (found.only_after, letter)):
        if name:
            print(f"\nonly in {where}: {', '.join(name)}")
    changes = [change for each in found.scenarios for change in each.changes]
    methods = sorted({c.difference.method for c in changes if c.difference.has_interval})
    print(
        f"\n{what}: means over seeds; intervals: {', '.join(methods) or 'none'}; verdicts "
        f"hold of all {len(changes)} comparisons of {letter} together (Holm, 95 %)"
    )


def _print_differences(
    what: str, values: Mapping[str, tuple[Any, Any]], letter: str, indent: int = 0
) -> None:
    from recsim_env.results.recorded import short

    if values:
        print(f"{' ' * indent}other {what}")
        rows = [["", _FIRST, letter]]
        rows += [[name, *(_said(value, short) for value in pair)] for name, pair in values.items()]
        print_columns(rows, indent=indent + 2)


def _said(value: Any, short: Any) -> str:
    return "–" if value is None else value if isinstance(value, str) else short(value)


def _print_scenario(each: "ScenarioComparison", letter: str) -> None:
    print(f"\n{each.scenario}: {_people(each)}")
    _print_differences("settings", each.settings, letter, indent=2)
    print_columns(_rows(each.changes, letter))
    if each.did_people_change:
        print(
            "  an agent that learns nothing earns otherwise with the same settings and seed: the "
            "code, or what it stands on, changed what people do"
        )
    if each.only_before:
        print(f"  only in {_FIRST}: {', '.join(each.only_before)}")
    for seeds, where in zip(each.seeds, (_FIRST, letter), strict=True):
        if seeds:
            print(f"  seeds only in {where}: {', '.join(map(str, seeds))}")
    for runs, where in zip(each.failed, (_FIRST, letter), strict=True):
        if runs:
            said = ", ".join(f"{agent} with seed {seed}" for agent, seed in runs)
            print(f"  failed in {where}: {said}")


def _people(each: "ScenarioComparison") -> str:
    if each.are_same_people is None:
        return "it is not recorded whether the people are the same, so they are taken as others"
    if not each.are_same_people:
        return "other people, so that seeds are not paired"
    if all(change.is_paired for change in each.changes):
        return "the same people, paired by seed"
    return "the same people, but too few seeds are in both to pair all by seed"


def _rows(changes: Sequence["Change"], letter: str) -> list[list[str]]:
    from recsim_env.results.wording import number, with_interval

    rows = [["agent", _FIRST, letter, f"{letter} − {_FIRST} [interval]", "seeds", ""]]
    for change in changes:
        before = "–" if change.before is None else number(change.before.mean)
        said = change.verdict
        if change.agent != change.rival:
            said += f" than {change.rival}, best of {_FIRST}"
        if change.has_other_settings:
            said += "; other settings"
        difference = with_interval(change.difference)
        seeds = str(change.difference.n)
        rows.append([change.agent, before, number(change.after.mean), difference, seeds, said])
    return rows


def _compare_agents(options: argparse.Namespace) -> int:
    if options.fail_if_worse or options.metric:
        given = "--fail-if-worse" if options.fail_if_worse else "--metric"
        raise ValueError(f"{given} is of folders; agents are compared with the first")
    files = {name: about for name in options.what if (about := agent_file(name))}
    if options.scenario is None:
        if not files:
            missing = options.what[0]
            raise ValueError(f"{missing} is no folder or file of an agent; or name a --scenario")
        options.scenario = next(iter(files.values()))["world"]["scenario"]
    if len(files) > 1:
        rows = _of_files(files)
        print_columns([["", *files], *rows], indent=0)
        print()
    options.agents, options.agent_set = options.what, None
    options.learn, options.tuned = 0, False
    return evaluate_agents(options)


def _of_files(files: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Returns in what files of agents differ, a line for each."""
    from recsim_env.results.recorded import flat, short

    known = [
        {"agent": each["agent"], "interactions": each["num_timesteps"], "seed": each["seed"]}
        | flat({"settings": each["settings"], "world": each["world"]["scenario_settings"]})
        for each in files.values()
    ]
    names = list(dict.fromkeys(name for each in known for name in each))
    rows = [[name, *(_said(each.get(name), short) for each in known)] for name in names]
    return [row for row in rows if len(set(row[1:])) > 1]
