"""Proximal policy optimisation over scores of candidates."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.deep_agent import DeepAgent
from recsim_env.agents.feedback import Observation
from recsim_env.agents.gaussian_ranking import gaussian_slate_chance
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.wrappers import best_candidates, score_candidates

# Scores are clipped here, far beyond what they reach: where they are clipped, they tie.
_BOUND = 100.0


class PPOAgent(DeepAgent):
    """Draws a score for every candidate from a Gaussian, shows the best, and learns where to aim.

    Idea: follow the gradient of the visit's return, in steps too small to break what works.
    Update: maximise E min(rho A, clip(rho, 1 ± clip_range) A) - (V - R)² / 2, with scores
      s ~ N(mu(o), sigma²), rho the ratio of their density to that under the policy that drew them,
      and A the generalised advantage sum_t (gamma gae_lambda)^t (r_t + gamma V_t+1 - V_t),
      standardised. mu and V are networks with the same weights for every candidate
      (`CandidateScores`); o is what is seen and what happened so far in this visit (`VisitMemory`).
    Cost: n_epochs gradient steps over each rollout, O(n_candidates width (n_features + width)) for
      each of its steps; about 0.3 ms a user-step with 10 candidates on one core.
    Source: Schulman et al. 2017, "Proximal policy optimization algorithms" (arXiv 1707.06347), as
      in Stable-Baselines3.
    Differs: one sigma for all candidates; rewards are divided by the running deviation of returns;
      a wide clip_range, as a slate's density is a product over all candidates.

    `learn` goes on until the rollout in progress is full. A callback that stops it wastes what was
    gathered for the next update.

    Settings (defaults chosen on InterestEvolution at 50,000 user-steps):
      rollout: user-steps between updates (1,024), rounded to a multiple of n_minibatches num_envs.
      n_minibatches, n_epochs: of each update (4, 5).
      learning_rate (0.001); gamma (0.99); gae_lambda (0.9); clip_range (0.4).
      score_sd: sigma to begin with (0.4); it is learned.
      width, device: see `DeepAgent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **DeepAgent.defaults,
        "rollout": 1_024,
        "n_minibatches": 4,
        "n_epochs": 5,
        "learning_rate": 1e-3,
        "gamma": 0.99,
        "gae_lambda": 0.9,
        "clip_range": 0.4,
        "score_sd": 0.4,
    }

    draws_slates: ClassVar[str | None] = None

    def check_settings(self) -> None:
        """Raises ValueError for a setting out of range."""
        super().check_settings()
        for name in ("rollout", "n_minibatches", "n_epochs"):
            self.require(name, self.settings[name] >= 1, "1 or more")
        for name in ("clip_range", "score_sd"):
            self.require(name, self.settings[name] > 0, "more than 0")
        self.require("gae_lambda", 0 <= self.settings["gae_lambda"] <= 1, "0 to 1")

    def wrap(self, env: RecommendationVectorEnv) -> Any:
        """Returns the environment with scores as actions."""
        return score_candidates(env, bound=_BOUND)

    def make_model(self, env: Any) -> Any:
        """Returns Stable-Baselines3's PPO with a `ScorePolicy`."""
        from stable_baselines3 import PPO

        from recsim_env.agents.score_policy import ScorePolicy

        chosen = self.settings
        n_minibatches = chosen["n_minibatches"]
        per_minibatch = max(1, round(chosen["rollout"] / (n_minibatches * env.num_envs)))
        return PPO(
            ScorePolicy,
            env,
            n_steps=max(2, n_minibatches * per_minibatch),
            batch_size=max(2, per_minibatch * env.num_envs),
            n_epochs=chosen["n_epochs"],
            learning_rate=chosen["learning_rate"],
            gamma=chosen["gamma"],
            gae_lambda=chosen["gae_lambda"],
            clip_range=chosen["clip_range"],
            policy_kwargs={
                "width": chosen["width"],
                "log_std_init": float(np.log(chosen["score_sd"])),
            },
            device=chosen["device"],
        )

    def choose(self, tensors: Any, *, deterministic: bool) -> np.ndarray:
        """Ranks by mean scores, or by scores drawn around them."""
        scores, deviation = self._scores(tensors)
        if not deterministic:
            scores = scores + deviation * self.rng.standard_normal(scores.shape)
        return best_candidates(scores, self.slate_size)

    def _scores(self, tensors: Any) -> tuple[np.ndarray, float]:
        """Returns mu, (n, n_candidates), and sigma."""
        policy = self.model.policy
        return policy.network.scores(tensors).cpu().numpy(), policy.log_std.exp().item()

    def _slate_chance(
        self, observation: Observation, slates: np.ndarray, state: Any, *, deterministic: bool
    ) -> np.ndarray:
        """Returns whether slates are the best, or the chance that scores drawn rank them so."""
        import torch

        with torch.no_grad():
            scores, deviation = self._scores(self.tensors(observation, state))
        if deterministic:
            best = best_candidates(scores, self.slate_size)
            return np.asarray((best == slates).all(axis=1), float)
        return gaussian_slate_chance(scores / deviation, slates)
