"""Policies that draw slates by scores, and learn from logged steps."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from recsim_env.agents.core import acting
from recsim_env.agents.core.agent import Agent
from recsim_env.agents.core.interaction import Interaction
from recsim_env.agents.core.online import checked_scores, lowered, top_slates
from recsim_env.agents.core.replay import Column, Replay, affordable, row_bytes, step_columns
from recsim_env.agents.core.restoring import State, part, split, taken, whole
from recsim_env.agents.core.session import SessionMemory
from recsim_env.agents.core.slate_distribution import Ranked, SlateDistribution
from recsim_env.agents.core.step_log import LoggedSteps
from recsim_env.agents.core.step_recorder import StepRecorder
from recsim_env.agents.core.transition import Observation
from recsim_env.agents.core.world import check_world, describe_world, require_alike
from recsim_env.agents.networks.training import Trainer, TrainingSettings
from recsim_env.core.settings import setting
from recsim_env.envs import RecommendationVectorEnv

_MOST = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class SlatePolicySettings(TrainingSettings):
    """What policies that learn from logs are given."""

    refit_every: int = setting(
        2_000, low=1, doc="interactions between fits, each of the gradient steps that are due"
    )


class SlatePolicyAgent(Agent):
    """Base class of agents that draw slates by scores, and learn from a log of steps.

    Slates are drawn without repeats (`PlackettLuce`). The log is gathered in `learn`, or handed to
    `learn_from`. Gradient steps are taken in fits, now and then, on all that is kept. A subclass
    gathers a log, makes a network that gives `scores`, and gives `loss`.
    """

    Settings = SlatePolicySettings
    settings: SlatePolicySettings
    requires = ("item features",)
    draws_slates: ClassVar[str | None] = None
    memory: SessionMemory

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.memory = SessionMemory(self.env.scenario)
        self.seen_space = self.memory.seen_space
        self.trainer = Trainer(
            self.make_network, self.settings, self.rng, needed_by=type(self).__name__
        )
        self.network = self.trainer.network
        self.replay = Replay(self._capacity(), self.replay_columns())
        self.recorder = StepRecorder(self.env.scenario)
        self._n_due = 0

    @abstractmethod
    def make_network(self) -> Any:
        """Returns the untrained network, a torch module; what is not learned needs no gradient."""

    @abstractmethod
    def loss(self, batch: Mapping[str, Any]) -> Any:
        """Returns what to minimise, a tensor, for a batch of rows of the replay as tensors."""

    # Acting --------------------------------------------------------------------------------------

    def scores(self, observation: Observation, state: Any) -> np.ndarray:
        """Returns the network's scores, (n, n_candidates)."""
        seen = self.memory.seen(state, observation)
        scores = self.trainer.compute(self.network.scores, seen).astype(np.float64)
        shape = (len(state), self.env.scenario.n_candidates)
        return checked_scores(scores, shape, type(self).__name__)

    def recommend(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Shows the highest scores; with Gumbel noise, whose ranking draws a slate."""
        scores = self._servable(observation, state)
        if not deterministic:
            scores = scores + self.rng.gumbel(size=scores.shape)
        return top_slates(scores, self.slate_size, self.rng)

    def _slate_distribution(
        self, observation: Observation, state: Any, *, deterministic: bool
    ) -> SlateDistribution:
        """Returns the best slates, or those that are drawn."""
        from recsim_env.agents.networks.plackett_luce import DrawnSlates

        scores = self._servable(observation, state)
        return (Ranked if deterministic else DrawnSlates)(scores, self.slate_size)

    def _servable(self, observation: Observation, state: Any) -> np.ndarray:
        """Returns scores in which what would leave its place empty comes last."""
        return lowered(self.scores(observation, state), acting.wasted(self.env, observation))

    # Learning ------------------------------------------------------------------------------------

    def log_columns(self) -> dict[str, Column]:
        """Returns the columns of a log."""
        return step_columns(self.seen_space, self.slate_size) | {
            "clicked": (bool, (self.slate_size,)),
            "propensity": (np.float64, ()),
            "is_over": (bool, ()),
            "session_number": (np.int32, ()),
            "step": (np.int32, ()),
        }

    def replay_columns(self) -> dict[str, Column]:
        """Returns the columns of what is kept; a subclass with more than a log's adds them."""
        return self.log_columns()

    def rows_of_log(self, log: LoggedSteps) -> dict[str, np.ndarray]:
        """Returns a log as rows of the replay; a subclass with more columns adds them."""
        rows = {name: log[name] for name in self.log_columns()}
        return rows | {"session_number": self.recorder.renumbered(log["session_number"])}

    def prepare(self) -> None:
        """Does what is to do before the gradient steps of a fit; by default nothing."""

    @property
    def tau(self) -> float:
        """How far averages in the network follow after each gradient step."""
        return 0.0

    def _capacity(self) -> int:
        """Returns how many interactions of its own are kept."""
        n_bytes = row_bytes(self.replay_columns())
        return affordable(self.settings.buffer_size, n_bytes, least=self.env.num_envs)

    def keep(self, rows: Mapping[str, np.ndarray]) -> None:
        """Adds rows of the replay; fits where as many are new as `refit_every` says.

        Args:
          rows: columns by name, counted in `num_timesteps`.
        """
        if self.replay.capacity > self._capacity():  # it held a log
            logged, self.replay = self.replay, Replay(self._capacity(), self.replay_columns())
            self.replay.load_state_dict(logged.state_dict())
        self.replay.add(**rows)
        self._n_due += len(rows["reward"])
        is_time = self._n_due >= self.settings.refit_every
        if is_time and self.num_timesteps >= self.settings.learning_starts:
            self.fit()

    def fit(self) -> None:
        """Takes the gradient steps that are due on what is kept."""
        n_gradient_steps, self._n_due = divmod(self._n_due, self.settings.update_every)
        if not n_gradient_steps:
            return
        self.prepare()
        loss = self.trainer.train(
            n_gradient_steps,
            lambda: self.replay.sample(self.settings.batch_size, self.rng),
            self.loss,
            self.rng,
            tau=self.tau,
        )
        if self.monitor is not None:
            self.monitor({"loss": loss}, self.num_timesteps)

    def learn_from(
        self, log: LoggedSteps, *, n_passes: int = 1, another_world: bool = False
    ) -> Self:
        """Learns from a log alone, whoever made it; replaces what was kept.

        All of it is kept, until steps of the agent's own join it: then the last `buffer_size`.

        Args:
          log: of the scenario that the agent knows, with the same settings.
          n_passes: how often as many gradient steps are taken as `update_every` makes of the log.
          another_world: whether it is meant to be a log of another world; see `Agent.set_env`.

        Raises:
          ValueError: the log is of another world, shows other things than the agent sees, is
            damaged or empty.
        """
        self._check(log, another_world=another_world)
        self.replay = Replay(max(self._capacity(), len(log)), self.replay_columns())
        self.replay.add(**self.rows_of_log(log))
        self.num_timesteps += len(log)
        for _ in range(n_passes):
            self._n_due += len(log)
            self.fit()
        return self

    def _check(self, log: LoggedSteps, *, another_world: bool) -> None:
        """Raises ValueError unless the log is of this world, with all columns, and not empty."""
        here = describe_world(self.env.scenario)
        if here.keys() <= log.about.keys():
            check_world(dict(log.about))
            require_alike(log.about, here, another_world=another_world, what="the log is of")
        log.check()
        for name, (_, shape) in self.log_columns().items():
            found = log.columns[name].shape[1:] if name in log.columns else "none"
            if found != shape:
                raise ValueError(
                    f"the log is of another scenario or other settings: {name} has shape {found}, "
                    f"not {shape}"
                )
        if not len(log):
            raise ValueError("the log holds no steps")
        n_candidates = self.env.scenario.n_candidates
        if log["slate"].max() >= n_candidates:
            raise ValueError(f"the log shows candidates beyond the {n_candidates} that there are")

    # Files ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns what was learned, and the steps that are kept."""
        kept = {
            "replay": self.replay.state_dict(),
            "recorder": self.recorder.state_dict(),
            "n_due": self._n_due,
        }
        return super().state_dict() | self.trainer.state_dict() | {"learning": kept}

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned."""
        filled = {"optimizer": {}, "learning": {}} | dict(state)
        own, rest = split(filled, "network", "optimizer", "learning")
        super().load_state_dict(rest)
        self.trainer.load_state_dict(own)
        learning = part(own, "learning")
        if not learning:
            return
        kept = part(learning, "replay")
        n_rows = taken(kept, "reward").size  # of a log, more than are kept otherwise
        self.replay = Replay(max(self._capacity(), n_rows), self.replay_columns())
        candidates, any_number = (0, self.env.scenario.n_candidates - 1), (0, _MOST)
        ranges = {"slate": candidates, "session_number": any_number, "step": any_number}
        self.replay.load_state_dict(kept, ranges=ranges)
        self.recorder.load_state_dict(part(learning, "recorder"))
        self._n_due = whole(learning, "n_due", high=self.num_timesteps)

    def check_recorder(self, interaction: Interaction) -> None:
        """Raises ValueError unless the sessions to go on with are those that were recorded."""
        if interaction.is_resuming and self.recorder.num_envs != self.env.num_envs:
            raise ValueError("the recorder is of another number of people")


_PARTS = ("network", "optimizer", "learning")
