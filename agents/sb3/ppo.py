"""Proximal policy optimisation over slates drawn by scores."""

from collections.abc import Mapping
from typing import Any, ClassVar

from recsim_env.agents.sb3.policy_gradient import ProximalAgent


class PPOAgent(ProximalAgent):
    """Draws slates by scores of the candidates, and follows the gradient of the return carefully.

    Idea: make likelier what turned out better than expected, by steps too small to break much.
    Update: maximise E min(rho A, clip(rho, 1 ± clip_range) A) - (V - R)² / 2, with rho the ratio
      of the slate's probability to that under the policy that drew it; pi draws slates by scores
      without repeats (`PlackettLuce`); A is the generalised advantage
      sum_t (gamma gae_lambda)^t (r_t + gamma V_t+1 - V_t), standardised. Scores and V are networks
      with the same weights for every candidate (`CandidateScores`), of what is seen and what
      happened so far in this session (`SessionMemory`).
    Cost: n_epochs gradient steps over each rollout, O(n_candidates width (n_features + width)) for
      each of its steps.
    Source: Schulman et al. 2017, "Proximal policy optimization algorithms" (arXiv 1707.06347), as
      in Stable-Baselines3.
    Differs: rewards are divided by the running deviation of returns, and cut off at ± 10; a wide
      clip_range, as a slate's probability is a product over its places.

    For long runs, num_envs=256 with rollout=8_192, n_minibatches=16 and n_epochs=1
    learns from 15,000 and more interactions a second of one core.

    `learn` goes on until the rollout in progress is full. A callback that stops it wastes what was
    gathered for the next update.

    Settings (defaults chosen on InterestEvolution and MusicStreaming at 20,000 interactions):
      rollout: interactions between updates (1,024), rounded to a multiple of n_minibatches
        num_envs.
      n_minibatches, n_epochs: of each update (4, 3).
      learning_rate (0.002); gamma (0.99); gae_lambda (0.9); clip_range (0.4); entropy (0).
      network: "candidates" for the same weights for all, or "flat" for layers over the whole
        observation, where the place of a candidate means something ("candidates").
      width, device: see `SB3Agent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {**ProximalAgent.defaults, "network": "candidates"}

    def check_settings(self) -> None:
        """Raises ValueError for a setting out of range."""
        super().check_settings()
        is_known = self.settings["network"] in ("candidates", "flat")
        self.require("network", is_known, '"candidates" or "flat"')

    def make_model(self, env: Any) -> Any:
        """Returns Stable-Baselines3's PPO with a `ScorePolicy`."""
        from stable_baselines3 import PPO

        from recsim_env.agents.sb3.score_policy import ScorePolicy

        network, width = self.settings["network"], self.settings["width"]
        return PPO(
            ScorePolicy,
            env,
            policy_kwargs={"network": network, "width": width},
            **self.model_settings(env),
        )
