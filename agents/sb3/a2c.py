"""Advantage actor-critic over slates drawn by scores."""

from collections.abc import Mapping
from typing import Any, ClassVar

from recsim_env.agents.sb3.policy_gradient import PolicyGradientAgent


class A2CAgent(PolicyGradientAgent):
    """Draws slates by scores of the candidates, and follows the gradient of the return once a time.

    Idea: make likelier what turned out better than expected, and throw away what was learned from.
    Update: maximise E A log pi(slate | o) - (V - R)² / 2, a single step for each rollout, with pi
      drawing slates by scores without repeats (`PlackettLuce`), and A the generalised advantage
      sum_t (gamma gae_lambda)^t (r_t + gamma V_t+1 - V_t), standardised; scores and V as in `ppo`.
    Cost: a gradient step over each rollout, O(n_candidates width (n_features + width)) for each
      of its steps.
    Source: Mnih et al. 2016, "Asynchronous methods for deep reinforcement learning" (arXiv
      1602.01783), without the asynchrony, as in Stable-Baselines3.
    Differs: Adam; standardised advantages; rewards are divided by the running deviation of returns,
      and cut off at ± 10.

    `learn` goes on until the rollout in progress is full.

    Settings (defaults chosen on InterestEvolution and LongTermSatisfaction at 20,000 interactions):
      rollout: interactions for each update (128), rounded to a multiple of num_envs, two or more.
      learning_rate (0.002); gamma (0.99); gae_lambda (0.95); entropy (0).
      width, device: see `SB3Agent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **PolicyGradientAgent.defaults,
        "rollout": 128,
        "learning_rate": 2e-3,
        "gamma": 0.99,
        "gae_lambda": 0.95,
        "entropy": 0.0,
    }

    def make_model(self, env: Any) -> Any:
        """Returns Stable-Baselines3's A2C with a `ScorePolicy`."""
        from stable_baselines3 import A2C

        from recsim_env.agents.sb3.score_policy import ScorePolicy

        return A2C(
            ScorePolicy,
            env,
            normalize_advantage=True,
            use_rms_prop=False,
            policy_kwargs={"network": "candidates", "width": self.settings["width"]},
            **self.model_settings(env),
        )
