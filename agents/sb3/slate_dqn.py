"""Q-learning on slates, as a model of Stable-Baselines3: their values, and how they are learned.

Import this module where it is used: it needs Stable-Baselines3.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.utils import polyak_update
from torch import nn
from torch.nn.functional import smooth_l1_loss

from recsim_env.agents.networks.encoder import CandidateEncoder, Tensors
from recsim_env.agents.networks.flat import FlatNetwork
from recsim_env.agents.networks.serving import optimal


class SlateValues(nn.Module):
    """The value of a slate from what its items are worth and how they attract.

    Q(slate) = V + G(slate) - G(all), G(slate) = sum_i w_i q_i / (1 + sum_i w_i), w_i = e^a_i, sums
    over its items. With a_i how much item i attracts against no choice, and q_i what choosing it
    adds, G is what is expected of a multinomial choice of one item or none. G(all) is that of a
    slate of average candidates; so V, from the person and the mean of the candidates, is what such
    a slate is worth. Without it, what all slates have in common is learned as a gain of each item
    too, and drowns what sets items apart. V and q may be several numbers, quantiles of the return;
    the best slate is the one with the best mean.

    Source: the multinomial choice as in Ie et al. 2019, "SlateQ" (arXiv 1905.12767); a value and
      what sets actions apart from it, Wang et al. 2016, "Dueling network architectures".

    An action is a slate, (slate_size,) candidates, the one that contributes most first.

    Args:
      space: of the observations; a `Dict` of Boxes with `candidates`.
      slate_size: items of a slate.
      width: of the layers.
      n_quantiles: how many numbers a value is.
    """

    def __init__(
        self,
        space: spaces.Dict,
        *,
        slate_size: int,
        width: int,
        n_quantiles: int = 1,
    ) -> None:
        super().__init__()
        self.slate_size = slate_size
        self.encoder = CandidateEncoder(space, width)
        self.of_person = nn.Sequential(
            nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, n_quantiles)
        )
        self.of_item = nn.Linear(width, 1 + n_quantiles)
        nn.init.orthogonal_(self.of_item.weight, 0.01)  # differences are small beside V

    def _parts(self, observation: Tensors) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Returns V, (n, n_quantiles), w, (n, n_candidates), and q, (n, n_candidates, ...)."""
        person, items = self.encoder(observation)
        of_item = self.of_item(items)
        value = self.of_person(torch.cat([person, items.mean(dim=1)], dim=1))
        return value, of_item[:, :, 0].clamp(-10.0, 10.0).exp(), of_item[:, :, 1:]

    def values(self, observation: Tensors, slates: torch.Tensor) -> torch.Tensor:
        """Returns the values of slates, (n, slate_size), as (n, n_quantiles)."""
        value, weight, gain = self._parts(observation)
        weight = weight[:, :, None]
        weighted, n = weight * gain, self.slate_size
        average = n * weighted.mean(dim=1) / (1.0 + n * weight.mean(dim=1))
        places = slates[:, :, None]
        above = weighted.gather(1, places.expand(-1, -1, gain.shape[2])).sum(dim=1)
        return value + above / (1.0 + weight.gather(1, places).sum(dim=1)) - average

    def best(self, observation: Tensors) -> torch.Tensor:
        """Returns the slates of highest mean value, (n, slate_size)."""
        _, weight, gain = self._parts(observation)
        return optimal(weight, gain.mean(dim=2), 1.0, self.slate_size)


class FlatSlateValues(FlatNetwork):
    """The value of every slate of a table, each by itself, from the flattened observation.

    An action is the number of a slate, (1,). See `FlatNetwork` for the arguments.
    """

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
      network: makes the values, a module with `values` and `best`, from the space of observations.
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
        self.optimizer = torch.optim.Adam(self.q_net.parameters(), lr=lr_schedule(1))

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
            following: Any = batch.next_observations
            with torch.no_grad():
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
