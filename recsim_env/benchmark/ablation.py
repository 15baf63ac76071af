"""Ablations: what an ability of a recommender is worth in a scenario, by one policy without it.

    context           the oracle, against one that averages over time, place and device
    repetition        the oracle, against one that does not know what was consumed when
    period            the oracle, against one that does not know when in the log a session is
    personalization   the oracle, against the best ranking that is the same for everybody
    exploration       LinUCB while it learns, against the same without its bonus
    planning          the far-sighted reference, against the oracle, which is myopic
    diversity         the oracle that keeps categories apart, against the oracle

Where a policy has a degree (how much bonus, how much diversity), the best of a few degrees counts.
Choosing it biases the estimate upwards, by a percent or two where the ability is worth nothing.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsim_env.agents import agent_class
from recsim_env.benchmark.experiment.plan import make_plan
from recsim_env.benchmark.experiment.runner import run_benchmark
from recsim_env.benchmark.experiment.settings import BenchmarkSettings
from recsim_env.benchmark.runs.kept import check_joinable
from recsim_env.core.scenario import Scenario
from recsim_env.envs.resolving import resolve_scenario, scenario_id
from recsim_env.formats.files import replace_file
from recsim_env.results.intervals import Estimate, normalized_score
from recsim_env.results.layout import BENCHMARK
from recsim_env.results.standings import final_by_seed
from recsim_env.results.table import ResultTable

#: Label to the scenario's settings: the worlds of the table, each at its defaults.
WORLDS: dict[str, dict[str, Any]] = {
    "MusicStreaming": {},
    "MusicStreaming (lives)": {"scenario": "MusicStreaming", "n_days": 30},
    "NewsFeed": {},
    "Boredom": {},
    "OrganicShopping": {},
    "ShortVideo": {},
    "CreatorEconomy": {},
    "RatedCatalogue": {},
    "InterestEvolution": {},
    "InterestExploration": {},
    "LongTermSatisfaction": {},
}

_POLICIES: dict[str, dict[str, Any]] = {
    "oracle": {},
    "without context": {"agent": "oracle", "ablate": "context"},
    "without repetition": {"agent": "oracle", "ablate": "repetition"},
    "without period": {"agent": "oracle", "ablate": "period"},
    "without person": {"agent": "oracle", "ablate": "person"},
    "linucb": {},
    "linucb small bonus": {"agent": "linucb", "alpha": 0.2},
    "linucb no bonus": {"agent": "linucb", "alpha": 0.0},
    "far_sighted": {},
    "a little diverse": {"agent": "diverse_oracle", "discount": 0.9},
    "diverse": {"agent": "diverse_oracle", "discount": 0.7},
    "very diverse": {"agent": "diverse_oracle", "discount": 0.4},
}


@dataclass(frozen=True)
class Ablation:
    """Policies with an ability, and one without.

    Attributes:
      full: labels of policies; the best of them counts.
      ablated: the label of the policy without the ability.
      is_online: whether the reward while learning is compared, and not that of a frozen policy.
    """

    full: tuple[str, ...]
    ablated: str
    is_online: bool = False

    @property
    def policies(self) -> tuple[str, ...]:
        """The labels of all of them."""
        return (*self.full, self.ablated)


#: Ability to the policies that measure its value.
ABLATIONS = {
    "context": Ablation(("oracle",), "without context"),
    "repetition": Ablation(("oracle",), "without repetition"),
    "period": Ablation(("oracle",), "without period"),
    "personalization": Ablation(("oracle",), "without person"),
    "exploration": Ablation(("linucb", "linucb small bonus"), "linucb no bonus", is_online=True),
    "planning": Ablation(("far_sighted",), "oracle"),
    "diversity": Ablation(("a little diverse", "diverse", "very diverse"), "oracle"),
}

# What worlds that are fitted to logs may have.
_OF_LOGS = ("repetition", "period")


def run_ablations(
    worlds: Mapping[str, Mapping[str, Any]],
    folder: str | Path,
    *,
    seeds: int | Sequence[int] = 5,
    interactions: int = 10_000,
    eval_episodes: int = 500,
    jobs: int = -1,
    progress_bar: bool = False,
    overwrite: bool = False,
) -> dict[str, dict[str, Estimate]]:
    """Returns world to ability to the relative gain in reward that it brings, 0.1 for 10 % more.

    Abilities that a world cannot show (it has no context, no categories, no long-term value) are
    left out. Runs are kept in the folder, and a repeated call goes on with what is missing.

    Args:
      worlds: label to settings, and `scenario` where the label is not its name.
      folder: where runs are kept; `values.md` is the table of gains of all worlds measured there.
      seeds: how many runs of each policy, each with its own people; or their seeds.
      interactions: interactions from which LinUCB learns.
      eval_episodes: episodes of a frozen policy, for each seed.
      jobs: processes; -1 is one per core.
      progress_bar: as in `run_benchmark`.
      overwrite: as in `run_benchmark`.

    Raises:
      ValueError: an unknown scenario or setting, one without an oracle, or a folder that holds
        runs of other settings.
      RuntimeError: a run failed.
    """
    folder = Path(folder)
    asked = {
        label: _asked(
            label,
            entry,
            seeds=seeds,
            interactions=interactions,
            eval_episodes=eval_episodes,
            jobs=jobs,
        )
        for label, entry in worlds.items()
    }
    for label, settings in asked.items():  # before any work
        plan = make_plan(settings)
        check_joinable(_folder_of(folder, label), plan.runs, plan.configs, overwrite=overwrite)
    for label, settings in asked.items():
        outcome = run_benchmark(
            settings,
            _folder_of(folder, label),
            command=_command(label, folder, settings),
            progress_bar=progress_bar,
        )
        if outcome.failed:
            raise RuntimeError(f"runs failed in {label}; see {outcome.folder / 'errors'}")
        replace_file(folder / "values.md", as_markdown(_gains_in(folder)).encode())
    gains = _gains_in(folder)
    return {label: gains[label] for label in asked}


def _asked(label: str, entry: Mapping[str, Any], **settings: Any) -> BenchmarkSettings:
    """Returns the benchmark of all policies that a world's ablations compare."""
    given = dict(entry)
    name = given.pop("scenario", label)
    scenario = resolve_scenario(name, **given)
    if reason := agent_class("oracle").unsuitable(scenario):
        raise ValueError(f"nothing can be ablated without the oracle: {reason}")
    usable = ablations_of(scenario)
    labels = {label for ablation in usable.values() for label in ablation.policies}
    return BenchmarkSettings.create(
        scenarios={label: {"scenario": scenario_id(name), **given}},
        agents={each: policy for each, policy in _POLICIES.items() if each in labels},
        checkpoints=1,
        bins=1,
        **settings,
    )


