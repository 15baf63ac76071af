"""A training run that is kept as it goes on: checkpoints, exact resumption, and what it is of."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsim_env.agents import Agent, make_agent
from recsim_env.array_file import replacing
from recsim_env.benchmark.provenance import versions
from recsim_env.envs import RecommendationVectorEnv


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
    """

    env: RecommendationVectorEnv
    agent: str
    agent_settings: dict[str, Any]
    seed: int
    checkpoint_every: int
    path: Path

    @property
    def beside(self) -> Path:
        """The file that says what the run is of."""
        return description_file(self.path)

    def begin(self) -> Agent:
        """Returns the untrained agent, and notes what the run is of.

        Raises:
          UnsuitableScenario, ValueError: the agent cannot be made.
        """
        agent = make_agent(self.agent, self.env, seed=self.seed, **self.agent_settings)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        with replacing(self.beside) as draft:
            text = json.dumps(self.about(agent) | {"versions": versions()}, indent=2)
            draft.write_text(text + "\n", encoding="utf-8")
        return agent

    def go_on(self) -> Agent:
        """Returns the agent of the last checkpoint.

        Raises:
          FileNotFoundError: there is none, or nothing says what it is of.
          ValueError: it is of another run; the message says in what they differ.
        """
        fresh = make_agent(self.agent, self.env, seed=self.seed, **self.agent_settings)
        asked, kept = json.loads(json.dumps(self.about(fresh))), read_description(self.path)
        differing = [
            f"{name}: {kept.get(name)!r} there, {value!r} here"
            for name, value in asked.items()
            if kept.get(name) != value
        ]
        if differing:
            raise ValueError(f"{self.path} is of another run ({'; '.join(differing)})")
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


def description_file(path: Path) -> Path:
    """Returns where it stands what the agent in a file was trained in."""
    return path.with_name(f"{path.name}.json")


def read_description(path: Path) -> dict[str, Any]:
    """Returns what the agent in a file was trained in.

    Raises:
      FileNotFoundError: it was not noted.
      ValueError: the note is no JSON object.
    """
    beside = description_file(path)
    if not beside.is_file():
        raise FileNotFoundError(f"{beside}: no such file; it would say what {path} was trained in")
    found = json.loads(beside.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ValueError(f"{beside} does not say what {path} was trained in")
    return found
