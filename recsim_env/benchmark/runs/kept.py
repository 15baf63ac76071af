"""Resuming: what a folder of results holds, and whether the runs that are asked for may join it."""

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from recsim_env.benchmark.runs.described import LeftOut
from recsim_env.formats.files import check_writable
from recsim_env.results.layout import BENCHMARK, Layout, RunKey
from recsim_env.results.recorded import differing, flat, short
from recsim_env.results.table import ResultTable

Configs = Mapping[str, Mapping[str, Any]]
"""World (scenario or log) to what decides its runs; under `agents`, label to what decides it."""

_MOST_DIFFERENCES = 6


class Playable(Protocol):
    """Something that is played in a process of its own and gives rows of a table."""

    @property
    def key(self) -> RunKey:
        """Names it in the table."""

    @property
    def config_hash(self) -> str:
        """Of everything but the seed."""


@contextlib.contextmanager
def joinable(
    folder: str | Path,
    runs: Sequence[Playable],
    configs: Configs,
    *,
    layout: Layout = BENCHMARK,
    overwrite: bool = False,
) -> Iterator[ResultTable]:
    """Yields the table of a folder to which runs may be added, by this process alone.

    Runs of other worlds, agents and seeds stay there, and so do finished runs that are asked for
    again. Those of other settings would stand beside the new ones as if they were comparable: they
    are refused, or removed where they may be overwritten. Where that is so of a world's first
    agent, which is in every plan, it is so of all its agents.

    Args:
      folder: of results.
      runs: all that are asked for; of each world, the one that every plan has comes first.
      configs: what decides them.
      layout: of the table's rows.
      overwrite: whether to remove runs of other settings, and damaged ones.

    Raises:
      ValueError: the folder holds finished runs of other settings; says what differs. Or it is no
        folder of results and holds files that would be replaced.
      OSError: the folder cannot be written.
      RuntimeError: another process adds runs to it.
    """
    table, others = check_joinable(folder, runs, configs, layout=layout, overwrite=overwrite)
    with table.writing():
        if others or table.damage:
            table.remove_runs(others)
        yield table


def check_joinable(
    folder: str | Path,
    runs: Sequence[Playable],
    configs: Configs,
    *,
    layout: Layout = BENCHMARK,
    overwrite: bool = False,
) -> tuple[ResultTable, Collection[RunKey]]:
    """Returns a table to which runs may be added, and which runs would be removed from it.

    Raises:
      ValueError: as in `joinable`.
      OSError: as in `joinable`.
    """
    check_writable(Path(folder) / "rows.csv")
    table = ResultTable(folder, layout, overwrite=overwrite)
    if not overwrite:
        _check_ours(table)
    others = _others(table.config_hashes(failed=overwrite), runs)
    if others and not overwrite:
        known = table.read_settings().get("runs", {})
        first = dict.fromkeys(run.key[:2] for run in runs)
        pairs = [pair for pair in first if pair in {key[:2] for key in others}]
        text = (
            "; ".join(_differences(known, plain(configs), pairs)) or "which are not recorded there"
        )
        raise ValueError(
            f"{table.folder} holds {len(others)} finished runs with other settings ({text}); "
            "choose another folder, or give overwrite (--overwrite) to replace them"
        )
    return table, others


def _check_ours(table: ResultTable) -> None:
    """Raises ValueError where files of other people would be replaced by those of results."""
    if table.rows() or "left_out" in table.read_settings():
        return
    for name in ("settings.json", "versions.json", "report.md", "ranking.md"):
        if (table.folder / name).exists():
            raise ValueError(
                f"{table.folder / name} is not of results; choose another folder, or give "
                "overwrite (--overwrite) to replace it"
            )


def _others(kept: Mapping[RunKey, str], runs: Sequence[Playable]) -> Collection[RunKey]:
    """Returns the runs in a table that would not be comparable with those asked for."""
    asked = {run.key[:2]: run.config_hash for run in runs}
    first = {world: agent for world, agent in reversed(asked)}
    found = {key for key, known in kept.items() if asked.get(key[:2], known) != known}
    changed = {world for world, agent, _ in found if first[world] == agent}
    hashes = set(asked.values())
    return found | {key for key, known in kept.items() if key[0] in changed and known not in hashes}


def _differences(known: Configs, asked: Configs, pairs: Sequence[tuple[str, str]]) -> list[str]:
    """Returns in what pairs of world and agent differ from what a folder recorded."""
    found: list[str] = []
    for world, agent in pairs:
        if agent in known.get(world, {}).get("agents", {}):
            there, here = flat(known[world], agent), flat(asked[world], agent)
            found += [
                f"{name}={short(here.get(name))}, there {short(there.get(name))}"
                for name in differing(here, there)
            ]
    texts = list(dict.fromkeys(found))
    n_more = len(texts) - _MOST_DIFFERENCES
    return [*texts[:_MOST_DIFFERENCES], *([f"and {n_more} more"] if n_more > 0 else [])]


def joined(known: Configs, asked: Configs, *, worlds: Collection[str]) -> dict[str, Any]:
    """Returns what decides the runs of a folder, those asked for included.

    Args:
      known: of the runs that were there.
      asked: of those asked for.
      worlds: that have runs; what was known of others is left out.
    """
    found = {world: dict(config) for world, config in known.items() if world in worlds}
    for world, config in asked.items():
        agents = found.get(world, {}).get("agents", {})
        found[world] = {**config, "agents": agents | config["agents"]}
    return found


def noted(
    table: ResultTable,
    runs: Sequence[Playable],
    configs: Configs,
    left_out: Sequence[LeftOut],
    command: str,
) -> dict[str, Any]:
    """Returns what a folder's settings record of all calls that wrote into it.

    Args:
      table: of the folder.
      runs, configs, left_out: of this call.
      command: that made it.
    """
    before = table.read_settings()
    asked = {run.key[:2] for run in runs}
    worlds = {world for world, _, _ in table.config_hashes()}
    commands = [*before.get("earlier_commands", []), before.get("command", "")] if worlds else []
    others = [
        each
        for each in before.get("left_out", [])
        if each["scenario"] in worlds and (each["scenario"], each["agent"]) not in asked
    ]
    others += [asdict(each) for each in left_out]
    return {
        "earlier_commands": [each for each in dict.fromkeys(commands) if each not in ("", command)],
        "left_out": [each for place, each in enumerate(others) if each not in others[:place]],
        "runs": joined(before.get("runs", {}), configs, worlds=worlds),
    }


def plain(value: Any) -> Any:
    """Returns values as JSON holds them; what it has no way for, as Python writes it."""
    return json.loads(json.dumps(value, default=repr), parse_constant=str)
