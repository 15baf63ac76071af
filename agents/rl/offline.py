"""What agents share that never act while they learn: another agent gathers their log."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np

from recsim_env.agents import make_agent
from recsim_env.agents.core.agent import with_prefix
from recsim_env.agents.core.online import OnlineAgent
from recsim_env.agents.core.restoring import whole
from recsim_env.agents.core.transition import Transition
from recsim_env.agents.rl.slate_policy import SlatePolicyAgent
from recsim_env.envs import RecommendationVectorEnv

# What the names of arrays begin with.
_LOGGER = "logger."


class OfflineAgent(SlatePolicyAgent):
    """Learns from a log that another policy made, in `learn_from` or gathered in `learn`.

    Logging policy of `learn`: the agent named `logger`, which learns meanwhile as it would alone,
    except that a share `exploration` of the slates is uniform. Propensities are exact. What is fit
    on the log is what `predict` serves: the best slates where `deterministic`, else drawn ones.

    Settings:
      logger: name of an agent that learns stepwise and tells propensities exactly ("linucb").
      exploration: share of uniform slates in the log (0.5).
      refit_every: interactions between fits (2,000); `learn` also ends with one.
      update_every: interactions for each gradient step of a fit (16).
      learning_rate, batch_size, buffer_size, width, device: see `TorchAgent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **SlatePolicyAgent.defaults,
        "learning_starts": 0,
        "logger": "linucb",
        "exploration": 0.5,
    }

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.require("exploration", 0 <= self.settings["exploration"] <= 1, "0 to 1")
        logger = make_agent(self.settings["logger"], env, seed=seed)
        suits = (
            isinstance(logger, OnlineAgent)
            and not isinstance(logger, OfflineAgent)
            and logger.draws_slates is None
            and type(logger).exploration_after is OnlineAgent.exploration_after
        )
        self.require(
            "logger",
            suits,
            "an agent that learns stepwise, has exact propensities and no schedule of exploration, "
            "such as 'linucb'",
        )
        assert isinstance(logger, OnlineAgent)
        self.logger = logger
        logger.exploration = self.settings["exploration"]
        logger.rng = self.rng  # one generator is saved for both
        logger.listener = self

    def learn(self, total_timesteps: int, callback: Any = None, progress_bar: bool = False) -> Self:
        """Lets the logger gather as many interactions, and fits; see `Agent.learn`."""
        self.logger.set_env(self.stage, another_world=True)
        self.logger.on_rest = self.on_rest
        self.logger.learn(
            total_timesteps, lambda _: callback is None or callback(self), progress_bar
        )
        self.world = self.logger.world
        self.fit()
        return self

    def on_transition(self, feedback: Transition, propensity: np.ndarray) -> None:
        """Keeps what the logger did, and fits when it is time."""
        self.num_timesteps += len(feedback.index)
        self.keep_rows(self.recorder.rows(feedback, propensity), self.num_timesteps)

    # Files ---------------------------------------------------------------------------------------

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns what was learned, by the logger too."""
        return super().arrays() | {_LOGGER + k: v for k, v in self.logger.arrays().items()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes back what `arrays` returned."""
        super().restore(arrays)
        self.logger.restore(with_prefix(arrays, _LOGGER))

    def progress(self) -> dict[str, np.ndarray]:
        """Returns the sessions that the logger is amid, and the log."""
        logger = {_LOGGER + k: v for k, v in self.logger.progress().items()}
        return super().progress() | logger | {"n_logged": np.array(self.logger.num_timesteps)}

    def resume(self, progress: Mapping[str, np.ndarray]) -> None:
        """Takes back what `progress` returned."""
        super().resume({k: v for k, v in progress.items() if not k.startswith(_LOGGER)})
        self.logger.num_timesteps = whole(progress, "n_logged", high=self.num_timesteps)
        self.logger.resume(with_prefix(progress, _LOGGER))
