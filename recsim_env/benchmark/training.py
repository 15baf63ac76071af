"""Training with checkpoints: a run is saved as it goes on, and resumed exactly."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recsim_env.agents import Agent, agent_class, make_agent
from recsim_env.agents.core.agent_file import read_about
from recsim_env.agents.core.step_log import LoggedSteps
from recsim_env.agents.core.world import describe_world
from recsim_env.agents.rl.slate_policy import SlatePolicyAgent
from recsim_env.benchmark.interrupting import Stopped, holding_signals
from recsim_env.benchmark.provenance import versions
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.formats.files import replace_file


@dataclass(frozen=True)
class TrainingRun:
    """One agent that learns in one environment, and is saved again and again.

    It learns in pieces of `checkpoint_every` interactions and is saved after each, and when a
    signal ends the program (Ctrl-C, SIGTERM): as soon as the batch of steps in progress, or the
    rollout, is learned from. A run that goes on from there equals one that was not stopped. A
    second signal ends it at once; then the last checkpoint is left. Some agents take a few steps
    more than they are asked to (the rest of a rollout); the next piece is shorter.

    The agent's file says what the run is of, `about`; for people, so does a JSON file beside it.

    Attributes:
      env: where it learns.
      agent: short name or ``"module:Class"``.
      agent_settings: its settings.
      seed: of the agent and of the people it learns from.
      checkpoint_every: interactions from one checkpoint to the next.
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

    def __post_init__(self) -> None:
        _check_every(self.checkpoint_every)

    @property
    def beside(self) -> Path:
        """The file that describes the run."""
        return description_file(self.path)

    def begin(self) -> Agent:
        """Returns the untrained agent; what is in the file stays there until it is first saved.

        Raises:
          UnsuitableScenario, ValueError: the agent cannot be made.
        """
        return make_agent(self.agent, self.env, seed=self.seed, **self.agent_settings)

    def learn_from_log(self) -> LoggedSteps:
        """Saves an agent that learned from `log` alone, and returns the log.

        What was in the agent's file stays there until then.

        Raises:
          FileNotFoundError: there is no such log.
          ValueError: the agent learns from no log, or not from this one.
        """
        assert self.log is not None
        agent = self.begin()
        if not isinstance(agent, SlatePolicyAgent):
            raise ValueError(
                f"{self.agent} does not learn from logged steps; bc, iql and reinforce do"
            )
        log = LoggedSteps.read(self.log)
        agent.learn_from(log)
        self.save(agent)
        return log

    def save(self, agent: Agent) -> None:
        """Writes the agent's file, and the note beside it where it says something else."""
        about = self.about(agent) | {"versions": versions()}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        agent.save(self.path, notes=about)
        text = json.dumps(about, indent=2) + "\n"
        if not self.beside.is_file() or self.beside.read_bytes() != text.encode():
            replace_file(self.beside, text.encode())

    def saved_interactions(self) -> int | None:
        """Returns how many interactions the file's agent learned from, if it is of this run."""
        try:
            found = read_about(self.path)
        except (FileNotFoundError, ValueError):
            return None
        is_own = not differing(self.about(), found["notes"])
        return int(found["num_timesteps"]) if is_own else None

    def go_on(self) -> Agent:
        """Returns the agent in the file.

        Raises:
          FileNotFoundError: there is none.
          ValueError: it is damaged, or of another run; the message says in what they differ.
        """
        fresh = self.begin()
        unlike = differing(self.about(fresh), read_description(self.path))
        if unlike:
            raise ValueError(
                f"{self.path} is of another run ({unlike}); ask for what it was, name another "
                "file, or replace it with --overwrite"
            )
        return type(fresh).load(self.path, self.env, **self.agent_settings)

    def about(self, agent: Agent | None = None) -> dict[str, Any]:
        """Returns all that decides what is learned, but for how long.

        Args:
          agent: of the run, if it is at hand.
        """
        settings = agent_class(self.agent).Settings.defaults() | self.agent_settings
        world = describe_world(self.env.scenario)
        return {
            "scenario": world["scenario"],
            "scenario_settings": world["scenario_settings"],
            "agent": self.agent,
            "agent_settings": agent.settings.as_dict() if agent else settings,
            "seed": self.seed,
            "num_envs": self.env.num_envs,
            "checkpoint_every": self.checkpoint_every,
            "log": self.log and str(self.log),
        }

    def learn(
        self,
        agent: Agent,
        interactions: int,
        callback: Callable[[Agent], None] | None = None,
        *,
        before_save: Callable[[], None] = lambda: None,
    ) -> Iterator[int]:
        """Learns until `interactions` in total; yields the interactions taken at each checkpoint.

        Args:
          agent: from `begin` or `go_on`.
          interactions: interactions, those before the last checkpoint included.
          callback: called with the agent after each batch of steps.
          before_save: called before the agent is saved.
        """
        while agent.num_timesteps < interactions:
            n_before = agent.num_timesteps
            n_pieces = n_before // self.checkpoint_every + 1
            goal = min(n_pieces * self.checkpoint_every, interactions)
            with holding_signals() as held:
                agent.on_rest = held.check
                with contextlib.suppress(Stopped):
                    agent.learn(goal - n_before, callback=callback)
                agent.on_rest = None
                before_save()
                self.save(agent)
            held.pass_on()
            if agent.num_timesteps == n_before:
                raise ValueError(f"{self.agent} stopped learning after {n_before:,} interactions")
            yield agent.num_timesteps


def differing(asked: Mapping[str, Any], kept: Mapping[str, Any]) -> str:
    """Returns in what a description that was kept as JSON differs from what is asked for, or ""."""
    return "; ".join(_differences(json.loads(json.dumps(asked)), kept, ""))


def _differences(asked: Mapping[str, Any], kept: Mapping[str, Any], of: str) -> Iterator[str]:
    """Yields what differs, in what holds others the ones of these."""
    for name, value in asked.items():
        there = kept.get(name)
        if isinstance(value, dict) and isinstance(there, dict):
            yield from _differences(dict.fromkeys(there) | value, there, f"{of}{name}.")
        elif there != value:
            yield f"{of}{name}: {there!r} there, {value!r} here"


def description_file(path: Path) -> Path:
    """Returns the file beside an agent's or a log's that describes how it was made."""
    return path.with_name(f"{path.name}.json")


def read_description(path: Path) -> dict[str, Any]:
    """Returns what the agent in a file was trained in.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: the file holds something else, or an agent that no `TrainingRun` made.
    """
    found: dict[str, Any] = read_about(path)["notes"]
    try:
        _check_every(found.get("checkpoint_every"))
    except ValueError as error:
        raise ValueError(
            f"{path} does not say what it was trained in ({error}); --overwrite begins anew"
        ) from error
    return found


def _check_every(value: Any) -> None:
    """Raises ValueError unless it is a number of interactions from one checkpoint to the next."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"checkpoint_every={value!r:.50} is not allowed; use 1 or more")
