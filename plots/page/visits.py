"""One person's session under each agent, as the page steps through it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from recsim_env.results.visits import Pair

_SHOWN = ("items", "steps", "true_state", "is_over")


def visits_of(
    visits: Mapping[Pair, Mapping[str, Any]], scenario: str, numbers: Mapping[str, int]
) -> dict[str, Any] | None:
    """Returns who came, and what they lived through under each agent; None where nothing is kept.

    Only visits with one seed are set side by side: these have person, candidates and chance in
    common. The others are left out, and counted.

    Args:
      visits: of `recsim_env.results.visits.read_visits`.
      scenario: one of the table.
      numbers: agent to its number on the page.
    """
    here = {
        agent: visit
        for (world, agent), visit in visits.items()
        if world == scenario and agent in numbers
    }
    if not here:
        return None
    seeds = [visit["seed"] for visit in here.values()]
    seed = max(sorted(set(seeds)), key=seeds.count)
    alike = {agent: visit for agent, visit in here.items() if visit["seed"] == seed}
    first = next(iter(alike.values()))
    return {
        "arrival": first.get("arrival", ""),
        "seed": seed,
        "n_left_out": len(here) - len(alike),
        "of": {
            numbers[agent]: {name: visit[name] for name in _SHOWN if name in visit}
            for agent, visit in alike.items()
        },
    }
