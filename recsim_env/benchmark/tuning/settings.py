"""What a study looks for, where, and with how much: from keyword arguments."""

import dataclasses
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from recsim_env.agents import UnsuitableScenario, agent_class, is_frozen
from recsim_env.benchmark.evaluation import N_SLOTS
from recsim_env.benchmark.experiment.plan import described, described_agent
from recsim_env.benchmark.experiment.run import Protocol, Run
from recsim_env.benchmark.experiment.settings import MAX_ENVS, MAX_SEED
from recsim_env.benchmark.runs.described import full_settings, hash_of
from recsim_env.core.scenario import Scenario
from recsim_env.core.search import Search, searches
from recsim_env.core.settings import check_settings, setting
from recsim_env.envs.resolving import resolve_scenario, scenario_id

#: Seeds of runs that tune and of runs that judge what tuning found: no benchmark takes any of them,
#: so that nobody whom a benchmark simulates was met before.
MOST_SEEDS = MAX_SEED // 2
TUNING_SEED, VALIDATION_SEED = MAX_SEED, MAX_SEED + MOST_SEEDS


#: What the options of the command are called, and the setting that each is.
OPTIONS = {
    "--trials": "trials",
    "--interactions": "interactions",
    "--checkpoints": "checkpoints",
    "--num-envs": "num_envs",
    "--episodes": "eval_episodes",
    "--seeds": "seeds",
    "--validation-seeds": "validation_seeds",
    "--seed": "search_seed",
}


