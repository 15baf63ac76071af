"""Networks that judge every candidate with the same weights, as policies of Stable-Baselines3.

Which place among the candidates an item stands in means nothing. A network over the flattened
observation has to learn that, once for each place; these know it.
"""

from typing import Any

import torch
from gymnasium import spaces
from stable_baselines3.common.distributions import DiagGaussianDistribution, Distribution
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.dqn.policies import DQNPolicy
from torch import nn

Tensors = dict[str, torch.Tensor]


class CandidateEncoder(nn.Module):
    """Describes the person, and each candidate to this person, by `width` numbers.

    With g all fields but `candidates`, flattened, f a candidate's features, and x the features with
    their products and dot products with those fields of g that are as wide (a person's interests,
    say; of wider fields, with their last columns), asinh tempering large numbers in g and x:

        person = relu(A g),    candidate = relu(B relu(C x + D g + (E f) * (F g)))

    Args:
      space: of the observations; a `Dict` of Boxes.
      width: of the layers.
    """

    def __init__(self, space: spaces.Dict, width: int) -> None:
        super().__init__()
        self.fields = [name for name in space.spaces if name != "candidates"]
        n_person = sum(spaces.flatdim(space[name]) for name in self.fields)
        candidates: Any = space["candidates"]
        n_features = candidates.shape[-1]
        self.width = n_features
        self.matching = [
            name
            for name in self.fields
            if len(shape := space[name].shape or ()) == 1 and shape[0] >= n_features
        ]
        n_joint = n_features + len(self.matching) * (n_features + 1)
        self.person = nn.Linear(n_person, 3 * width)
        self.joint = nn.Linear(n_joint, width, bias=False)
        self.select = nn.Linear(n_features, width, bias=False)
        self.hidden = nn.Linear(width, width)

    def forward(self, observation: Tensors) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns the person, (n, width), and the candidates, (n, n_candidates, width)."""
        parts = [observation[name].flatten(1) for name in self.fields]
        person, shift, select = self.person(torch.asinh(torch.cat(parts, 1))).chunk(3, dim=1)
        features = observation["candidates"]
        joint = [features]
        for name in self.matching:
            product = features * observation[name][:, None, -self.width :]
            joint += [product, product.sum(dim=2, keepdim=True)]
        item = self.joint(torch.asinh(torch.cat(joint, 2)))
        item = item + shift[:, None] + self.select(features) * select[:, None]
        return torch.relu(person), torch.relu(self.hidden(torch.relu(item)))


class SlateValues(BasePolicy):
    """The value of every slate of a table, from what its items are worth and how they attract.

    Q(slate) = V(person) + sum_i e^a_i q_i / (1 + sum_i e^a_i), sums over the slate's items. With
    a_i how much item i attracts against no choice, and q_i what choosing it adds, this is the
    expected value under a multinomial choice of one item or none.

    Args:
      observation_space: a `Dict` of Boxes with `candidates`.
      action_space: the number of a slate.
      table: (n_slates, slate_size) candidates of each slate, none twice.
      width: of the layers.
    """

    def __init__(
        self,
        observation_space: spaces.Dict,
        action_space: spaces.Discrete,
        *,
        table: torch.Tensor,
        width: int,
    ) -> None:
        super().__init__(observation_space, action_space)
        self.encoder = CandidateEncoder(observation_space, width)
        self.of_person = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))
        self.of_item = nn.Linear(width, 2)
        nn.init.orthogonal_(self.of_item.weight, 0.01)  # differences are small beside V
        candidates: Any = observation_space["candidates"]
        n_candidates = candidates.shape[0]
        members = torch.zeros(n_candidates, len(table)).scatter_(0, table.T, 1.0)
        self.register_buffer("members", members, persistent=False)

    def forward(self, observation: Tensors) -> torch.Tensor:
        """Returns the values of all slates, (n, n_slates)."""
        person, items = self.encoder(observation)
        attraction, gain = self.of_item(items).unbind(dim=2)
        weight = attraction.clamp(-10.0, 10.0).exp()
        members: Any = self.members
        gains = (weight * gain) @ members / (1.0 + weight @ members)
        return torch.as_tensor(self.of_person(person) + gains)

    def _predict(self, observation: Any, deterministic: bool = True) -> torch.Tensor:
        return torch.as_tensor(self(observation).argmax(dim=1))


class SlateValuePolicy(DQNPolicy):
    """Stable-Baselines3's DQN policy, with `SlateValues` as its network and as its target."""

    def __init__(self, *args: Any, table: torch.Tensor, width: int, **settings: Any) -> None:
        self._network: dict[str, Any] = {"table": table, "width": width}
        super().__init__(*args, **settings)

    def make_q_net(self) -> Any:
        """Returns a network with fresh weights."""
        seen: Any = self.observation_space
        slates: Any = self.action_space
        network: Any = SlateValues(seen, slates, **self._network)
        return network.to(self.device)


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
