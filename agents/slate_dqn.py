"""Stable-Baselines3's DQN, with two changes that slates ask for."""

from typing import Any

import numpy as np
import torch
from stable_baselines3 import DQN
from torch.nn.functional import smooth_l1_loss


class SlateDQN(DQN):
    """DQN with double targets, where every person explores for themselves, by a schedule of steps.

    The largest of hundreds of slightly wrong values is too large; so the next slate is chosen by
    the network in training and valued by the target network. And Stable-Baselines3 explores in all
    environments at once or in none, and begins exploring anew with every call of `learn`.

    Args:
      exploration: share of random slates, once `exploration_steps` are over.
      exploration_steps: user-steps during which that share falls from 1.

    Source: van Hasselt et al. 2016, "Deep reinforcement learning with double Q-learning".
    """

    def __init__(self, *args: Any, exploration: float, exploration_steps: int, **kw: Any) -> None:
        self._exploration = exploration, exploration_steps
        super().__init__(*args, **kw)
        self.exploration_schedule = lambda _: self.explored_share()

    def explored_share(self) -> float:
        """Returns the share of random slates at this time of learning."""
        final, n_steps = self._exploration
        return final + (1.0 - final) * max(0.0, 1.0 - self.num_timesteps / n_steps)

    def predict(
        self,
        observation: Any,
        state: Any = None,
        episode_start: np.ndarray | None = None,
        deterministic: bool = False,
    ) -> tuple[np.ndarray, Any]:
        """Returns numbers of slates, some of them random unless `deterministic`."""
        best, state = self.policy.predict(observation, state, episode_start, deterministic=True)
        if deterministic:
            return best, state
        explores = np.random.random(best.shape) < self.explored_share()
        others = np.random.randint(self.q_net.action_space.n, size=best.shape)
        return np.where(explores, others, best), state

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Takes gradient steps on what is in the replay buffer."""
        assert self.replay_buffer is not None
        self.policy.set_training_mode(True)
        for _ in range(gradient_steps):
            batch = self.replay_buffer.sample(batch_size, env=self._vec_normalize_env)
            with torch.no_grad():
                chosen = self.q_net(batch.next_observations).argmax(dim=1, keepdim=True)
                following = self.q_net_target(batch.next_observations).gather(1, chosen)
                target = batch.rewards + (1 - batch.dones) * self.gamma * following
            value = self.q_net(batch.observations).gather(1, batch.actions.long())
            loss = smooth_l1_loss(value, target)
            self.policy.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
            self.policy.optimizer.step()
        self._n_updates += gradient_steps
