"""What agents share that draw slates by scores and learn from logged steps."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from recsim_env.agents.core.agent import with_prefix
from recsim_env.agents.core.online import slate_chance
from recsim_env.agents.core.replay import Replay
from recsim_env.agents.core.restoring import taken
from recsim_env.agents.core.step_log import LoggedSteps, StepRecorder
from recsim_env.agents.core.transition import Observation, Transition
from recsim_env.agents.core.world import check_world, describe_world, require_alike
from recsim_env.agents.networks.agent import REPLAY, TorchAgent
from recsim_env.envs import RecommendationVectorEnv

_MOST = 2**31 - 1

# What the names of arrays begin with.
_RECORDER = "recorder."


class SlatePolicyAgent(TorchAgent):
    """Draws slates without repeats by scores (`PlackettLuce`), and learns from a log of steps.

    The log is its own, or is handed to `learn_from`. Gradient steps are taken in fits, now and
    then, on all that is kept. A subclass makes a network that gives `scores`, and `loss`.

    Settings:
      refit_every: interactions between fits (2,000).
      update_every: interactions for each gradient step of a fit (16).
      learning_rate, batch_size, learning_starts, buffer_size, width, device: see `TorchAgent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {**TorchAgent.defaults, "refit_every": 2_000}

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.require("refit_every", self.settings["refit_every"] >= 1, "1 or more")
        self.recorder = StepRecorder(self.env.scenario)

    # Acting --------------------------------------------------------------------------------------

    def scores(self, observation: Observation, state: Any, *, deterministic: bool) -> np.ndarray:
        """Returns the network's scores; with Gumbel noise, whose ranking draws a slate."""
        scores = self.computed(self.network.scores, observation, state).astype(np.float64)
        return scores if deterministic else scores + self.rng.gumbel(size=scores.shape)

    def _slate_chance(
        self, observation: Observation, slates: np.ndarray, state: Any, *, deterministic: bool
    ) -> np.ndarray:
        """Returns the chance that slates are drawn, or explored, or are the best."""
        if deterministic:
            return super()._slate_chance(observation, slates, state, deterministic=True)
        import torch

        from recsim_env.agents.networks.plackett_luce import PlackettLuce

        scores = self.scores(observation, state, deterministic=True)
        drawn = PlackettLuce(torch.as_tensor(scores), self.slate_size)
        chance = drawn.log_prob(torch.as_tensor(slates, dtype=torch.int64)).exp().numpy()
        uniform = slate_chance(np.zeros(scores.shape), slates)
        return np.asarray(self.exploration * uniform + (1.0 - self.exploration) * chance)

    # Learning ------------------------------------------------------------------------------------

    def replay_columns(self) -> dict[str, tuple[Any, tuple[int, ...]]]:
        """Returns the columns of a log."""
        return super().replay_columns() | {
            "clicked": (bool, (self.slate_size,)),
            "propensity": (np.float64, ()),
            "is_over": (bool, ()),
            "session_number": (np.int32, ()),
            "step": (np.int32, ()),
        }

    def rows(self, feedback: Transition) -> dict[str, np.ndarray]:
        """Returns feedback as rows of a log, with the propensities of the policy as it is."""
        state = self._state[feedback.index]
        propensity = self._slate_chance(
            feedback.observation, feedback.slates, state, deterministic=False
        )
        return self.recorder.rows(feedback, propensity)

    def begin(self) -> None:
        """Notes that everybody's session begins anew."""
        self.recorder.begin(self.env.num_envs)

    def update(self, feedback: Transition) -> None:
        """Keeps the steps, and fits when it is time."""
        self.keep_rows(self.rows(feedback), self.num_timesteps + len(feedback.index))

    def keep_rows(self, rows: Mapping[str, np.ndarray], n_steps: int) -> None:
        """Adds rows of a log; fits where as many are new as `refit_every` says.

        Args:
          rows: columns by name.
          n_steps: interactions so far, with these.
        """
        if self.replay.capacity > self._capacity():  # it held a log
            logged, self.replay = self.replay, Replay(self._capacity(), self.replay_columns())
            self.replay.restore(logged.arrays())
        self.replay.add(**rows)
        self._n_due += len(rows["reward"])
        is_time = self._n_due >= self.settings["refit_every"]
        if is_time and n_steps >= self.settings["learning_starts"]:
            self.fit()

    def fit(self) -> None:
        """Takes the gradient steps that are due on what is kept."""
        n_gradient_steps, self._n_due = divmod(self._n_due, self.settings["update_every"])
        if n_gradient_steps:
            self.prepare()
            self.train(n_gradient_steps)

    def prepare(self) -> None:
        """Does what is to do before gradient steps; by default nothing."""

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

    def rows_of_log(self, log: LoggedSteps) -> dict[str, np.ndarray]:
        """Returns a log as rows of the replay; a subclass with more columns adds them."""
        rows = {name: log[name] for name in SlatePolicyAgent.replay_columns(self)}
        return rows | {"session_number": self.recorder.renumbered(log["session_number"])}

    def _check(self, log: LoggedSteps, *, another_world: bool) -> None:
        """Raises ValueError unless the log is of this world, with all columns, and not empty."""
        here = describe_world(self.env.scenario)
        if here.keys() <= log.about.keys():
            check_world(dict(log.about))
            require_alike(log.about, here, another_world=another_world, what="the log is of")
        log.check()
        for name, (_, shape) in SlatePolicyAgent.replay_columns(self).items():
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

    def progress(self) -> dict[str, np.ndarray]:
        """Returns the sessions that learning is amid, and the steps that are kept."""
        kept = {_RECORDER + name: value for name, value in self.recorder.arrays().items()}
        return super().progress() | kept

    def resume(self, progress: Mapping[str, np.ndarray]) -> None:
        """Takes back what `progress` returned."""
        rewards = taken(progress, REPLAY + "reward")
        n_rows = rewards.size  # of a log, more than are kept otherwise
        self.replay = Replay(max(self._capacity(), n_rows), self.replay_columns())
        super().resume(progress)
        self.recorder.restore(with_prefix(progress, _RECORDER))
        if self._progress and self.recorder.num_envs != self.env.num_envs:
            raise ValueError("the recorder is of another number of people")

    def replay_ranges(self) -> dict[str, tuple[int, int]]:
        """Returns in which ranges the indices in columns of a log lie, the ends included."""
        return super().replay_ranges() | {"session_number": (0, _MOST), "step": (0, _MOST)}
