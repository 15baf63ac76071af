"""The reference pages of scenarios and agents, written from what the code says of itself."""

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

from recsim_env.agent_registry import FAMILIES, REFERENCES, REGISTRY, names_of
from recsim_env.agents import agent_class
from recsim_env.cli.markdown import (
    observation_table,
    paragraphs,
    settings_rows,
    settings_table,
    table,
)
from recsim_env.cli.suitability import Suitability, first_line
from recsim_env.core.scenario import Scenario
from recsim_env.core.settings import ranges
from recsim_env.envs.registry import ENVIRONMENTS
from recsim_env.envs.resolving import resolve_scenario

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


def scenarios_page() -> str:
    """Returns a Markdown page: every scenario with its people, items, settings and ids."""
    parts = ["# Scenarios", scenarios_head()]
    for kind, of_ids in scenario_kinds().items():
        parts += [f"## {kind.__name__}", *scenario_section(kind, of_ids)]
    return "\n\n".join(parts)


def scenario_kinds() -> dict[type[Scenario], dict[str, Scenario]]:
    """Returns the registered scenarios, each with its ids and what they make."""
    kinds: dict[type[Scenario], dict[str, Scenario]] = {}
    for name in ENVIRONMENTS:
        scenario = resolve_scenario(name)
        kinds.setdefault(type(scenario), {})[name] = scenario
    return kinds


def scenarios_head() -> str:
    """Returns what is said of all scenarios: where settings go, and those that all have."""
    return (
        "Written by `recsim-env scenarios --page`; `recsim-env scenarios NAME` prints one. "
        "Settings are keyword arguments of `gymnasium.make` and `gymnasium.make_vec`, and "
        "`--set NAME=VALUE` on the command line. Every scenario has these:\n\n"
        + settings_table(Scenario, _defaults(Scenario))
    )


def scenario_section(kind: type[Scenario], of_ids: Mapping[str, Scenario]) -> list[str]:
    """Returns what is said of one scenario: its docstring, settings, ids and observation."""
    return [
        *paragraphs(inspect.getdoc(kind) or ""),
        *scenario_settings(kind, of_ids),
        *scenario_observation(of_ids),
    ]


def scenario_settings(kind: type[Scenario], of_ids: Mapping[str, Scenario]) -> list[str]:
    """Returns a table of a scenario's own settings, and which of them its ids fix."""
    common, own = _defaults(Scenario), _defaults(kind)
    settings = {k: v for k, v in own.items() if common.get(k, not v) != v}
    said = []
    for name, scenario in of_ids.items():
        fixed = {k: v for k, v in scenario.settings.items() if v != own[k]}
        values = ", ".join(f"`{k}={v!r}`" for k, v in fixed.items())
        said.append(f"`{name}`: {values or 'these defaults'}.")
    return [settings_table(kind, settings), *said]


def scenario_observation(of_ids: Mapping[str, Scenario]) -> list[str]:
    """Returns a table of what the recommender sees in the first of a scenario's ids."""
    name, scenario = next(iter(of_ids.items()))
    return [f"What the recommender sees in `{name}`:", observation_table(scenario)]


def _defaults(kind: Any) -> dict[str, Any]:
    return {field.name: field.default for field in dataclasses.fields(kind)}


def agents_page() -> str:
    """Returns a Markdown page: every agent with its idea and source, and who works where."""
    parts = ["# Agents", agents_head()]
    for family, about in agent_families().items():
        parts += [f"## {family[0].upper()}{family[1:]}", about, family_table(family)]
    parts += [Suitability.of_all().section(), "## Settings"]
    for name in REGISTRY:
        if settings := agent_settings(name):
            parts += [f"### {name}", settings]
    return "\n\n".join(parts)


def agents_head() -> str:
    """Returns what is said of all agents: their interface, and the commands."""
    return (
        "Written by `recsim-env agents --page`; `recsim-env agents NAME` explains one, with its "
        "settings. All have Stable-Baselines3's `learn`, `predict`, `save` and `load`, in batches."
        f"\n\n{_COMMANDS}"
    )


def agent_families() -> dict[str, str]:
    """Returns the families, the references last, and what is said of each."""
    families = {family: f"Ranks by {by}." for family, by in FAMILIES.items()}
    return families | {REFERENCES: "They learn nothing, and set the scale of scores."}


def family_table(family: str, link: str = "") -> str:
    """Returns a table of a family's agents.

    Args:
      family: its name.
      link: where an agent's page is, with its name as {name}; by default there is none.
    """
    rows = [
        [
            f"[`{name}`]({link.format(name=name)})" if link else f"`{name}`",
            first_line(agent_class(name)),
            REGISTRY[name].needs or "–",
            REGISTRY[name].source or "–",
        ]
        for name in names_of(family)
    ]
    return table(["agent", "idea", "needs", "source"], rows)


def agent_settings(name: str) -> str:
    """Returns the table of an agent's settings; nothing where it has none."""
    kind = agent_class(name)
    defaults = kind.Settings.defaults()
    return settings_table(kind.Settings, defaults) if defaults else ""


#: What keys of a benchmark's file take that are no numbers with a range.
_TAKES = {
    "scenarios": "names, or a table of labels with settings",
    "agents": 'likewise; `"all"` is all of ours that learn',
    "sweep": "a table of settings with lists of values",
    "tuned": "true or false",
    "seeds": "how many, or a list of them",
    "jobs": "-1, or 1 or more",
}


def benchmark_keys() -> str:
    """Returns a table of the keys of a benchmark's file, with what each takes and means."""
    from recsim_env.benchmark.experiment.config_file import meanings_of_keys
    from recsim_env.benchmark.experiment.settings import BenchmarkSettings

    allowed = ranges(BenchmarkSettings)
    rows = [
        [f"`{name}`", _TAKES.get(name) or f"{allowed[name]}", said]
        for name, said in meanings_of_keys().items()
    ]
    return table(["key", "takes", "meaning (default)"], rows)