def _command(label: str, folder: Path, settings: BenchmarkSettings) -> str:
    """Returns what a person would type to measure a world as it was."""
    n_seeds = len(settings.seeds)
    is_count = settings.seeds == tuple(range(n_seeds))
    asked = {
        "--seeds": [n_seeds] if is_count else settings.seeds,
        "--interactions": [settings.interactions],
        "--episodes": [settings.eval_episodes],
        "--out": [folder],
    }
    given = dict(settings.scenarios[label])
    usual = {"scenario", *WORLDS.get(label, {})}
    changes = [f"{name}={value}" for name, value in given.items() if name not in usual]
    changed = [word for change in changes for word in ("--set", change)]
    words = [word for option, values in asked.items() for word in (option, *map(str, values))]
    return shlex.join(["recsim-env", "ablate", label, *changed, *words])


def _folder_of(folder: Path, label: str) -> Path:
    return folder / re.sub(r"[^A-Za-z0-9]+", "-", label).strip("-")


def _gains_in(folder: Path) -> dict[str, dict[str, Estimate]]:
    """Returns the gains in all worlds that were measured in a folder, ours in their order first."""
    found: dict[str, dict[str, Estimate]] = {}
    for file in sorted(folder.glob("*/rows.csv")):
        with file.open("rb") as content:
            if content.readline() != BENCHMARK.header:  # of another kind
                continue
        table = ResultTable(file.parent)
        for world in table.scenarios():
            finished = {row["agent"] for row in table.rows(phase="final", scenario=world)}
            found[world] = {
                name: gain_of(ablation, table, world)
                for name, ablation in ABLATIONS.items()
                if finished.issuperset(ablation.policies)
            }
    in_order = dict.fromkeys([*WORLDS, *found])
    return {world: found[world] for world in in_order if "personalization" in found.get(world, {})}


