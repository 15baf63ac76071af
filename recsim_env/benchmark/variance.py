"""What part of a reported mean's variance comes from the learning seed, the people, and chance.

A benchmark changes all three at once from seed to seed. Here the agents of all learning seeds meet
the same people, each several times: the person comes in the same mood, is offered the same first
candidates, and from then on has other luck.
"""

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recsim_env.agents import Agent, is_frozen, make_agent
from recsim_env.benchmark.evaluation import acting_in
from recsim_env.benchmark.experiment.plan import Plan, make_plan
from recsim_env.benchmark.experiment.run import OnlineRecord, Run, learn_until
from recsim_env.benchmark.experiment.runner import check_agent_settings, warm_up
from recsim_env.benchmark.experiment.settings import BenchmarkSettings
from recsim_env.benchmark.provenance import versions
from recsim_env.benchmark.runs.described import hash_of
from recsim_env.benchmark.runs.kept import joinable, noted, plain
from recsim_env.benchmark.runs.processes import keep, missing, rows_or_error
from recsim_env.core.scenario import Scenario
from recsim_env.core.streams import derive
from recsim_env.envs import RecommendationVectorEnv, resolve_scenario
from recsim_env.formats.files import replace_file
from recsim_env.results.components import Components
from recsim_env.results.layout import Row, RunKey
from recsim_env.results.table import ResultTable
from recsim_env.results.variance import CROSSED, splits
from recsim_env.results.wording import number

#: Luck of meetings: children of an episode's key that no purpose and no step has.
_MEETINGS = 2**40

_MAX_STEPS = 100_000


@dataclass(frozen=True)
class VarianceOutcome:
    """What a call of `run_variance` did.

    Attributes:
      folder: where its table is.
      splits: scenario to agent, or lead, to components.
      failed: (scenario, agent, seed) of runs that failed.
    """

    folder: Path
    splits: dict[str, dict[str, Components]]
    failed: tuple[RunKey, ...]


def run_variance(
    settings: BenchmarkSettings,
    folder: str | Path,
    *,
    meetings: int = 4,
    command: str = "",
    progress_bar: bool = False,
    overwrite: bool = False,
) -> VarianceOutcome:
    """Lets the agents of all seeds meet the same people, and returns where their returns vary.

    Finished runs are kept in the folder, as those of a benchmark are; `variance.md` is the table of
    all that it holds.

    Args:
      settings: the agents, their learning, and the number of people (`eval_episodes`); at least two
        seeds.
      folder: where rows are kept.
      meetings: how often each person is met, at least 2.
      command, progress_bar, overwrite: as in `run_benchmark`.

    Raises:
      ValueError: fewer than two seeds, people or meetings, or as in `run_benchmark`.
      OSError, RuntimeError: as in `run_benchmark`.
    """
    for name, n in (
        ("seeds", len(settings.seeds)),
        ("people", settings.eval_episodes),
        ("meetings", meetings),
    ):
        if n < 2:
            raise ValueError(f"{name}={n} has no variance; use 2 or more")
    plan = _crossed(make_plan(settings), settings, meetings)
    check_agent_settings(plan.runs)
    with joinable(folder, plan.runs, plan.configs, layout=CROSSED, overwrite=overwrite) as table:
        asked = settings.as_dict() | {"meetings": meetings, "command": command}
        asked |= noted(table, plan.runs, plan.configs, plan.left_out, command)
        table.write_settings(plain(asked), versions())
        warm_up({id(r.scenario): r.scenario for r in missing(table, plan.runs)}.values())
        failed = keep(
            table,
            plan.runs,
            functools.partial(play_crossed, meetings=meetings),
            jobs=settings.jobs,
            progress_bar=progress_bar,
        )
    found = {} if failed else {name: splits(table, name) for name in table.scenarios()}
    if found:
        replace_file(table.folder / "variance.md", as_markdown(found, table).encode())
    return VarianceOutcome(table.folder, found, failed)


def _crossed(plan: Plan, settings: BenchmarkSettings, meetings: int) -> Plan:
    """Returns the plan without references that nobody asked for, told apart by the meetings."""
    runs = tuple(
        dataclasses.replace(run, config_hash=hash_of([run.config_hash, meetings]))
        for run in plan.runs
        if run.agent_label in settings.agents
    )
    configs = {name: {**about, "meetings": meetings} for name, about in plan.configs.items()}
    return dataclasses.replace(plan, runs=runs, configs=configs)


