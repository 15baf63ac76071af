"""Slates by scores of the candidates and a memory that is learned, for sb3-contrib's models."""

from typing import Any

import torch
from gymnasium import spaces
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor

from recsim_env.agents.frameworks.sb3 import SlateDistribution
from recsim_env.agents.networks.encoder import CandidateScores, Network, Tensors, joined

#: Name of the field among observations that holds what is recalled.
RECALLED = "recalled"

#: Hidden and cell states of an LSTM, each (1, n, width).
States = tuple[torch.Tensor, ...]


class AllButCandidates(BaseFeaturesExtractor):
    """What an LSTM reads at each step: all that is seen but the candidates, large numbers tempered.

    Args:
      space: of the observations.
    """

    def __init__(self, space: spaces.Dict) -> None:
        self.fields = [name for name in space.spaces if name != "candidates"]
        super().__init__(space, sum(spaces.flatdim(space[name]) for name in self.fields))

    def forward(self, observation: Tensors) -> torch.Tensor:
        """Returns (n, features_dim)."""
        return joined(observation, self.fields)


class RecurrentScorePolicy(RecurrentActorCriticPolicy):
    """`CandidatePolicy` that sees, beside the moment, what an LSTM made of the session so far.

    What the LSTM puts out is one more field of the observation, `RECALLED`. The actor and the
    critic have an LSTM each.

    Args:
      network: the encoder, see `CandidateScores`.
      width: of the layers and the LSTMs.
    """

    def __init__(self, *args: Any, network: Network, width: int, **settings: Any) -> None:
        self._encoder = network
        settings |= {"lstm_hidden_size": width, "features_extractor_class": AllButCandidates}
        super().__init__(*args, **settings)

    def _build(self, lr_schedule: Any) -> None:
        seen: Any = self.observation_space
        # Not a vector, which would be compared with features of items: it has no such order.
        recalled = spaces.Box(-1.0, 1.0, (1, 1, self.lstm_output_dim))
        space = spaces.Dict(dict(seen.spaces) | {RECALLED: recalled})
        self.network = CandidateScores(space, self.lstm_output_dim, self._encoder)

    def recalled(self, obs: Any, states: States, episode_starts: Any) -> tuple[Any, States]:
        """Returns observations with what the actor recalls, and its states then."""
        return self._with_recalled(obs, states, episode_starts, self.lstm_actor)

    def forward(  # type: ignore[override]  # sb3-contrib's caller passes states too
        self, obs: Any, lstm_states: RNNStates, episode_starts: Any, deterministic: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, RNNStates]:
        """Returns slates, values, log-probabilities of the slates, and the states then."""
        acting, actor_states = self.recalled(obs, lstm_states.pi, episode_starts)
        judging, critic_states = self._valued(obs, lstm_states.vf, episode_starts)
        distribution = SlateDistribution(self.network.scores(acting), self.action_space)
        slates = distribution.get_actions(deterministic)
        values, states = self.network.values(judging), RNNStates(actor_states, critic_states)
        return slates, values, distribution.log_prob(slates), states

    def evaluate_actions(  # type: ignore[override]  # sb3-contrib's caller passes states too
        self, obs: Any, actions: torch.Tensor, lstm_states: RNNStates, episode_starts: Any
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Returns values, log-probabilities of given slates, and entropies."""
        acting, _ = self.recalled(obs, lstm_states.pi, episode_starts)
        judging, _ = self._valued(obs, lstm_states.vf, episode_starts)
        distribution = SlateDistribution(self.network.scores(acting), self.action_space)
        return self.network.values(judging), *distribution.log_prob_and_entropy(actions)

    def predict_values(  # type: ignore[override]  # sb3-contrib's caller passes states too
        self, obs: Any, lstm_states: States, episode_starts: Any
    ) -> torch.Tensor:
        """Returns values, (n, 1)."""
        judging, _ = self._valued(obs, lstm_states, episode_starts)
        return self.network.values(judging)

    def _valued(self, obs: Any, states: States, episode_starts: Any) -> tuple[Any, States]:
        """Returns observations with what the critic recalls, and its states then."""
        assert self.lstm_critic is not None
        return self._with_recalled(obs, states, episode_starts, self.lstm_critic)

    def _with_recalled(
        self, obs: Any, states: States, episode_starts: Any, lstm: torch.nn.LSTM
    ) -> tuple[Any, States]:
        found, states = self._process_sequence(
            self.features_extractor(obs), states, episode_starts, lstm
        )
        return {**obs, RECALLED: found}, states

    @staticmethod
    def _process_sequence(
        features: torch.Tensor, lstm_states: States, episode_starts: torch.Tensor, lstm: Any
    ) -> tuple[torch.Tensor, Any]:
        """Runs the LSTM over sequences, at once; sb3-contrib does it step by step.

        Its rollout buffer cuts sequences where episodes start, so that only the first step can be
        one where the memory is empty.

        Args:
          features: (n_sequences * length, n_features).
          lstm_states: before them, each (1, n_sequences, width).
          episode_starts: (n_sequences * length,).
          lstm: to run.
        """
        n_sequences = lstm_states[0].shape[1]
        goes_on = 1.0 - episode_starts.reshape(n_sequences, -1)[:, :1]
        hidden, cell = (goes_on * part for part in lstm_states)
        sequences = features.reshape(n_sequences, -1, lstm.input_size).swapaxes(0, 1)
        found, after = lstm(sequences, (hidden, cell))
        return found.swapaxes(0, 1).flatten(0, 1), after
