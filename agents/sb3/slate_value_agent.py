"""What agents that estimate the values of slates share: how they are made, act and explore."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.core.transition import Observation
from recsim_env.agents.sb3.off_policy import OffPolicyAgent


class SlateValueAgent(OffPolicyAgent):
    """Shows the slates of highest value, and now and then random ones.

    A subclass makes the network, and says what its actions are, which stand for slates.

    Settings:
      learning_rate (0.0005): with 0.001, learning on makes it worse where rewards are noisy.
      gamma (0.95): chance ends many a session, and the further ahead a value looks, the more of
        that luck is in its targets.
      exploration: share of random slates (0.05), to which it falls from 1 in the first
        exploration_steps interactions (10,000).
      Others: see `OffPolicyAgent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **OffPolicyAgent.defaults,
        "learning_rate": 5e-4,
        "gamma": 0.95,
        "exploration": 0.05,
        "exploration_steps": 10_000,
    }

    draws_slates: ClassVar[str | None] = None

    #: Shorter than the session: rewards much smaller than fresh weights' errors take long to see.
    scale_discount: ClassVar[float] = 0.9

    def check_settings(self) -> None:
        """Raises ValueError for a setting out of range."""
        super().check_settings()
        self.require("exploration", 0 <= self.settings["exploration"] <= 1, "0 to 1")
        self.require("exploration_steps", self.settings["exploration_steps"] >= 1, "1 or more")

    @abstractmethod
    def make_network(self, space: Any) -> Any:
        """Returns a torch module with `values` and `best`, as `SlateValues` has them."""

    @abstractmethod
    def random_actions(self, n: int) -> np.ndarray:
        """Returns what stands for `n` random slates, (n, numbers of an action)."""

    def slates_of(self, actions: np.ndarray) -> np.ndarray:
        """Returns the slates that actions stand for, (n, slate_size); by default themselves."""
        return actions

    @abstractmethod
    def random_chance(self, slates: np.ndarray) -> np.ndarray:
        """Returns how likely a random slate is each of `slates`, (n,)."""

    def model_class(self) -> Any:
        """Returns the class of the model."""
        from recsim_env.agents.sb3.slate_dqn import SlateDQN

        return SlateDQN

    def make_model(self, env: Any) -> Any:
        """Returns the model with a `SlateValuePolicy` of the network."""
        from recsim_env.agents.sb3.slate_values import SlateValuePolicy

        return self.model_class()(
            SlateValuePolicy,
            env,
            **self.model_settings(env),
            act=self._act,
            policy_kwargs={"network": self.make_network},
        )

    def explored_share(self) -> float:
        """Returns the share of random slates at this time of learning."""
        if self.num_timesteps < self.settings["learning_starts"]:
            return 1.0
        final, n_steps = self.settings["exploration"], self.settings["exploration_steps"]
        return float(final + (1.0 - final) * max(0.0, 1.0 - self.num_timesteps / n_steps))

    def _act(self, tensors: Any, *, deterministic: bool = False) -> np.ndarray:
        """Returns the best actions, some replaced by random ones unless `deterministic`."""
        actions = np.asarray(self.model.policy.q_net_target.best(tensors).cpu().numpy())
        if not deterministic:
            explores = self.rng.random(len(actions)) < self.explored_share()
            actions = np.where(explores[:, None], self.random_actions(len(actions)), actions)
        return actions

    def choose(self, tensors: Any, *, deterministic: bool) -> np.ndarray:
        """Shows the slates of highest value, some at random unless `deterministic`."""
        return self.slates_of(self._act(tensors, deterministic=deterministic))

    def _slate_chance(
        self, observation: Observation, slates: np.ndarray, state: Any, *, deterministic: bool
    ) -> np.ndarray:
        """Returns whether slates are the best, or the chance that they are or are explored."""
        best = self.recommend(observation, state, deterministic=True)
        chance = (best == slates).all(axis=1).astype(float)
        share = 0.0 if deterministic else self.explored_share()
        return (1.0 - share) * chance + share * self.random_chance(slates)
