"""Proximal policy optimisation with a memory that is learned."""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import numpy as np

from recsim_env.agents.core.optional import extra
from recsim_env.agents.core.restoring import like
from recsim_env.agents.core.transition import Observation
from recsim_env.agents.sb3.ppo import ProximalAgent

# Name of the states of the LSTMs in `progress`.
_STATES = "lstm_states"


class Recollection(NamedTuple):
    """What is kept of a session: its sums, (n, ...), and the LSTM's states, each (n, width)."""

    sessions: np.ndarray
    hidden: np.ndarray
    cell: np.ndarray


class RecurrentPPOAgent(ProximalAgent):
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
    Differs: as `ppo`; the sums of the session (`SessionMemory`) are still seen.

    `learn` goes on until the rollout in progress is full. A callback that stops it wastes what was
    gathered for the next update.

    Settings (defaults chosen on InterestEvolution and MusicStreaming at 20,000 interactions):
      rollout (1,024), n_minibatches (4), n_epochs (3), learning_rate (0.002), gamma (0.99),
        gae_lambda (0.9), clip_range (0.4), entropy (0): see `ppo`.
      width (of the LSTMs, too), device: see `SB3Agent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {**ProximalAgent.defaults}

    def make_model(self, env: Any) -> Any:
        """Returns sb3-contrib's RecurrentPPO with a `RecurrentScorePolicy`."""
        contrib = extra("sb3_contrib", needed_by=type(self).__name__)
        from recsim_env.agents.sb3.recurrent_score_policy import RecurrentScorePolicy

        return contrib.RecurrentPPO(
            RecurrentScorePolicy,
            env,
            policy_kwargs={"width": self.settings["width"]},
            **self.model_settings(env),
        )

    # What is remembered of a session
    # ---------------------------------------------------------------

    def begin_state(self, n: int) -> Any:
        """Returns empty memories of `n` sessions."""
        nothing = np.zeros((n, self.settings["width"]), np.float32)
        return Recollection(super().begin_state(n), nothing, nothing)

    def next_state(self, state: Any, observation: Observation, episode_start: np.ndarray) -> Any:
        """Returns the memories once the LSTM has read the observation."""
        import torch

        from recsim_env.agents.networks.compute import computing

        sessions = super().next_state(state.sessions, observation, episode_start)
        seen = super().tensors(observation, sessions)
        policy = self.model.policy
        kept = tuple(torch.as_tensor(part, device=policy.device)[None] for part in state[1:])
        starts = torch.as_tensor(episode_start, dtype=torch.float32, device=policy.device)
        with computing(), torch.no_grad():
            _, (hidden, cell) = policy.recalled(seen, kept, starts)
        return Recollection(sessions, hidden[0].cpu().numpy(), cell[0].cpu().numpy())

    def remember(self, state: Any, observation: Observation, slates: np.ndarray) -> Any:
        """Returns the memories with what is being shown."""
        return state._replace(sessions=super().remember(state.sessions, observation, slates))

    def tensors(self, observation: Observation, state: Any) -> Any:
        """Returns what is `seen`, and what is recalled, as tensors on the device."""
        import torch

        from recsim_env.agents.sb3.recurrent_score_policy import RECALLED

        recalled = torch.as_tensor(state.hidden, device=self.model.policy.device)
        return super().tensors(observation, state.sessions) | {RECALLED: recalled}

    # Learning on ---------------------------------------------------------------------------------

    def after_stop(self, taken: Mapping[str, Any]) -> None:
        """Keeps the states of the LSTMs, too."""
        super().after_stop(taken)
        self.model._last_lstm_states = taken["lstm_states"]

    def progress(self) -> dict[str, np.ndarray]:
        """Returns the sessions that learning is amid, with the states of both LSTMs."""
        kept = super().progress()
        if not kept:
            return {}
        states = [[part.cpu().numpy() for part in pair] for pair in self.model._last_lstm_states]
        return kept | {_STATES: np.array(states)}

    def resume(self, progress: Mapping[str, np.ndarray]) -> None:
        """Goes on with the sessions, if they are of as many people."""
        import torch

        super().resume(progress)
        if self.model._last_obs is None:
            return
        before = self.model._last_lstm_states
        shape = (2, 2, *before.pi[0].shape)
        kept = like(progress, _STATES, np.empty(shape, np.float32))
        states = torch.as_tensor(kept, device=self.model.policy.device)
        self.model._last_lstm_states = type(before)(*(tuple(pair) for pair in states))
