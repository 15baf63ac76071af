"""Actor-critics over slates drawn by scores: PPO and A2C."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.core.settings import entropy_weight
from recsim_env.agents.core.slate_distribution import Listed, SlateDistribution
from recsim_env.agents.core.transition import Observation
from recsim_env.agents.sb3.agent import SB3Agent, SB3Settings
from recsim_env.core.search import Search
from recsim_env.core.settings import setting
from recsim_env.envs.action_forms import best_candidates


@dataclass(frozen=True, kw_only=True)
class ActorCriticSettings(SB3Settings):
    """What agents that follow the gradient of the return are given."""

    rollout: int = setting(
        128,
        search=Search(32, 1024, log=True),
        low=1,
        doc="interactions for each update, rounded to a multiple of num_envs, two or more",
    )
    learning_rate: float = 2e-3
    gae_lambda: float = setting(0.95, low=0.0, high=1.0, doc="of the generalised advantage")
    entropy: float = entropy_weight()

    def of_model(self, num_envs: int) -> dict[str, Any]:
        """Returns what Stable-Baselines3's model is made with, for so many people."""
        return {
            "n_steps": max(2, round(self.rollout / num_envs)),
            "learning_rate": self.learning_rate,
            "gamma": self.gamma,
            "gae_lambda": self.gae_lambda,
            "ent_coef": self.entropy,
        }


@dataclass(frozen=True, kw_only=True)
class ProximalSettings(ActorCriticSettings):
    """What agents are given that go over each rollout several times, in minibatches."""

    rollout: int = setting(
        1_024,
        search=Search(256, 4096, log=True),
        doc="interactions for each update, rounded to a multiple of n_minibatches num_envs",
    )
    n_minibatches: int = setting(4, low=1, doc="parts of a rollout, each for one gradient step")
    n_epochs: int = setting(
        3, search=Search(1, 8), low=1, doc="how often each rollout is gone over"
    )
    gae_lambda: float = 0.9
    clip_range: float = setting(
        0.4, above=0.0, doc="how far the probability of a slate may move, as a ratio"
    )

    def of_model(self, num_envs: int) -> dict[str, Any]:
        """Returns what Stable-Baselines3's model is made with, for so many people.

        None of a rollout is left over; advantages are standardised, which takes two of them.
        """
        least = 2 if num_envs == 1 else 1
        per_minibatch = max(least, round(self.rollout / (self.n_minibatches * num_envs)))
        return super().of_model(num_envs) | {
            "n_steps": max(2, self.n_minibatches * per_minibatch),
            "batch_size": per_minibatch * num_envs,
            "n_epochs": self.n_epochs,
            "clip_range": self.clip_range,
        }


@dataclass(frozen=True, kw_only=True)
class PPOSettings(ProximalSettings):
    """What PPO is given."""

    network: str = setting(
        "candidates",
        doc="the encoder: candidates, which has the same weights for all of them, or one of your "
        "own, a class, module:Class or file.py:Class (`recsim_env.agents.networks.encoder`); or "
        "flat: layers over the whole observation, where the place of a candidate means something",
    )


class ActorCriticAgent(SB3Agent):
    """Base class of agents that learn scores of candidates by the gradient of the return.

    Slates are drawn by the scores without repeats (`PlackettLuce`). A subclass makes the model, an
    actor-critic of Stable-Baselines3 whose policy has a `network` that gives `scores`.
    """

    Settings = ActorCriticSettings
    settings: ActorCriticSettings
    draws_slates: ClassVar[str | None] = None

    def choose(self, tensors: Any, *, deterministic: bool) -> np.ndarray:
        """Ranks by scores; with Gumbel noise, that draws a slate (see `PlackettLuce`)."""
        scores = self.scores(tensors)
        if not deterministic:
            scores = scores + self.rng.gumbel(size=scores.shape)
        return best_candidates(scores, self.slate_size)

    def scores(self, tensors: Any) -> np.ndarray:
        """Returns the network's scores, (n, n_candidates)."""
        return np.asarray(self.model.policy.network.scores(tensors).cpu().numpy(), np.float64)

    def _slate_distribution(
        self, observation: Observation, state: Any, *, deterministic: bool
    ) -> SlateDistribution:
        """Returns the best slates, or those that are drawn."""
        import torch

        from recsim_env.agents.networks.compute import computing
        from recsim_env.agents.networks.plackett_luce import DrawnSlates

        with computing(), torch.no_grad():
            scores = self.scores(self.tensors(observation, state))
        if deterministic:
            best = best_candidates(scores, self.slate_size)
            return Listed(best[:, None], len(best), scores.shape[1])
        return DrawnSlates(scores, self.slate_size)


class PPOAgent(ActorCriticAgent):
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
    gathered for the next update. Defaults were chosen on InterestEvolution and MusicStreaming at
    20,000 interactions.
    """

    Settings = PPOSettings
    settings: PPOSettings

    def make_model(self, env: Any) -> Any:
        """Returns Stable-Baselines3's PPO with a `CandidatePolicy`."""
        from stable_baselines3 import PPO

        from recsim_env.agents.frameworks.sb3 import CandidatePolicy

        policy = {"network": self.settings.network, "width": self.settings.width}
        settings = self.settings.of_model(env.num_envs)
        return PPO(CandidatePolicy, env, policy_kwargs=policy, device=self.device, **settings)


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

    `learn` goes on until the rollout in progress is full. Defaults were chosen on InterestEvolution
    and LongTermSatisfaction at 20,000 interactions.
    """

    def make_model(self, env: Any) -> Any:
        """Returns Stable-Baselines3's A2C with a `CandidatePolicy`."""
        from stable_baselines3 import A2C

        from recsim_env.agents.frameworks.sb3 import CandidatePolicy

        return A2C(
            CandidatePolicy,
            env,
            normalize_advantage=True,
            use_rms_prop=False,
            policy_kwargs={"network": self.settings.network, "width": self.settings.width},
            device=self.device,
            **self.settings.of_model(env.num_envs),
        )
