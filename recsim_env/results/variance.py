"""The table of crossed evaluations: agents of several learning seeds who meet the same people."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsim_env.results.components import Components, components
from recsim_env.results.layout import Layout
from recsim_env.results.table import ResultTable

CROSSED = Layout(
    columns={
        "scenario": str,
        "agent": str,
        "seed": int,
        "phase": str,
        "person": int,
        "meeting": int,
        "episode_return": float,
        "wall_seconds": float,
        "config_hash": str,
        "error": str,
    },
    world="scenario",
    phases=("session", "final", "failed"),
    needed={"session": "episode_return", "final": "episode_return"},
)
"""A row for each meeting of an agent, of one learning seed, with a person; the last is final."""


def crossed_returns(table: ResultTable, scenario: str) -> dict[str, NDArray[np.float64]]:
    """Returns agent to returns, (n_seeds, n_people, n_meetings), by the seeds that all have.

    Raises:
      ValueError: no seed has finished with all agents.
    """
    found: dict[str, dict[int, NDArray[np.float64]]] = {}
    for _, agent, seed in table.config_hashes():
        rows = table.rows(scenario=scenario, agent=agent)
        own = [row for row in rows if row["seed"] == seed and row["phase"] != "failed"]
        if own and seed not in found.get(agent, {}):
            shape = max(r["person"] for r in own) + 1, max(r["meeting"] for r in own) + 1
            returns = np.full(shape, np.nan)
            for row in own:
                returns[row["person"], row["meeting"]] = row["episode_return"]
            found.setdefault(agent, {})[seed] = returns
    shared = sorted(set.intersection(*(set(each) for each in found.values())) if found else ())
    if not shared:
        raise ValueError(f"no seed has finished with all agents in scenario={scenario!r}")
    return {agent: np.stack([each[seed] for seed in shared]) for agent, each in found.items()}


def splits(table: ResultTable, scenario: str) -> dict[str, Components]:
    """Returns the components of each agent's return, and of its lead over the first agent.

    Leads are named "agent - first". They are differences of the same seed, person and meeting, from
    which what befell both has gone.

    Raises:
      ValueError: as in `crossed_returns`, or there are fewer than two seeds.
    """
    returns = crossed_returns(table, scenario)
    first, *others = returns
    found = {agent: components(each) for agent, each in returns.items()}
    return found | {f"{a} - {first}": components(returns[a] - returns[first]) for a in others}
