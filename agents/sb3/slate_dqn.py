"""Q-learning on slates, as a model of Stable-Baselines3: their values, and how they are learned.

Import this module where it is used: it needs Stable-Baselines3.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.utils import polyak_update
from torch.nn.functional import smooth_l1_loss

from recsim_env.agents.networks.encoder import Tensors
from recsim_env.agents.networks.flat import FlatNetwork


class FlatSlateValues(FlatNetwork):
    """The value of every slate of a table, each by itself, from the flattened observation.

    An action is the number of a slate, (1,). See `FlatNetwork` for the arguments.
    """

    def inputs(self, observation: Tensors) -> Tensors:
        """Returns the observation."""
        return observation

    def values(self, observation: Tensors, numbers: torch.Tensor) -> torch.Tensor:
        """Returns the values of slates by their numbers, (n, 1), as (n, 1)."""
        return self(observation).gather(1, numbers)

    def best(self, observation: Tensors) -> torch.Tensor:
        """Returns the numbers of the slates of highest value, (n, 1)."""
        return self(observation).argmax(dim=1, keepdim=True)


class SlateValuePolicy(BasePolicy):
    """Acts by an average of the values in training.

    Args:
      observation_space, action_space, lr_schedule: from the model.
      network: makes the values, a module with `inputs`, `values` and `best`, from the space of
        observations.
    """

    def __init__(
        self,
        observation_space: Any,
        action_space: Any,
        lr_schedule: Any,
        *,
        network: Any,
        **_others: Any,
    ) -> None:
        super().__init__(observation_space, action_space)
        self.q_net = network(observation_space)
        self.q_net_target = network(observation_space)
        self.q_net_target.load_state_dict(self.q_net.state_dict())
        self.optimizer = torch.optim.Adam(self.q_net.parameters(), lr=lr_schedule(1), fused=True)

    def _predict(self, observation: Any, deterministic: bool = True) -> torch.Tensor:
        return torch.as_tensor(self.q_net_target.best(observation))


class SlateDQN(OffPolicyAlgorithm):
    """Deep Q-learning with double targets, for whatever stands for a slate.

    Stable-Baselines3's DQN takes numbered actions only and looks for the best among all their
    values; here the network finds its best action itself. The largest of many slightly wrong values
    is too large; so the next slate is chosen by the network in training and valued by the averaged
    one, which is also the one that acts.

    Args:
      policy: a class like `SlateValuePolicy`, with the networks `q_net` and `q_net_target`.
      env: to learn in.
      act: returns actions, (n, ...), some of them random, for a batch of observations as tensors.
      **settings: of Stable-Baselines3's off-policy models.

    Source: van Hasselt et al. 2016, "Deep reinforcement learning with double Q-learning".
    """

    policy: Any

    def __init__(
        self, policy: Any, env: Any, *, act: Callable[[Any], np.ndarray], **settings: Any
    ) -> None:
        super().__init__(policy, env, sde_support=False, support_multi_env=True, **settings)
        self._act = act
        self._setup_model()

    def loss(self, values: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Returns how far values are from targets, both (batch_size, n_quantiles)."""
        return smooth_l1_loss(values, targets)

    def _get_torch_save_params(self) -> tuple[list[str], list[str]]:
        return ["policy", "policy.optimizer"], []

    def _sample_action(
        self, learning_starts: int, action_noise: Any = None, n_envs: int = 1
    ) -> tuple[np.ndarray, np.ndarray]:
        """Returns actions to take, and to keep; see Stable-Baselines3."""
        observation, _ = self.policy.obs_to_tensor(self._last_obs)
        with torch.no_grad():
            actions = self._act(observation)
        actions = actions.reshape(n_envs, *(self.action_space.shape or ()))
        return actions, actions

    def train(self, gradient_steps: int, batch_size: int = 100) -> None:
        """Takes gradient steps on what is in the replay buffer, each followed by the average."""
        assert self.replay_buffer is not None
        policy = self.policy
        policy.set_training_mode(True)
        for _ in range(gradient_steps):
            batch = self.replay_buffer.sample(batch_size, env=self._vec_normalize_env)
            with torch.no_grad():
                following = policy.q_net.inputs(batch.next_observations)
                best = policy.q_net.best(following)
                ahead = policy.q_net_target.values(following, best)
                targets = batch.rewards + (1 - batch.dones) * self.gamma * ahead
            loss = self.loss(policy.q_net.values(batch.observations, batch.actions.long()), targets)
            policy.optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(policy.q_net.parameters(), 10.0)
            policy.optimizer.step()
            # Not at every step of the environment, which is one for any number of people.
            polyak_update(policy.q_net.parameters(), policy.q_net_target.parameters(), self.tau)
        self._n_updates += gradient_steps
        self.logger.record("train/loss", loss.item())


class SlateQRDQN(SlateDQN):
    """The same with quantiles of the return, after Dabney et al. 2018."""

    def loss(self, values: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Returns the quantile regression Huber loss."""
        from sb3_contrib.common.utils import quantile_huber_loss

        return quantile_huber_loss(values, targets)
