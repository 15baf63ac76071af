"""Simulates very many people with a frozen agent, in blocks that any process may play."""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsim_env.agents import agent_class, make_agent
from recsim_env.benchmark.experiment.plan import described, described_agent
from recsim_env.benchmark.experiment.runner import warm_up
from recsim_env.benchmark.provenance import versions
from recsim_env.benchmark.runs.described import full_settings, hash_of
from recsim_env.benchmark.runs.kept import joinable, noted, plain
from recsim_env.benchmark.runs.processes import keep, missing
from recsim_env.benchmark.simulation.blocks import BATCH, BLOCK, ROWS, Block, play
from recsim_env.benchmark.simulation.report import Report, report_of
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv, resolve_scenario
from recsim_env.envs.arguments import as_count, as_seed
from recsim_env.formats.files import replace_file
from recsim_env.results.layout import Row, RunKey


@dataclass(frozen=True)
class SimulationOutcome:
    """What a call of `simulate` did.

    Attributes:
      report: of all people; None where blocks failed.
      n_blocks, n_kept: how many there are, and how many were finished before.
      failed: (scenario, agent, number) of those that failed.
      steps_per_second: of all processes together, in this call; 0 where nothing was left to do.
      core_hours: what 10⁹ steps would cost, in hours of one core, however busy it is otherwise.
      peak_mebibytes: the most memory that a process had.
    """

    report: Report | None
    n_blocks: int
    n_kept: int
    failed: tuple[RunKey, ...]
    steps_per_second: float
    core_hours: float
    peak_mebibytes: float


def simulate(
    scenario: str | type[Scenario] | Scenario,
    agent: str,
    *,
    people: int,
    sessions: int = 1,
    seed: int = 0,
    agent_settings: Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
    jobs: int = -1,
    command: str = "",
    progress_bar: bool = False,
    overwrite: bool = False,
) -> SimulationOutcome:
    """Lets people be served by an agent that learns no more, and reports on all of them.

    The report is the same, to the byte, however many processes of however many machines play it,
    and after any number of interruptions. Memory does not grow with the number of people, but for
    some kilobytes of every 50,000.

    Args:
      scenario: where, by name, id, class or instance.
      agent: as of `make_agent`: a name, ``"module:Class"``, or a file, which must then be where all
        workers find it.
      people: how many; person i has the seed `seed` + i.
      sessions: of each of them, one after the other.
      seed: of the first person.
      agent_settings: of the agent.
      folder: where blocks are kept as they end, and `report.json`; the same call goes on with what
        is left. None keeps nothing.
      jobs: processes; -1 is one per core. `working_on` says on which machines.
      command: what a person would type to repeat this; kept with the blocks.
      progress_bar: whether to show a line, on a terminal.
      overwrite: whether blocks of other settings are replaced, and damaged ones.

    Raises:
      ValueError: a setting out of range, an agent that does not suit the scenario, or a folder that
        holds something else.
      TypeError: the agent is no name.
      OSError: the folder cannot be written.
      RuntimeError: as in `play_all`.
    """
    scenario = resolve_scenario(scenario)
    if not isinstance(agent, str):
        raise TypeError(
            f"agent={agent!r:.80} is no name, and every worker makes its own; name a file that "
            "agent.save wrote, a registered agent, module:Class, or file.py:function"
        )
    if folder is None:
        with tempfile.TemporaryDirectory() as scratch:
            return simulate(
                scenario,
                agent,
                people=people,
                sessions=sessions,
                seed=seed,
                agent_settings=agent_settings,
                folder=scratch,
                jobs=jobs,
                progress_bar=progress_bar,
            )
    given = dict(agent_settings or {})
    people = as_count("people", people, allowed="at least 1")
    config = _described(
        scenario,
        agent,
        given,
        people=people,
        sessions=as_count("sessions", sessions, allowed="at least 1"),
        seed=as_seed(seed, num_envs=people),
    )
    blocks = _blocks(scenario, agent, given, config)
    configs = {blocks[0].scenario_label: config}
    _check(scenario, agent, given)
    begun = time.perf_counter()
    with joinable(folder, blocks, configs, layout=ROWS, overwrite=overwrite) as table:
        asked = noted(table, blocks, configs, (), command) | {"command": command}
        table.write_settings(plain(asked), versions())
        waiting = {block.number for block in missing(table, blocks)}
        failed = keep(table, blocks, play, jobs=jobs, progress_bar=progress_bar, unit="block")
        rows = [row for row in table.rows(phase="final") if row["seed"] < len(blocks)]
        report = None if failed else report_of(rows, plain(config))
        if report:
            replace_file(table.folder / "report.json", report.as_json())
    played = [row for row in rows if row["seed"] in waiting]
    return SimulationOutcome(
        report=report,
        n_blocks=len(blocks),
        n_kept=len(blocks) - len(waiting),
        failed=failed,
        steps_per_second=_steps(played) / (time.perf_counter() - begun),
        core_hours=sum(row["cpu_seconds"] for row in rows) / 3_600 * 1e9 / max(1, _steps(rows)),
        peak_mebibytes=max((row["peak_mebibytes"] for row in rows), default=0.0),
    )


def _steps(rows: list[Row]) -> int:
    return sum(row["steps"] for row in rows)


def _described(
    scenario: Scenario, agent: str, settings: dict[str, Any], **protocol: int
) -> dict[str, Any]:
    """Returns what decides the report."""
    protocol |= {"batch": BATCH, "block": BLOCK}
    own = described_agent(
        agent, full_settings(agent, agent_class(agent).Settings.defaults(), settings)
    )
    return described(scenario, protocol) | {"agents": {agent: own}}


def _blocks(
    scenario: Scenario, agent: str, settings: dict[str, Any], config: dict[str, Any]
) -> list[Block]:
    protocol = config["protocol"]
    n_people, config_hash = protocol["people"], hash_of(config)
    return [
        Block(
            scenario_label=config["scenario"],
            agent_label=agent,
            scenario=scenario,
            agent=agent,
            agent_settings=tuple(settings.items()),
            number=number,
            first_seed=protocol["seed"] + first,
            n_people=min(BLOCK, n_people - first),
            n_sessions=protocol["sessions"],
            config_hash=config_hash,
        )
        for number, first in enumerate(range(0, n_people, BLOCK))
    ]


def _check(scenario: Scenario, agent: str, settings: dict[str, Any]) -> None:
    """Makes the agent once, so that what is wrong is told before the work, and compiles."""
    env = RecommendationVectorEnv(scenario, num_envs=1)
    try:
        make_agent(agent, env, **settings)
    finally:
        env.close()
    warm_up([scenario])
