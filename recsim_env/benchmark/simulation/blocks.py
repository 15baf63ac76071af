"""A block of a simulation: some of the people, played by whichever process comes to it.

Person i has the seed of the simulation + i, so a block needs to know nothing of the others. What an
agent draws, and in which order numbers are added up, depends on the batches of a block and on
nothing else: hence their sizes are fixed, and any number of processes gives the same report.
"""

import base64
import functools
import json
import math
import time
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsim_env.agents import Agent, make_agent
from recsim_env.benchmark.evaluation import Evaluation, evaluate
from recsim_env.benchmark.memory import peak_mebibytes
from recsim_env.benchmark.runs.processes import rows_or_error
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.results.layout import Layout, Row, RunKey

#: People who are simulated side by side, and those of a block, which is kept when it has ended.
BATCH, BLOCK = 2_000, 50_000

Counts = dict[float, int]
"""How often there was a value, rounded to three significant digits."""

ROWS = Layout(
    columns={
        "scenario": str,
        "agent": str,
        "seed": int,
        "phase": str,
        "people": int,
        "sessions": int,
        "steps": int,
        "clicks": float,
        "return_sum": float,
        "return_squares": float,
        "returns": str,
        "lengths": str,
        "wall_seconds": float,
        "cpu_seconds": float,
        "peak_mebibytes": float,
        "config_hash": str,
        "error": str,
    },
    world="scenario",
    phases=("final", "failed"),
    needed={"final": "return_squares"},
)
"""One row for every block, whose number is in the column `seed`. `return_sum` and `return_squares`
are of people's mean returns: their sum, and the squares of their differences from the block's mean.
`returns` and `lengths` are packed `Counts` of sessions."""


@dataclass(frozen=True)
class Block:
    """Some people of a simulation.

    Attributes:
      scenario_label, agent_label: what the table calls them.
      scenario: with its settings.
      agent: as of `make_agent`.
      agent_settings: its settings, as pairs.
      number: of the block.
      first_seed: of the first person.
      n_people: how many they are.
      n_sessions: of each of them.
      config_hash: of the simulation.
    """

    scenario_label: str
    agent_label: str
    scenario: Scenario
    agent: str
    agent_settings: tuple[tuple[str, Any], ...]
    number: int
    first_seed: int
    n_people: int
    n_sessions: int
    config_hash: str

    @property
    def key(self) -> RunKey:
        """Names the block in the table."""
        return self.scenario_label, self.agent_label, self.number


def play(block: Block) -> tuple[list[Row], str]:
    """Plays a block and returns its row for the table, and the traceback if it failed."""
    rows, trace = rows_or_error(functools.partial(_play, block))
    scenario, agent, number = block.key
    about = {"scenario": scenario, "agent": agent, "seed": number, "config_hash": block.config_hash}
    return [about | row for row in rows], trace


def _play(block: Block) -> list[Row]:
    agent = _agent(block.scenario, block.agent, block.agent_settings, block.config_hash)
    means: list[np.ndarray] = []
    counts = Counter[float](), Counter[float]()
    n_steps, n_clicks, begun = 0, 0.0, time.process_time()
    for first in range(0, block.n_people, BATCH):
        n = min(BATCH, block.n_people - first)
        found = _evaluated(agent, block, first, n)
        means.append(found.returns.reshape(n, block.n_sessions).mean(axis=1))
        n_steps += int(found.lengths.sum())
        n_clicks += float(found.clicks.sum())
        for count, values in zip(counts, (found.returns, found.lengths), strict=True):
            count.update(counted(values))
    of_people = np.concatenate(means)
    total = math.fsum(of_people)
    return [
        {
            "phase": "final",
            "people": block.n_people,
            "sessions": block.n_people * block.n_sessions,
            "steps": n_steps,
            "clicks": n_clicks,
            "return_sum": total,
            "return_squares": math.fsum((of_people - total / len(of_people)) ** 2),
            "returns": packed(counts[0]),
            "lengths": packed(counts[1]),
            "cpu_seconds": time.process_time() - begun,
            "peak_mebibytes": peak_mebibytes(),
        }
    ]


def _evaluated(agent: Agent, block: Block, first: int, n: int) -> Evaluation:
    env = RecommendationVectorEnv(block.scenario, num_envs=n)
    try:
        return evaluate(agent, env, n_episodes=n * block.n_sessions, seed=block.first_seed + first)
    finally:
        env.close()


@functools.lru_cache(maxsize=1)
def _agent(
    scenario: Scenario, name: str, settings: tuple[tuple[str, Any], ...], config_hash: str
) -> Agent:
    """Returns the agent of a simulation, which a process makes or loads once.

    Args:
      scenario: where it acts.
      name, settings: as of `make_agent`.
      config_hash: tells files of the same name apart.
    """
    return make_agent(name, RecommendationVectorEnv(scenario, num_envs=1), **dict(settings))


def counted(values: np.ndarray) -> Counts:
    """Returns how often there is each value, rounded to three significant digits.

    >>> counted(np.array([7.0, 1234.0, 1230.0]))
    {7.0: 1, 1230.0: 2}
    """
    found = Counter[float]()
    for value, n in zip(*np.unique(values, return_counts=True), strict=True):
        found[float(f"{value:.2e}")] += int(n)
    return dict(found)


def packed(counts: Mapping[float, int]) -> str:
    """Returns counts as a short text, in the order of their values."""
    text = json.dumps(sorted(counts.items()), separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode())).decode()


def unpacked(text: str) -> Counts:
    """Returns the counts that `packed` wrote."""
    return dict(json.loads(zlib.decompress(base64.b64decode(text))))
