"""A page for each scenario, by what its code and the kept results say."""

import importlib
import inspect
from collections.abc import Mapping
from pathlib import Path

from docs.website import pictures, source
from docs.website.staging import Written
from recsim_env import Scenario
from recsim_env.cli.markdown import paragraphs, table
from recsim_env.cli.pages import (
    scenario_kinds,
    scenario_observation,
    scenario_settings,
    scenarios_head,
)
from recsim_env.cli.suitability import first_line
from recsim_env.envs.registry import NAMESPACE
from recsim_env.plots.captions import seeds_and_intervals, with_interval
from recsim_env.results.standings import BASELINE, CEILINGS, standings
from recsim_env.results.table import ResultTable

#: How many agents that learn a page shows.
_N_LEARNERS = 3


def written(results: ResultTable, drawn: Path) -> Written:
    """Returns the pages and the pictures that they show.

    Args:
      results: the ladder: all agents in all scenarios.
      drawn: where pictures are kept from one build to the next.
    """
    kinds = scenario_kinds()
    pages = {
        f"scenarios/{kind.__name__}.md": _page(kind, of_ids, results)
        for kind, of_ids in kinds.items()
    }
    shown = {
        f"scenarios/{kind.__name__}.gif": pictures.draw(next(iter(of_ids.values())), drawn)
        for kind, of_ids in kinds.items()
    }
    names = [kind.__name__ for kind in kinds]
    moved = {f"docs/scenarios.md#{name.lower()}": f"scenarios/{name}.md" for name in names}
    return Written({"scenarios.md": _index(kinds), **pages}, shown, moved)


def _index(kinds: Mapping[type[Scenario], Mapping[str, Scenario]]) -> str:
    rows = [
        [f"[{kind.__name__}](scenarios/{kind.__name__}.md)", first_line(kind), _listed(of_ids)]
        for kind, of_ids in kinds.items()
    ]
    entries = "\n".join(f"scenarios/{kind.__name__}" for kind in kinds)
    return "\n\n".join(
        [
            "# Scenarios",
            "Each asks a question of a recommender, and has people for whom the answer matters.",
            table(["scenario", "question", f"ids, after `{NAMESPACE}/`"], rows),
            "## Settings of all",
            scenarios_head(),
            f"```{{toctree}}\n:hidden:\n\n{entries}\n```",
        ]
    )


def _listed(of_ids: Mapping[str, Scenario]) -> str:
    return ", ".join(f"`{name}`" for name in of_ids)


def _page(kind: type[Scenario], of_ids: Mapping[str, Scenario], results: ResultTable) -> str:
    name = kind.__name__
    question, *said = paragraphs(inspect.getdoc(kind) or "")
    parts = [
        f"# {name}",
        question,
        f"![A person in {name}, step by step]({name}.gif)",
        f"*`{next(iter(of_ids))}`: one person, served by the oracle.*",
        *said,
        "## Settings",
        "Beside those that [all scenarios have](../scenarios.md#settings-of-all):",
        *scenario_settings(kind, of_ids),
        "## Observation",
        *scenario_observation(of_ids),
    ]
    measured = [env_id for env_id in of_ids if f"{NAMESPACE}/{env_id}" in results.scenarios()]
    if measured:
        parts += [
            "## Returns",
            *(each for env_id in measured for each in _returns(env_id, results)),
        ]
    return "\n\n".join([*parts, source.section(importlib.import_module(kind.__module__))])


def _returns(env_id: str, results: ResultTable) -> list[str]:
    """Returns a table of what the references and the best agents earned, and what it is of."""
    found = standings(results, f"{NAMESPACE}/{env_id}")
    references = [each for each in found if each.agent in (BASELINE, *CEILINGS)]
    learners = [each for each in found if each not in references][:_N_LEARNERS]
    shown = [each for each in found if each in references or each in learners]
    rows = [
        [f"[`{each.agent}`](../agents/{each.agent}.md)", with_interval(each.episode_return)]
        for each in shown
    ]
    spent = max(each.n_interactions for each in learners)
    about = (
        f"Of an episode of `{env_id}`, by agents that are frozen after {spent:,} interactions: the "
        f"references and the best {len(learners)} that learn "
        f"({seeds_and_intervals(each.episode_return for each in shown)}). "
        "The [ladder](../results/ladder/report.md) has all."
    )
    return [about, table(["agent", "return"], rows)]
