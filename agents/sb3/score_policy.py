"""Slates by scores of the candidates, as a policy of Stable-Baselines3."""

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy

from recsim_env.agents.networks.encoder import CandidateScores
from recsim_env.agents.networks.flat import FlatScores
from recsim_env.agents.networks.plackett_luce import PlackettLuce

#: Kinds of networks by name.
NETWORKS = {"candidates": CandidateScores, "flat": FlatScores}


class ScorePolicy(ActorCriticPolicy):
    """Stable-Baselines3's actor-critic policy, Plackett-Luce over slates by a network's scores.

    Args:
      network: a name among `NETWORKS`.
      width: of its layers.
    """

    def __init__(self, *args: Any, network: str, width: int, **settings: Any) -> None:
        self._network = network, width
        super().__init__(*args, **settings)

    def _build(self, lr_schedule: Any) -> None:
        kind, width = self._network
        space: Any = self.observation_space
        self.network: Any = NETWORKS[kind](space, width)
        optimizer: Any = self.optimizer_class  # its base class takes no learning rate
        self.optimizer = optimizer(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)

    def forward(
        self, obs: Any, deterministic: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Returns slates, values and log-probabilities of the slates."""
        scores = self.network.scores(obs)
        slates, log_prob = drawn(scores, self.action_space, deterministic=deterministic)
        return slates, self.network.values(obs), log_prob

    def evaluate_actions(
        self, obs: Any, actions: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Returns values, log-probabilities of given slates, and entropies."""
        log_prob, entropy = judged(self.network.scores(obs), self.action_space, actions)
        return self.network.values(obs), log_prob, entropy

    def predict_values(self, obs: Any) -> torch.Tensor:
        """Returns values, (n, 1)."""
        return torch.as_tensor(self.network.values(obs))


def drawn(
    scores: torch.Tensor, space: spaces.Space, *, deterministic: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns actions, slates drawn by scores or the best, and their log-probabilities.

    Args:
      scores: (n, n_candidates).
      space: of actions: MultiDiscrete, or Discrete where slates are one item.
      deterministic: whether to return the best.
    """
    distribution = PlackettLuce(scores, _slate_size(space))
    slates = distribution.mode() if deterministic else distribution.sample()
    return slates.reshape(-1, *space.shape or ()), distribution.log_prob(slates)


def judged(
    scores: torch.Tensor, space: spaces.Space, actions: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns log-probabilities and entropies of actions; see `drawn` for the arguments."""
    slates = actions.long().reshape(-1, _slate_size(space))
    return PlackettLuce(scores, _slate_size(space)).log_prob_and_entropy(slates)


def _slate_size(space: spaces.Space) -> int:
    return (space.shape or (1,))[0]
