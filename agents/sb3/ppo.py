"""Actor-critics over slates drawn by scores: PPO and A2C."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.core.transition import Observation
from recsim_env.agents.sb3.agent import SB3Agent
from recsim_env.envs.action_forms import best_candidates


class ActorCriticAgent(SB3Agent):
    """Learns scores of candidates, and draws slates by them without repeats (`PlackettLuce`).

    A subclass makes the model, an actor-critic of Stable-Baselines3 with a `ScorePolicy`.

    Settings:
      rollout: interactions between updates.
      learning_rate; gamma; gae_lambda: of the generalised advantage; entropy: weight of the
        policy's entropy in the objective.
      width, device: see `SB3Agent`.
    """

    draws_slates: ClassVar[str | None] = None

    def check_settings(self) -> None:
        """Raises ValueError for a setting out of range."""
        super().check_settings()
        self.require("rollout", self.settings["rollout"] >= 1, "1 or more")
        self.require("gae_lambda", 0 <= self.settings["gae_lambda"] <= 1, "0 to 1")
        self.require("entropy", self.settings["entropy"] >= 0, "0 or more")

    def model_settings(self, env: Any) -> dict[str, Any]:
        """Returns what the models of Stable-Baselines3 are made with, but for the policy."""
        chosen = self.settings
        return {
            "n_steps": max(2, round(chosen["rollout"] / env.num_envs)),
            "learning_rate": chosen["learning_rate"],
            "gamma": chosen["gamma"],
            "gae_lambda": chosen["gae_lambda"],
            "ent_coef": chosen["entropy"],
            "device": self.device,
        }

    def choose(self, tensors: Any, *, deterministic: bool) -> np.ndarray:
        """Ranks by scores; with Gumbel noise, that draws a slate (see `PlackettLuce`)."""
        scores = self._scores(tensors)
        if not deterministic:
            scores = scores + self.rng.gumbel(size=scores.shape)
        return best_candidates(scores, self.slate_size)

    def _scores(self, tensors: Any) -> np.ndarray:
        """Returns (n, n_candidates)."""
        return np.asarray(self.model.policy.network.scores(tensors).cpu().numpy(), np.float64)

    def _slate_chance(
        self, observation: Observation, slates: np.ndarray, state: Any, *, deterministic: bool
    ) -> np.ndarray:
        """Returns whether slates are the best, or the chance that they are drawn."""
        import torch

        from recsim_env.agents.networks.compute import computing
        from recsim_env.agents.networks.plackett_luce import PlackettLuce

        with computing(), torch.no_grad():
            scores = self._scores(self.tensors(observation, state))
        if deterministic:
            best = best_candidates(scores, self.slate_size)
            return np.asarray((best == slates).all(axis=1), float)
        distribution = PlackettLuce(torch.as_tensor(scores), self.slate_size)
        chance = distribution.log_prob(torch.as_tensor(slates, dtype=torch.int64)).exp()
        return np.asarray(chance.numpy())


class ProximalAgent(ActorCriticAgent):
    """Goes over each rollout several times, in minibatches, by steps too small to break much.

    Settings:
      rollout (1,024), rounded to a multiple of n_minibatches num_envs.
      n_minibatches, n_epochs: of each update (4, 3).
      clip_range: how far the probability of a slate may move, as a ratio (0.4).
      learning_rate (0.002); gamma (0.99); gae_lambda (0.9); entropy (0).
      width, device: see `SB3Agent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **ActorCriticAgent.defaults,
        "rollout": 1_024,
        "n_minibatches": 4,
        "n_epochs": 3,
        "learning_rate": 2e-3,
        "gamma": 0.99,
        "gae_lambda": 0.9,
        "clip_range": 0.4,
        "entropy": 0.0,
    }

    def check_settings(self) -> None:
        """Raises ValueError for a setting out of range."""
        super().check_settings()
        for name in ("n_minibatches", "n_epochs"):
            self.require(name, self.settings[name] >= 1, "1 or more")
        self.require("clip_range", self.settings["clip_range"] > 0, "more than 0")

    def model_settings(self, env: Any) -> dict[str, Any]:
        """Returns what the models of Stable-Baselines3 are made with, but for the policy."""
        n_steps, batch_size = minibatches(self.settings, env.num_envs)
        return super().model_settings(env) | {
            "n_steps": n_steps,
            "batch_size": batch_size,
            "n_epochs": self.settings["n_epochs"],
            "clip_range": self.settings["clip_range"],
        }


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


class A2CAgent(ActorCriticAgent):
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
        **ActorCriticAgent.defaults,
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


def minibatches(settings: Mapping[str, Any], num_envs: int) -> tuple[int, int]:
    """Returns the steps of each person in a rollout, and interactions in a minibatch.

    A rollout is rounded to a multiple of n_minibatches times `num_envs`, so that none is left over;
    advantages are standardised, which takes two of them.
    """
    n_minibatches, least = settings["n_minibatches"], 2 if num_envs == 1 else 1
    per_minibatch = max(least, round(settings["rollout"] / (n_minibatches * num_envs)))
    return max(2, n_minibatches * per_minibatch), per_minibatch * num_envs
