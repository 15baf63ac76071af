"""A training run that is kept as it goes on: checkpoints, exact resumption, and what it is of."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsim_env.agents import Agent, make_agent
from recsim_env.agents.logged_steps import LoggedSteps
from recsim_env.agents.slate_policy_agent import SlatePolicyAgent
from recsim_env.benchmark.provenance import versions
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.files import replacing

# What a log must have in common with the run that learns from it.
_WORLD = ("scenario", "scenario_settings")


@dataclass(frozen=True)
class TrainingRun:
    """One agent that learns in one environment, and is saved again and again.

    It learns in pieces of `checkpoint_every` user-steps and is saved after each, so that a run that
    was stopped and goes on from its last checkpoint equals one that was not stopped. Some agents
    take a few steps more than they are asked to (the rest of a rollout); the next piece is shorter.

    Beside the agent's file stands a JSON file that says what the run is of: `about`.

    Attributes:
      env: where it learns.
      agent: short name or ``"module:Class"``.
      agent_settings: its settings.
      seed: of the agent and of the people it learns from.
      checkpoint_every: user-steps from one checkpoint to the next.
      path: the agent's file.
      log: the file of logged steps that it learns from instead, if any.
    """

    env: RecommendationVectorEnv
    agent: str
    agent_settings: dict[str, Any]
    seed: int
    checkpoint_every: int
    path: Path
    log: Path | None = None

    @property
    def beside(self) -> Path:
        """The file that says what the run is of."""
        return description_file(self.path)

    def begin(self) -> Agent:
        """Returns the untrained agent, and notes what the run is of.

        Raises:
          UnsuitableScenario, ValueError: the agent cannot be made.
        """
        agent = self._untrained()
        self._clear_for(agent)
        return agent

    def learn_from_log(self) -> LoggedSteps:
        """Saves an agent that learned from `log` alone, and returns the log.

        What was in the agent's file stays there until then.

        Raises:
          FileNotFoundError: there is no such log.
          ValueError: the agent learns from no log, or not from this one.
        """
        assert self.log is not None
        agent = self._untrained()
        if not isinstance(agent, SlatePolicyAgent):
            raise ValueError(
                f"{self.agent} does not learn from logged steps; bc, iql and reinforce do"
            )
        log, asked = LoggedSteps.read(self.log), self.about(agent)
        known = {name: asked[name] for name in _WORLD if name in log.about}
        differing = _differing(known, log.about)
        if differing:
            raise ValueError(f"the log is of another scenario or other settings ({differing})")
        agent.learn_from(log)
        self._clear_for(agent)
        agent.save(self.path)
        return log

    def _untrained(self) -> Agent:
        return make_agent(self.agent, self.env, seed=self.seed, **self.agent_settings)

    def _clear_for(self, agent: Agent) -> None:
        """Removes the file of any other agent, and notes what the run is of."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        with replacing(self.beside) as draft:
            text = json.dumps(self.about(agent) | {"versions": versions()}, indent=2)
            draft.write_text(text + "\n", encoding="utf-8")

    def go_on(self) -> Agent:
        """Returns the agent of the last checkpoint.

        Raises:
          FileNotFoundError: there is none, or nothing says what it is of.
          ValueError: it is of another run; the message says in what they differ.
        """
        fresh = self._untrained()
        differing = _differing(self.about(fresh), read_description(self.path))
        if differing:
            raise ValueError(f"{self.path} is of another run ({differing})")
        return type(fresh).load(self.path, self.env)

    def about(self, agent: Agent) -> dict[str, Any]:
        """Returns all that decides what the agent becomes, but for how long it learns."""
        scenario = self.env.scenario
        return {
            "scenario": f"{type(scenario).__module__}:{type(scenario).__qualname__}",
            "scenario_settings": scenario.settings,
            "agent": self.agent,
            "agent_settings": agent.settings,
            "seed": self.seed,
            "num_envs": self.env.num_envs,
            "checkpoint_every": self.checkpoint_every,
            "log": self.log and str(self.log),
        }

    def learn(
        self, agent: Agent, interactions: int, callback: Callable[[Agent], None] | None = None
    ) -> Iterator[int]:
        """Learns until `interactions` in total; yields the user-steps taken at each checkpoint.

        Args:
          agent: from `begin` or `go_on`.
          interactions: user-steps, those before the last checkpoint included.
          callback: called with the agent after each batch of steps.
        """
        while agent.num_timesteps < interactions:
            n_pieces = agent.num_timesteps // self.checkpoint_every + 1
            goal = min(n_pieces * self.checkpoint_every, interactions)
            agent.learn(goal - agent.num_timesteps, callback=callback)
            agent.save(self.path)
            yield agent.num_timesteps


def _differing(asked: Mapping[str, Any], kept: Mapping[str, Any]) -> str:
    """Returns in what a description that was kept as JSON differs from what is asked for, or ""."""
    return "; ".join(
        f"{name}: {kept.get(name)!r} there, {value!r} here"
        for name, value in json.loads(json.dumps(asked)).items()
        if kept.get(name) != value
    )


def description_file(path: Path) -> Path:
    """Returns where it stands what an agent's file was trained in, or a log was written with."""
    return path.with_name(f"{path.name}.json")


def read_description(path: Path) -> dict[str, Any]:
    """Returns what the agent in a file was trained in.

    Raises:
      FileNotFoundError: it was not noted.
      ValueError: the note is not what `TrainingRun` writes.
    """
    beside = description_file(path)
    if not beside.is_file():
        raise FileNotFoundError(f"{beside}: no such file; it would say what {path} was trained in")
    try:
        found = json.loads(beside.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict) or "checkpoint_every" not in found:
        raise ValueError(
            f"{beside} does not say what {path} was trained in; --overwrite begins anew"
        )
    return found
