"""A page for each agent, by what its code and the kept results say."""

import importlib
import inspect
import re
from typing import Any

from docs.website import source
from docs.website.staging import Written
from recsim_env.agent_registry import REGISTRY, names_of
from recsim_env.agents import agent_class
from recsim_env.cli.markdown import paragraphs, table
from recsim_env.cli.pages import agent_families, agent_settings, agents_head, family_table
from recsim_env.cli.suitability import Suitability
from recsim_env.envs.registry import ENVIRONMENTS, NAMESPACE
from recsim_env.plots.captions import seeds_and_intervals, with_interval
from recsim_env.results.standings import BASELINE, Rungs, ladder
from recsim_env.results.table import ResultTable


def written(results: ResultTable) -> Written:
    """Returns the pages.

    Args:
      results: the ladder: all agents in all scenarios.
    """
    suitability, rungs = Suitability.of_all(), ladder(results)
    pages = {f"agents/{name}.md": _page(name, suitability, rungs) for name in REGISTRY}
    moved = {f"docs/agents.md#{name}": f"agents/{name}.md" for name in REGISTRY}
    return Written({"agents.md": _index(suitability), **pages}, moved=moved)


def _index(suitability: Suitability) -> str:
    parts = ["# Agents", agents_head()]
    for family, about in agent_families().items():
        entries = "\n".join(f"agents/{name}" for name in names_of(family))
        title = f"{family[0].upper()}{family[1:]}"
        tree = f"```{{toctree}}\n:hidden:\n:caption: {title}\n\n{entries}\n```"
        parts += [f"## {title}", about, family_table(family, "agents/{name}.md"), tree]
    return "\n\n".join([*parts, suitability.section()])


def _page(name: str, suitability: Suitability, rungs: list[Rungs]) -> str:
    kind = agent_class(name)
    where, *reasons = suitability.lines(name)
    parts = [f"# {name}", *paragraphs(inspect.getdoc(kind) or "")]
    for other in _explained(kind):
        parts += [f"`{other.__name__}`:", "\n>\n".join(f"> {each}" for each in _said_of(other))]
    parts += ["## Where it works", f"It works {where}.", *(_elsewhere(each) for each in reasons)]
    if settings := agent_settings(name):
        parts += ["## Settings", settings]
    parts += _scores(name, rungs)
    return "\n\n".join([*parts, source.section(importlib.import_module(kind.__module__))])


def _elsewhere(reason: str) -> str:
    return f"- Elsewhere: {reason.removeprefix('else: ')}."


def _explained(kind: type) -> list[type]:
    """Returns the classes of its module or that it is made of, to which its docstring refers."""
    module = vars(importlib.import_module(kind.__module__))
    known = {each.__name__: each for each in kind.__mro__} | module
    words = dict.fromkeys(re.findall(r"`(\w+)`", inspect.getdoc(kind) or ""))
    named = [known[word] for word in words if inspect.isclass(known.get(word))]
    return [each for each in named if each is not kind and each.__module__.startswith(NAMESPACE)]


def _said_of(kind: Any) -> list[str]:
    return paragraphs((inspect.getdoc(kind) or "").partition("\nArgs:")[0])


def _scores(name: str, rungs: list[Rungs]) -> list[str]:
    """Returns a section with what the agent scores in each scenario of the ladder."""
    rows = []
    for each in rungs:
        if name in each.scores and name not in (BASELINE, each.reference):
            note = "best" if name == each.best[0] else "like the best" if name in each.best else ""
            rows.append([_scenario(each.scenario), with_interval(each.scores[name]), note])
    if not rows:
        return []
    shown = [each.scores[name] for each in rungs if name in each.scores]
    about = (
        f"0 is `{BASELINE}`, 1 the best reference of the scenario ({seeds_and_intervals(shown)}); "
        "best, and like it, of the agents that learn. The [ladder](../results/ladder/report.md) "
        "has all agents, and [results](../results/README.md) the reasons."
    )
    return ["## Scores", about, table(["scenario", "score", ""], rows)]


def _scenario(name: str) -> str:
    """Returns a scenario of the results, with a link to its page where it has one."""
    short = name.removeprefix(f"{NAMESPACE}/")
    if short not in ENVIRONMENTS:
        return short
    kind = ENVIRONMENTS[short][0].partition(":")[2]
    return f"[{short}](../scenarios/{kind}.md)"