@dataclass(frozen=True, kw_only=True)
class TuningSettings:
    """A study: settings of one agent are tried in one scenario.

    Attributes:
      scenario: its name.
      scenario_settings: other than its id has them.
      agent: its name.
      agent_settings: held as they are, and not searched.
      trials: settings that are tried, the default ones first (20).
      interactions: interactions of learning in every run (20,000).
      checkpoints: evaluations of a trial, after each of which it may be given up (4).
      num_envs: people who are served side by side while learning (16).
      eval_episodes: episodes of an evaluation; beyond 100 a multiple of that (400).
      seeds: runs of a trial, each in a world of its own (2).
      validation_seeds: runs by which the best settings are compared with the default ones (5).
      search_seed: of the search (0).

    Raises:
      ValueError: a setting outside its range, an agent with nothing to search, or an unknown name.
      UnsuitableScenario: the agent does not work there.
    """

    scenario: str
    agent: str
    scenario_settings: Mapping[str, Any] = field(default_factory=dict)
    agent_settings: Mapping[str, Any] = field(default_factory=dict)
    trials: int = setting(20, low=2, high=10_000)
    interactions: int = setting(20_000, low=1)
    checkpoints: int = setting(4, low=1, high=1_000)
    num_envs: int = setting(16, low=1, high=MAX_ENVS)
    eval_episodes: int = setting(400, low=1, high=10**7)
    seeds: int = setting(2, low=1, high=MOST_SEEDS)
    validation_seeds: int = setting(5, low=2, high=MOST_SEEDS)
    search_seed: int = setting(0, low=0, high=2**32 - 1)

    def __post_init__(self) -> None:
        names = ("scenario", "agent", "scenario_settings", "agent_settings")
        check_settings(self, but=names)
        if self.eval_episodes > N_SLOTS and self.eval_episodes % N_SLOTS:
            raise ValueError(
                f"eval_episodes={self.eval_episodes} is not allowed; use up to {N_SLOTS}, or a "
                "multiple of it"
            )
        if self.checkpoints > self.interactions:
            raise ValueError(
                f"checkpoints={self.checkpoints} is not allowed; use at most "
                f"interactions={self.interactions}"
            )
        if is_frozen(self.agent):
            raise ValueError(f"agent {self.agent!r} was made before and learns nothing here")
        reason = agent_class(self.agent).unsuitable(self.where)
        if reason is not None:
            raise UnsuitableScenario(reason)
        kind: Any = agent_class(self.agent).Settings
        full = full_settings(self.agent, kind.defaults(), dict(self.agent_settings))
        kind.of(self.agent, self.agent_settings)
        if not self.space:
            held = ", ".join(name for name in searches(kind) if name in self.agent_settings)
            why = f"{held} are held as given" if held else "none of its settings has a search space"
            raise ValueError(
                f"agent {self.agent} has nothing to tune: {why}; known settings are "
                f"{', '.join(full) or 'none'}, and those of an agent of one's own are searched "
                "where they are declared with setting(..., search=Search(low, high))"
            )

    @property
    def label(self) -> str:
        """What tables call the scenario."""
        return scenario_id(self.scenario)

    @cached_property
    def where(self) -> Scenario:
        """The scenario in which the best settings are judged."""
        return resolve_scenario(self.scenario, **self.scenario_settings)

    @cached_property
    def space(self) -> dict[str, Search]:
        """Where to look, by setting."""
        found = searches(agent_class(self.agent).Settings)
        return {name: each for name, each in found.items() if name not in self.agent_settings}

    @property
    def default(self) -> dict[str, Any]:
        """The settings that are searched, as they are by default."""
        kind = agent_class(self.agent).Settings
        return {name: kind.defaults()[name] for name in self.space}

    @property
    def checkpoint_interactions(self) -> tuple[int, ...]:
        """The interactions after which a trial is evaluated."""
        n = self.checkpoints
        return tuple(self.interactions * place // n for place in range(1, n + 1))

    @property
    def command(self) -> str:
        """What a person would type for the same study, wherever its folder."""
        held = [("--set", self.scenario_settings), ("--agent-set", self.agent_settings)]
        words = ["recsim-env", "tune", self.scenario, self.agent]
        words += [
            word for name, each in OPTIONS.items() for word in (name, str(getattr(self, each)))
        ]
        for option, given in held:
            words += [word for name, value in given.items() for word in (option, f"{name}={value}")]
        return shlex.join(words)

    def described(self) -> dict[str, Any]:
        """Returns all that decides the trials, but for how many there are."""
        names = ("interactions", "checkpoints", "num_envs", "eval_episodes")
        return {
            **described(self.where, {name: getattr(self, name) for name in names}),
            "agent": self.agent,
            "agent_settings": dict(self.agent_settings),
            "space": {name: str(search) for name, search in self.space.items()},
            "seeds": self.seeds,
            "search_seed": self.search_seed,
        }

    def tuning_runs(self, values: Mapping[str, Any]) -> tuple[Run, ...]:
        """Returns the runs of a trial: each of other people, in a world that is not the judged one.

        Args:
          values: of the settings that are searched.
        """
        own = self.where.settings["world_seed"]
        worlds = [
            own - 1 - place if own > place else own + 1 + place for place in range(self.seeds)
        ]
        return tuple(
            self._run(
                resolve_scenario(self.where, world_seed=world),
                self.agent,
                values,
                TUNING_SEED + place,
                self.checkpoint_interactions,
            )
            for place, world in enumerate(worlds)
        )

    def validation_runs(self, label: str, values: Mapping[str, Any]) -> tuple[Run, ...]:
        """Returns runs in the scenario itself, of people whom no trial met.

        Args:
          label: what the table calls the agent with these settings.
          values: of the settings that are searched.
        """
        return tuple(
            self._run(self.where, label, values, VALIDATION_SEED + place, (self.interactions,))
            for place in range(self.validation_seeds)
        )

    def _run(
        self,
        scenario: Scenario,
        label: str,
        values: Mapping[str, Any],
        seed: int,
        checkpoints: tuple[int, ...],
    ) -> Run:
        given = {**self.agent_settings, **values}
        full = agent_class(self.agent).Settings.defaults() | given
        protocol = Protocol(
            checkpoints=checkpoints,
            bin_edges=(self.interactions,),
            num_envs=self.num_envs,
            eval_episodes=self.eval_episodes,
        )
        decided = described(scenario, dataclasses.asdict(protocol))
        return Run(
            scenario_label=self.label,
            agent_label=label,
            scenario=scenario,
            agent=self.agent,
            agent_settings=given,
            seed=seed,
            protocol=protocol,
            config_hash=hash_of(decided | described_agent(self.agent, full)),
        )