def ablations_of(scenario: Scenario) -> dict[str, Ablation]:
    """Returns the ablations that a scenario allows, by ability."""
    has = {
        **{name: name in scenario.state_groups for name in ("context", *_OF_LOGS)},
        "personalization": True,
        "exploration": agent_class("linucb").unsuitable(scenario) is None,
        "planning": scenario.outlook("long_term_value") is not None,
        "diversity": scenario.category is not None,
    }
    return {name: ablation for name, ablation in ABLATIONS.items() if has[name]}


def gain_of(ablation: Ablation, table: ResultTable, world: str) -> Estimate:
    """Returns the ratio of rewards, less 1, of the best policy with an ability to the one without.

    Args:
      ablation: the policies.
      table: of their runs.
      world: its scenario.
    """
    earned = _online(table, world) if ablation.is_online else final_by_seed(table, world)
    other = earned[ablation.ablated]
    nothing = dict.fromkeys(other, 0.0)
    ratios = [normalized_score(earned[each], nothing, other) for each in ablation.full]
    best = max(ratios, key=lambda ratio: ratio.mean)
    return Estimate(best.mean - 1, best.low - 1, best.high - 1, best.n, best.method)


def _online(table: ResultTable, world: str) -> dict[str, dict[int, float]]:
    """Returns agent to seed to the mean reward per interaction while learning, which is one bin."""
    found: dict[str, dict[int, float]] = {}
    for row in table.rows(phase="online", scenario=world):
        found.setdefault(row["agent"], {})[row["seed"]] = row["reward_per_step"]
    return found


def as_markdown(values: Mapping[str, Mapping[str, Estimate]]) -> str:
    """Returns the table of gains, one line a world; what only logs have stands where one has it."""
    found = {name for gains in values.values() for name in gains}
    shown = [name for name in ABLATIONS if name in found or name not in _OF_LOGS]
    lines = [
        "| value of | " + " | ".join(shown) + " |",
        "|---|" + "---|" * len(shown),
    ]
    for world, gains in values.items():
        cells = [_cell(gains.get(name)) for name in shown]
        lines.append(f"| {world} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _cell(gain: Estimate | None) -> str:
    if gain is None:
        return "–"
    text = f"{_percent(gain.mean)} %"
    if gain.is_unbounded:
        return f"{text} [unbounded]"
    if not gain.has_interval:
        return text
    return f"{text} [{_percent(gain.low)}, {_percent(gain.high)}]"


def _percent(share: float) -> str:
    """Returns a share in whole percent, with a sign unless it is 0."""
    return "0" if abs(share) < 0.005 else f"{100 * share:+.0f}".replace("-", "−")


def named_worlds(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Returns the worlds of these names, or all of ours.

    Raises:
      ValueError: a name is neither a world nor a scenario.
    """
    if not names:
        return dict(WORLDS)
    for name in names:
        if name not in WORLDS:
            scenario_id(name)
    return {name: dict(WORLDS.get(name, {})) for name in names}
