"""Agents that never act while they learn: another agent gathers their log."""

from dataclasses import dataclass
from typing import Any, Self

from recsim_env.agents import make_agent
from recsim_env.agents.core.online import OnlineAgent, collect
from recsim_env.agents.core.restoring import State, part, split, whole
from recsim_env.agents.core.settings import refusal
from recsim_env.agents.rl.slate_policy import SlatePolicyAgent, SlatePolicySettings
from recsim_env.core.settings import setting
from recsim_env.envs import RecommendationVectorEnv


@dataclass(frozen=True, kw_only=True)
class OfflineSettings(SlatePolicySettings):
    """What agents that learn from another's log are given."""

    learning_starts: int = 0
    logger: str = setting(
        "linucb", doc="name of an agent that learns stepwise and tells propensities exactly"
    )
    exploration: float = setting(0.5, low=0.0, high=1.0, doc="share of uniform slates in the log")


class OfflineAgent(SlatePolicyAgent):
    """Base class of agents that learn from a log that another policy made.

    Logging policy of `learn`: the agent named `logger`, which learns meanwhile as it would alone,
    except that a share `exploration` of the slates is uniform. Propensities are exact. What is fit
    on the log is what `predict` serves: the best slates where `deterministic`, else drawn ones.
    """

    Settings = OfflineSettings
    settings: OfflineSettings

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        # One generator is saved for both.
        logger = make_agent(self.settings.logger, env, seed=seed, rng=self.rng)
        is_online = isinstance(logger, OnlineAgent) and not logger.has_schedule
        if not is_online or logger.draws_slates is not None:
            raise refusal(
                "logger",
                self.settings.logger,
                "an agent that learns stepwise, has exact propensities and no schedule of "
                "exploration, such as 'linucb'",
            )
        assert isinstance(logger, OnlineAgent)
        self.logger = logger

    def learn(self, total_timesteps: int, callback: Any = None, progress_bar: bool = False) -> Self:
        """Lets the logger gather as many interactions, and fits; see `Agent.learn`."""
        self.logger.set_env(self.stage, another_world=True)
        if self.logger.enter():
            self.recorder.begin(self.env.num_envs)
        for transition in collect(
            self.logger,
            total_timesteps,
            exploration=self.settings.exploration,
            learner=self,
            callback=callback,
            progress_bar=progress_bar,
        ):
            self.num_timesteps += len(transition.index)
            self.keep(self.recorder.rows(transition))
        self.world = self.logger.world
        self.fit()
        return self

    # Files ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns what was learned, by the logger too, and the log."""
        logger = {"logger": self.logger.state_dict(), "n_logged": self.logger.num_timesteps}
        return super().state_dict() | logger

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned."""
        own, rest = split({"logger": {}} | dict(state), "logger", "n_logged")
        super().load_state_dict(rest)
        self.logger.num_timesteps = whole(own, "n_logged", high=self.num_timesteps)
        self.logger.load_state_dict(part(own, "logger"))
        self.check_recorder(self.logger.interaction)
