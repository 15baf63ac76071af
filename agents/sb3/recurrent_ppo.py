"""Proximal policy optimisation with a memory that is learned."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from recsim_env.agents.core.requirements import extra
from recsim_env.agents.core.restoring import State, like
from recsim_env.agents.core.session import SessionMemory
from recsim_env.agents.core.transition import Observation
from recsim_env.agents.sb3.ppo import ActorCriticAgent, ProximalSettings
from recsim_env.envs import RecommendationVectorEnv


class RecurrentPPOAgent(ActorCriticAgent):
    """Draws slates by scores as `ppo` does, and learns what to remember of the session.

    Idea: what people want is hidden and shows in what they did; let an LSTM find out what of that
      to keep.
    Update: as in `ppo`, where pi and V see one more field: the output of an LSTM that has read all
      that was seen in this session but the candidates (`RecurrentScorePolicy`). The actor and the
      critic have one each, learned through the steps of a session that fall into one minibatch,
      from the states that were kept at its first.
    Cost: as `ppo`, and O(width (n_seen + width)) for each step and LSTM.
    Source: Schulman et al. 2017, "Proximal policy optimization algorithms" (arXiv 1707.06347), with
      the LSTM of Hochreiter and Schmidhuber 1997, "Long short-term memory", as in
      Stable-Baselines3's sb3-contrib.
    Differs: as `ppo`; the sums of the session (`SessionMemory`) are still seen; the LSTMs are as
      wide as the other layers.

    `learn` goes on until the rollout in progress is full. A callback that stops it wastes what was
    gathered for the next update. Defaults were chosen on InterestEvolution and MusicStreaming at
    20,000 interactions.
    """

    Settings = ProximalSettings
    settings: ProximalSettings

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.memory = Recollection(self.memory, self.model.policy)

    def make_model(self, env: Any) -> Any:
        """Returns sb3-contrib's RecurrentPPO with a `RecurrentScorePolicy`."""
        contrib = extra("sb3_contrib", needed_by=type(self).__name__)
        from recsim_env.agents.sb3.recurrent_score_policy import RecurrentScorePolicy

        policy = {"network": self.settings.network, "width": self.settings.width}
        settings = self.settings.of_model(env.num_envs)
        return contrib.RecurrentPPO(
            RecurrentScorePolicy, env, policy_kwargs=policy, device=self.device, **settings
        )

    def after_stop(self, taken: Mapping[str, Any]) -> None:
        """Keeps the states of the LSTMs, too."""
        super().after_stop(taken)
        self.model._last_lstm_states = taken["lstm_states"]

    def kept_parts(self) -> dict[str, Any]:
        """Returns the states of both LSTMs."""
        return {"lstms": KeptStates(self.model)}


class KeptStates:
    """The states of a model's LSTMs, as part of an agent's file.

    Args:
      model: sb3-contrib's RecurrentPPO.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def state_dict(self) -> dict[str, Any]:
        """Returns the hidden and the cell states, those of the actor first."""
        states = self._model._last_lstm_states
        return {"states": np.array([[each.cpu().numpy() for each in pair] for pair in states])}

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned, where there are sessions to go on with."""
        import torch

        model = self._model
        if model._last_obs is None:
            return
        before = model._last_lstm_states
        own = np.empty((2, 2, *before.pi[0].shape), np.float32)
        states = torch.as_tensor(like(state, "states", own), device=model.device)
        model._last_lstm_states = type(before)(*(tuple(pair) for pair in states))


class Recalled(NamedTuple):
    """What is kept of sessions: their sums, (n, ...), and the LSTM's states, each (n, width)."""

    sessions: np.ndarray
    hidden: np.ndarray
    cell: np.ndarray


class Recollection:
    """Remembers sessions as `SessionMemory` does, and by what the actor's LSTM made of them.

    Args:
      sums: adds up each session.
      policy: whose LSTM it is.
    """

    def __init__(self, sums: SessionMemory, policy: Any) -> None:
        self.sums, self._policy = sums, policy

    def begin(self, n: int) -> Recalled:
        """Returns the memory of `n` sessions that have just begun."""
        nothing = np.zeros((n, self._policy.lstm_output_dim), np.float32)
        return Recalled(self.sums.begin(n), nothing, nothing)

    def next(
        self, state: Recalled, observation: Observation, episode_start: np.ndarray
    ) -> Recalled:
        """Returns the memory once the LSTM has read the observation."""
        import torch

        from recsim_env.agents.networks.compute import as_tensors, computing

        policy = self._policy
        sessions = self.sums.next(state.sessions, observation, episode_start)
        seen = as_tensors(self.sums.seen(sessions, observation), policy.device)
        kept = tuple(torch.as_tensor(each, device=policy.device)[None] for each in state[1:])
        starts = torch.as_tensor(episode_start, dtype=torch.float32, device=policy.device)
        with computing(), torch.no_grad():
            _, (hidden, cell) = policy.recalled(seen, kept, starts)
        return Recalled(sessions, hidden[0].cpu().numpy(), cell[0].cpu().numpy())

    def showing(self, state: Recalled, observation: Observation, slates: np.ndarray) -> Recalled:
        """Returns the memory with what is being shown."""
        sessions = self.sums.showing(state.sessions, observation, slates)
        return state._replace(sessions=sessions)

    def seen(self, state: Recalled, observation: Observation) -> dict[str, np.ndarray]:
        """Returns what the network takes of an observation and a memory."""
        from recsim_env.agents.sb3.recurrent_score_policy import RECALLED

        return self.sums.seen(state.sessions, observation) | {RECALLED: state.hidden}
