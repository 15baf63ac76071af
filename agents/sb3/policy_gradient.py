"""What agents share that follow the gradient of the return: slates drawn by scores."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.core.transition import Observation
from recsim_env.agents.sb3.agent import SB3Agent
from recsim_env.envs.wrappers import best_candidates


class PolicyGradientAgent(SB3Agent):
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


class ProximalAgent(PolicyGradientAgent):
    """Goes over each rollout several times, in minibatches, by steps too small to break much.

    Settings:
      rollout (1,024), rounded to a multiple of n_minibatches num_envs.
      n_minibatches, n_epochs: of each update (4, 3).
      clip_range: how far the probability of a slate may move, as a ratio (0.4).
      learning_rate (0.002); gamma (0.99); gae_lambda (0.9); entropy (0).
      width, device: see `SB3Agent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **PolicyGradientAgent.defaults,
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


def minibatches(settings: Mapping[str, Any], num_envs: int) -> tuple[int, int]:
    """Returns the steps of each person in a rollout, and interactions in a minibatch.

    A rollout is rounded to a multiple of n_minibatches times `num_envs`, so that none is left over;
    advantages are standardised, which takes two of them.
    """
    n_minibatches, least = settings["n_minibatches"], 2 if num_envs == 1 else 1
    per_minibatch = max(least, round(settings["rollout"] / (n_minibatches * num_envs)))
    return max(2, n_minibatches * per_minibatch), per_minibatch * num_envs
