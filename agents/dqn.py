"""Deep Q-learning over enumerated slates."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.feedback import Observation
from recsim_env.agents.off_policy import OffPolicyAgent
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenario import Scenario
from recsim_env.wrappers import count_slates, enumerate_slates

#: More slates than these take too long to compare at every step.
MAX_SLATES = 20_000


class DQNAgent(OffPolicyAgent):
    """Estimates what every slate is worth for the rest of the visit, and shows the best.

    Idea: the value of a slate is its reward now and the value of the best slate next.
    Update: regress Q(o, slate) on r + gamma Q'(o', argmax Q(o', ·)), without the second term where
      the person left, by Adam on the Huber loss of batches from a replay buffer. Q is the expected
      value under a choice among the slate's items and none, from a network with the same weights
      for every candidate (`SlateValues`); o is what is seen and what happened so far in this visit
      (`VisitMemory`). Q' follows Q by Q' <- (1 - tau) Q' + tau Q, and is what is served.
    Cost: a gradient step for every `update_every` user-steps, O(batch_size n_candidates (width² +
      n_slates)); a decision O(n_candidates n_slates); about 0.3 ms a user-step with 10 candidates
      and 120 slates on one core.
    Source: Mnih et al. 2015, "Human-level control through deep reinforcement learning"; van Hasselt
      et al. 2016, "Deep reinforcement learning with double Q-learning"; the slate's value from its
      items' as in Ie et al. 2019, "SlateQ" (arXiv 1905.12767). As in Stable-Baselines3.
    Differs: items are not told which of them was chosen, as in SlateQ, but learned through their
      slate; slates are sets, in ascending order of index; the averaged network is served.

    Settings (defaults chosen on InterestEvolution and LongTermSatisfaction at 50,000
      user-steps):
      exploration: share of random slates (0.05), to which it falls from 1 in the first
        exploration_steps user-steps (10,000).
      Others: see `OffPolicyAgent`; the weights are averaged at every step of the environments.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **OffPolicyAgent.defaults,
        "exploration": 0.05,
        "exploration_steps": 10_000,
    }

    draws_slates: ClassVar[str | None] = None

    #: Shorter than the visit: rewards much smaller than fresh weights' errors take long to see.
    scale_discount: ClassVar[float] = 0.9

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where items have no observable features, or there are too many slates."""
        n_slates = count_slates(scenario, ordered=False)
        if n_slates > MAX_SLATES:
            return (
                f"DQNAgent compares all slates, and n_candidates={scenario.n_candidates} with "
                f"slate_size={scenario.slate_size} make {n_slates:,}, more than {MAX_SLATES:,}; "
                "lower n_candidates or slate_size"
            )
        return super().unsuitable(scenario)

    def check_settings(self) -> None:
        """Raises ValueError for a setting out of range."""
        super().check_settings()
        self.require("exploration", 0 <= self.settings["exploration"] <= 1, "0 to 1")
        self.require("exploration_steps", self.settings["exploration_steps"] >= 1, "1 or more")

    def wrap(self, env: RecommendationVectorEnv) -> Any:
        """Returns the environment with numbers of slates as actions."""
        wrapped: Any = enumerate_slates(env, ordered=False, max_slates=MAX_SLATES)
        self.table: np.ndarray = wrapped.form.table
        return wrapped

    def make_model(self, env: Any) -> Any:
        """Returns a `SlateDQN` with a `SlateValuePolicy`."""
        import torch

        from recsim_env.agents.slate_dqn import SlateDQN
        from recsim_env.agents.slate_values import SlateValuePolicy

        chosen = self.settings
        return SlateDQN(
            SlateValuePolicy,
            env,
            **self.model_settings(env),
            target_update_interval=env.num_envs,
            exploration=chosen["exploration"],
            exploration_steps=chosen["exploration_steps"],
            policy_kwargs={"table": torch.as_tensor(self.table), "width": chosen["width"]},
        )

    def choose(self, tensors: Any, *, deterministic: bool) -> np.ndarray:
        """Shows the slates of highest value, some at random unless `deterministic`."""
        best = self._best(tensors)
        if not deterministic:
            explores = self.rng.random(len(best)) < self.model.explored_share()
            best = np.where(explores, self.rng.integers(0, len(self.table), len(best)), best)
        return np.asarray(self.table[best])

    def _best(self, tensors: Any) -> np.ndarray:
        """Returns the rows of the table with the slates of highest value, (n,)."""
        values = self.model.policy.q_net_target(tensors)
        return np.asarray(values.cpu().numpy().argmax(axis=1))

    def _slate_chance(
        self, observation: Observation, slates: np.ndarray, state: Any, *, deterministic: bool
    ) -> np.ndarray:
        """Returns whether slates are the best, or the chance that they are or are explored."""
        import torch

        with torch.no_grad():
            best = self._best(self.tensors(observation, state))
        chance = (self.table[best] == slates).all(axis=1).astype(float)
        if deterministic:
            return chance
        share = self.model.explored_share()
        is_possible = (np.diff(slates, axis=1) > 0).all(axis=1)  # the table holds ascending ones
        return (1.0 - share) * chance + share * is_possible / len(self.table)
