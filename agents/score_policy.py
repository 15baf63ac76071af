"""Scores of candidates from one network for all of them, as a policy of Stable-Baselines3."""

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import DiagGaussianDistribution, Distribution
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import nn

from recsim_env.agents.candidate_encoder import CandidateEncoder, Tensors


class CandidateScores(nn.Module):
    """A score for every candidate, and the value of the moment from the person and all of them.

    Args:
      space: of the observations.
      width: of the layers.
    """

    def __init__(self, space: spaces.Dict, width: int) -> None:
        super().__init__()
        self.actor, self.critic = CandidateEncoder(space, width), CandidateEncoder(space, width)
        self.score = nn.Linear(width, 1)
        self.value = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1))
        nn.init.orthogonal_(self.score.weight, 0.01)

    def scores(self, observation: Tensors) -> torch.Tensor:
        """Returns (n, n_candidates)."""
        return torch.as_tensor(self.score(self.actor(observation)[1])[:, :, 0])

    def values(self, observation: Tensors) -> torch.Tensor:
        """Returns (n, 1)."""
        person, items = self.critic(observation)
        return torch.as_tensor(self.value(torch.cat([person, items.mean(dim=1)], dim=1)))


class ScorePolicy(ActorCriticPolicy):
    """Stable-Baselines3's actor-critic policy, a Gaussian around `CandidateScores`.

    One learned standard deviation serves all candidates, for none is special.
    """

    def __init__(self, *args: Any, width: int, **settings: Any) -> None:
        self._width = width
        super().__init__(*args, **settings)

    def _build(self, lr_schedule: Any) -> None:
        space: Any = self.observation_space
        self.network = CandidateScores(space, self._width)
        self.log_std = nn.Parameter(torch.full((1,), self.log_std_init))
        optimizer: Any = self.optimizer_class  # its base class takes no learning rate
        self.optimizer = optimizer(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)

    def forward(
        self, obs: Any, deterministic: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Returns scores, values and log-probabilities of the scores."""
        distribution = self.get_distribution(obs)
        actions = distribution.get_actions(deterministic=deterministic)
        return actions, self.network.values(obs), distribution.log_prob(actions)

    def evaluate_actions(
        self, obs: Any, actions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Returns values, log-probabilities of given scores, and entropies."""
        distribution = self.get_distribution(obs)
        return self.network.values(obs), distribution.log_prob(actions), distribution.entropy()

    def get_distribution(self, obs: Any) -> Distribution:
        """Returns the Gaussian over scores."""
        assert isinstance(self.action_dist, DiagGaussianDistribution)
        return self.action_dist.proba_distribution(self.network.scores(obs), self.log_std)

    def predict_values(self, obs: Any) -> torch.Tensor:
        """Returns values, (n, 1)."""
        return self.network.values(obs)
