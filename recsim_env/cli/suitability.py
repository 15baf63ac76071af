"""Which agent works in which scenario, and why not: as lines and as a page."""

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from recsim_env.agents import AGENTS, agent_class
from recsim_env.envs.registry import NAMESPACE
from recsim_env.envs.resolving import resolve_scenario, scenario_ids

# Longer names are taken apart in headings.
_WIDE = 9


@dataclass(frozen=True)
class Suitability:
    """What every agent says of every scenario at its defaults.

    Attributes:
      columns: headings, and the ids that each stands for: those of one kind of scenario about which
        every agent says the same.
      reasons: agent to heading to the reason why it does not work there, or None.
    """

    columns: Mapping[str, list[str]]
    reasons: Mapping[str, Mapping[str, str | None]]

    @classmethod
    def of_all(cls) -> "Suitability":
        """Returns that of all agents in all registered scenarios."""
        kinds = {name: agent_class(name) for name in AGENTS}
        alike: dict[Any, list[str]] = {}
        for env_id in scenario_ids():
            scenario = resolve_scenario(env_id)
            said = tuple(_reason(name, kind, scenario) for name, kind in kinds.items())
            alike.setdefault((type(scenario), said), []).append(env_id)
        columns = {_heading(min(ids, key=len)): ids for ids in alike.values()}
        said_by_agent = zip(*(said for _, said in alike), strict=True)
        reasons = {
            name: dict(zip(columns, said, strict=True))
            for name, said in zip(kinds, said_by_agent, strict=True)
        }
        return cls(columns, reasons)

    def lines(self, agent: str) -> list[str]:
        """Returns sentences on where one agent works and why not elsewhere."""
        said = self.reasons[agent]
        suited, others = list[str](), list[str]()
        for heading, ids in self.columns.items():
            (suited if said[heading] is None else others).extend(ids)
        if not others:
            return ["in every scenario"]
        few = _listed(suited) if suited else "none of ours"
        where = few if len(suited) <= len(others) else f"every scenario but {_listed(others)}"
        reasons = dict.fromkeys(reason for reason in said.values() if reason is not None)
        return [f"in {where}", *(f"else: {reason}" for reason in reasons)]

    def section(self) -> str:
        """Returns a section of Markdown: a table, and the reasons it refers to."""
        numbers: dict[str, int] = {}
        rows = []
        for agent, said in self.reasons.items():
            cells = [
                "✓" if reason is None else str(numbers.setdefault(reason, len(numbers) + 1))
                for reason in said.values()
            ]
            rows.append([f"`{agent}`", *cells])
        table = [["", *self.columns], ["---", *[":---:"] * len(self.columns)], *rows]
        stands_for = [f"- {heading}: {_listed(ids)}" for heading, ids in self.columns.items()]
        parts = [
            "## Who works where",
            "✓ works; a number is the reason, below, why it does not. From what the agents say of "
            "the scenarios at their defaults.",
            "\n".join(f"| {' | '.join(row)} |" for row in table),
            "\n".join(f"{number}. {reason}." for reason, number in numbers.items()),
            "The columns stand for these ids:",
            "\n".join(stands_for),
        ]
        return "\n\n".join(parts)


def first_line(kind: type) -> str:
    """Returns the first line of a class's page."""
    return (inspect.getdoc(kind) or "").partition("\n")[0]


def _reason(agent: str, kind: Any, scenario: Any) -> str | None:
    """Returns why an agent does not work in a scenario, without either's name."""
    reason = kind.unsuitable(scenario)
    if reason is None:
        return None
    reason = re.sub(rf"\b{type(scenario).__name__}\b", "the scenario", reason)
    reason = re.sub(rf"\b{kind.__name__}\b|^{agent}\b", "it", reason)
    return reason[0].upper() + reason[1:]


def _heading(env_id: str) -> str:
    """Returns an id as words, which a table can wrap."""
    name = re.sub(r"-v\d+$", "", env_id.removeprefix(f"{NAMESPACE}/"))
    words = [
        re.sub(r"(?<=[a-z])(?=[A-Z])", " ", part) if len(part) > _WIDE else part
        for part in name.split("-")
    ]
    return " ".join(words)


def _listed(ids: Iterable[str]) -> str:
    return ", ".join(env_id.removeprefix(f"{NAMESPACE}/") for env_id in ids)
