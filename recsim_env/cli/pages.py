"""The reference pages of scenarios and agents, written from what the code says of itself."""

import dataclasses
import inspect
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from recsim_env.agent_registry import FAMILIES, REFERENCES, REGISTRY, names_of
from recsim_env.agents import agent_class
from recsim_env.benchmark.names import make_scenario
from recsim_env.cli.suitability import Suitability, first_line
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import LARGE, SMALL, Allowed, meanings, ranges
from recsim_env.envs.registry import ENVIRONMENTS

# What a docstring's paragraphs begin with; settings are listed in a table instead.
_LABEL = re.compile(r"([A-Z][a-z]+(?: [a-z]+)*(?: \([^)]*\))?(?:, id `[^`]*`)?): ")
_BREAK = re.compile(r"\n\s*\n|\n(?=[A-Z][^.:]*: )")


_COMMANDS = """\
```sh
recsim-env train LongTermSatisfaction ppo --out ppo.agent    # saved at checkpoints and at Ctrl-C
recsim-env train LongTermSatisfaction ppo --out ppo.agent --resume   # goes on as if never stopped
recsim-env evaluate LongTermSatisfaction ppo.agent oracle    # frozen, on the same people
recsim-env log LongTermSatisfaction uniform --out steps.npz  # whole steps, with propensities
recsim-env train LongTermSatisfaction iql --log steps.npz    # learns from them alone
```

`--tensorboard FOLDER` writes curves, `--profile` says where the time went, and
`--agent-set device=cuda` computes on a GPU. A saved agent knows the world it learned in; in another
it acts only with `--another-world`. `context=False` makes a linear bandit blind to person and
moment. Recommenders and bandits learn from what people looked at, and repeat bit for bit on any
machine; networks do so on one kind of processor."""


def settings_lines(kind: type, values: Mapping[str, Any]) -> list[str]:
    """Returns a line for each setting: its value, what is allowed, and what it means."""
    rows = settings_rows(kind, values)
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    return [
        f"  {name:{widths[0]}} = {value:{widths[1]}}  {'; '.join(filter(None, rest))}".rstrip()
        for name, value, *rest in rows
    ]


def settings_rows(kind: type, values: Mapping[str, Any]) -> list[list[str]]:
    """Returns name, value, range and meaning of each setting of a dataclass."""
    allowed, words = ranges(kind), meanings(kind)
    return [
        [name, repr(value), _range(allowed.get(name)), words.get(name, "")]
        for name, value in values.items()
    ]


def _range(allowed: Allowed | None) -> str:
    """Returns what a setting may be, without the ends that only keep numbers finite."""
    if allowed is None:
        return ""
    low, above = (-math.inf, 0.0) if allowed.low == SMALL else (allowed.low, allowed.above)
    low = -math.inf if low <= -LARGE else low
    high = math.inf if allowed.high >= LARGE else allowed.high
    is_any = (
        not allowed.choices and math.inf == high == -low == -above and allowed.below == math.inf
    )
    return "any" if is_any else str(dataclasses.replace(allowed, low=low, above=above, high=high))


def scenarios_page() -> str:
    """Returns a Markdown page: every scenario with its people, items, settings and ids."""
    kinds: dict[type[Scenario], dict[str, Scenario]] = {}
    for name in ENVIRONMENTS:
        scenario = make_scenario(name)
        kinds.setdefault(type(scenario), {})[name] = scenario
    parts = [
        "# Scenarios",
        "Written by `recsim-env scenarios --page`; `recsim-env scenarios NAME` prints one. "
        "Settings are keyword arguments of `gymnasium.make` and `gymnasium.make_vec`, and "
        "`--set NAME=VALUE` on the command line. Every scenario has these:",
        _settings_table(Scenario, _defaults(Scenario)),
        *(part for kind, of_ids in kinds.items() for part in _scenario_section(kind, of_ids)),
    ]
    return "\n\n".join(parts)


def _defaults(kind: Any) -> dict[str, Any]:
    return {field.name: field.default for field in dataclasses.fields(kind)}


def _scenario_section(kind: type[Scenario], of_ids: Mapping[str, Scenario]) -> Iterable[str]:
    yield f"## {kind.__name__}"
    yield from _paragraphs(inspect.getdoc(kind) or "")
    common, own = _defaults(Scenario), _defaults(kind)
    yield _settings_table(kind, {k: v for k, v in own.items() if common.get(k, not v) != v})
    for name, scenario in of_ids.items():
        fixed = {k: v for k, v in scenario.settings.items() if v != own[k]}
        said = ", ".join(f"`{k}={v!r}`" for k, v in fixed.items())
        yield f"`{name}`: {said or 'these defaults'}."


def _settings_table(kind: type, values: Mapping[str, Any]) -> str:
    rows = [
        [f"`{name}`", f"`{value}`", *rest] for name, value, *rest in settings_rows(kind, values)
    ]
    return _table(["setting", "default", "range", "meaning"], rows)


def _paragraphs(docstring: str) -> Iterable[str]:
    """Yields the paragraphs of a docstring as Markdown, without that on settings."""
    for block in _BREAK.split(docstring):
        text = " ".join(block.split())
        label = _LABEL.match(text)
        if not (label and label[1].startswith("Settings")):
            head = f"**{label[1]}**: " if label else ""
            yield head + _without_markup(text[label.end() if label else 0 :])


def _without_markup(text: str) -> str:
    """Returns a text whose asterisks are asterisks; what stands between backticks stays."""
    parts = enumerate(text.split("`"))
    return "`".join(part if place % 2 else part.replace("*", r"\*") for place, part in parts)


def agents_page() -> str:
    """Returns a Markdown page: every agent with its idea and source, and who works where."""
    parts = [
        "# Agents",
        "Written by `recsim-env agents --page`; `recsim-env agents NAME` explains one, with its "
        "settings. All have Stable-Baselines3's `learn`, `predict`, `save` and `load`, in batches.",
        _COMMANDS,
    ]
    sections = {family: f"Ranks by {by}." for family, by in FAMILIES.items()}
    sections[REFERENCES] = "They learn nothing, and set the scale of scores."
    for family, about in sections.items():
        rows = [
            [
                f"`{name}`",
                first_line(agent_class(name)),
                REGISTRY[name].needs or "–",
                REGISTRY[name].source or "–",
            ]
            for name in names_of(family)
        ]
        table = _table(["agent", "idea", "needs", "source"], rows)
        parts += [f"## {family[0].upper()}{family[1:]}", about, table]
    parts += [Suitability.of_all().section(), "## Settings"]
    for name in REGISTRY:
        kind = agent_class(name)
        if defaults := kind.Settings.defaults():
            parts += [f"### {name}", _settings_table(kind.Settings, defaults)]
    return "\n\n".join(parts)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