def play_crossed(run: Run, *, meetings: int) -> tuple[list[Row], str]:
    """Plays a run, and returns its rows and the traceback if it failed."""
    rows, trace = rows_or_error(functools.partial(_play, run, meetings))
    scenario, agent, seed = run.key
    about = {"scenario": scenario, "agent": agent, "seed": seed, "config_hash": run.config_hash}
    return [about | row for row in rows], trace


def _play(run: Run, meetings: int) -> list[Row]:
    env = RecommendationVectorEnv(run.scenario, num_envs=run.protocol.num_envs)
    try:
        agent = make_agent(run.agent, env, seed=run.learning_seed, **run.agent_settings)
        if not is_frozen(run.agent):
            learn_until(agent, OnlineRecord(), run.protocol.checkpoints[-1])
        future = resolve_scenario(run.scenario, **run.scenario.evaluation_settings())
        people_seed = dataclasses.replace(run, seed=0).evaluation_seed  # the same for all seeds
        returns = meet(agent, future, run.protocol.eval_episodes, meetings, seed=people_seed)
    finally:
        env.close()
    rows: list[Row] = [
        {"phase": "session", "person": person, "meeting": meeting, "episode_return": float(value)}
        for (person, meeting), value in np.ndenumerate(returns)
    ]
    rows[-1]["phase"] = "final"
    return rows


def meet(
    agent: Agent, scenario: Scenario, n_people: int, n_meetings: int, *, seed: int
) -> np.ndarray:
    """Returns what sessions with the same people earn, (n_people, n_meetings).

    The first meeting is the first session of an evaluation with this seed. In the others the same
    people come in the same state, and all that is drawn later is drawn anew.

    Args:
      agent: frozen.
      scenario: where.
      n_people: how many people, each in a slot.
      n_meetings: how often each is met.
      seed: of the people.

    Raises:
      ValueError: a session does not end.
    """
    env = RecommendationVectorEnv(scenario, num_envs=n_people)
    try:
        env.reset(seed=seed)
        come = env.state
        returns = np.zeros((n_people, n_meetings))
        with acting_in(agent, env, seed):
            for meeting in range(n_meetings):
                people = come.copy()
                if meeting:
                    people["key"] = [derive(int(key), _MEETINGS + meeting) for key in come["key"]]
                env.state = people
                returns[:, meeting] = _session(agent, env)
        return returns
    finally:
        env.close()


def _session(agent: Agent, env: RecommendationVectorEnv) -> np.ndarray:
    """Returns what each person's session earns, from where it is to its end."""
    earned, goes_on = np.zeros(env.num_envs), np.ones(env.num_envs, bool)
    observation, state, begins = env.observe(), None, np.ones(env.num_envs, bool)
    for _ in range(_MAX_STEPS):
        slates, state = agent.predict(
            observation, state=state, episode_start=begins, deterministic=True
        )
        observation, rewards, terminated, truncated, _ = env.step(slates)
        earned[goes_on] += rewards[goes_on]
        begins = ~goes_on  # whoever has left: what comes then is not counted
        goes_on &= ~(terminated | truncated)
        if not goes_on.any():
            return earned
    raise ValueError(
        f"{type(env.scenario).__name__}: an episode did not end within {_MAX_STEPS:,} steps; set "
        "horizon to truncate episodes"
    )


def as_markdown(found: dict[str, dict[str, Components]], table: ResultTable) -> str:
    """Returns the table of splits, one line for each agent and each lead.

    Args:
      found: scenario to agent, or lead, to components.
      table: whose settings say how many people judge an agent in a benchmark.
    """
    n_people = table.read_settings()["eval_episodes"]
    lines = [
        "| scenario | agent | mean return | standard error of one seed | learning seed | people "
        "| chance |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for scenario, of_agents in found.items():
        for agent, each in of_agents.items():
            parts = each.of_mean(n_people)
            total = sum(parts.values())
            shares = [f"{100 * part / total:.0f} %" if total else "–" for part in parts.values()]
            cells = [scenario, agent, number(each.mean), number(total**0.5), *shares]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])
