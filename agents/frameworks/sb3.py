"""Policies with which Stable-Baselines3's own algorithms learn to recommend.

Its stock policies flatten the observation, and stay at chance where candidates stand in random
order. These have the same weights for every candidate:

    CandidatePolicy             PPO, A2C: slates drawn by scores, without repeats
    MaskableCandidatePolicy     MaskablePPO: likewise, of what can be shown
    CandidateQPolicy            DQN: a value for every slate
    CandidateQuantilePolicy     QRDQN: quantiles of it
    CandidateWeightPolicy       SAC: weights of features, by which candidates are ranked
    CandidateSummary            TQC, TD3 and any "MultiInputPolicy": a features extractor

    people = gymnasium.make_vec("recsim_env/InterestEvolution-v0", 64, autoreset_mode="SameStep")
    model = PPO(CandidatePolicy, VecEnvAdapter(people), n_steps=32, batch_size=512).learn(20_000)

A single `gymnasium.make(...)` serves as well. DQN takes slates of one item, or of several by
number:

    DQN(CandidateQPolicy, VecEnvAdapter(enumerate_slates(people, ordered=False)), ...)

What SAC, TD3 and TQC do are points of a Box, so they want `weigh_features` or `point_at_items`:

    SAC(CandidateWeightPolicy, VecEnvAdapter(weigh_features(people)), ...)
    TQC("MultiInputPolicy", ..., policy_kwargs={"features_extractor_class": CandidateSummary})

All policies take ``policy_kwargs={"width": ..., "network": ...}``; see `CandidateScores`. Which
algorithm and form of actions learns what is measured in docs/action-forms.md.
"""

from typing import Any

import torch
from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from sb3_contrib.qrdqn.policies import QRDQNPolicy
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.dqn.policies import DQNPolicy
from stable_baselines3.sac.policies import SACPolicy

from recsim_env.agents.networks.directions import DirectionCritics
from recsim_env.agents.networks.encoder import (
    CandidateScores,
    Network,
    Tensors,
    make_encoder,
    n_candidates_of,
)
from recsim_env.agents.networks.flat import FlatScores
from recsim_env.agents.networks.plackett_luce import PlackettLuce
from recsim_env.agents.networks.slate_values import SlateValues

# What is masked gets this logit: it comes after all else, and before what is in the slate already.
_MASKED = -1e6


class SlateDistribution:
    """`PlackettLuce` over the actions of an environment that takes slates.

    Args:
      scores: (n, n_candidates), logits.
      space: of actions: MultiDiscrete, or Discrete where slates are one item.
      masks: what can be shown, (n, n_candidates), or as `action_masks` has it, once for each place
        of the slate; a candidate that cannot stand in all places is shown in none. Where too few
        can be shown, others fill the slate.
    """

    def __init__(self, scores: torch.Tensor, space: spaces.Space, masks: Any = None) -> None:
        self.shape = space.shape or ()
        size = (self.shape or (1,))[0]
        if masks is not None:
            flags = torch.as_tensor(masks, device=scores.device).bool()
            can_be_shown = flags.reshape(len(scores), -1, scores.shape[1]).all(dim=1)
            scores = scores.masked_fill(~can_be_shown, _MASKED)
        self._slates = PlackettLuce(scores, size)

    def get_actions(self, deterministic: bool = False) -> torch.Tensor:
        """Returns actions, slates that are drawn or the most likely ones."""
        slates = self._slates.mode() if deterministic else self._slates.sample()
        return slates.reshape(-1, *self.shape)

    def log_prob(self, actions: torch.Tensor) -> torch.Tensor:
        """Returns log-probabilities of actions, (n,)."""
        return self._slates.log_prob(self._as_slates(actions))

    def log_prob_and_entropy(self, actions: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns log-probabilities and entropies of actions; see `PlackettLuce`."""
        return self._slates.log_prob_and_entropy(self._as_slates(actions))

    def _as_slates(self, actions: torch.Tensor) -> torch.Tensor:
        return actions.long().reshape(-1, self._slates.slate_size)


class _Networked:
    """What all policies here take beside what Stable-Baselines3's do, and keep in files."""

    def __init__(
        self, *args: Any, network: Network = "candidates", width: int = 64, **settings: Any
    ) -> None:
        self._network: dict[str, Any] = {"network": network, "width": width}
        super().__init__(*args, **settings)

    def _get_constructor_parameters(self) -> dict[str, Any]:
        parent: Any = super()
        return parent._get_constructor_parameters() | self._network


class _Scoring(_Networked):
    """What the actor-critics share: actions by a network's scores, values by the same network.

    Attributes:
      network: gives `scores` and `values`.
    """

    network: Any
    optimizer: Any

    def _build(self: Any, lr_schedule: Any) -> None:
        space = self.observation_space
        _check_slates(space, self.action_space, type(self).__name__)
        if self._network["network"] == "flat":
            self.network = FlatScores(space, self._network["width"])
        else:
            self.network = CandidateScores(space, **self._network)
        optimizer = self.optimizer_class
        self.optimizer = optimizer(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)

    def get_distribution(self: Any, obs: Any, action_masks: Any = None) -> Any:
        """Returns the distribution of actions."""
        return SlateDistribution(self.network.scores(obs), self.action_space, action_masks)

    def forward(self, obs: Any, deterministic: bool = False, action_masks: Any = None) -> Any:
        """Returns actions, their values, (n, 1), and log-probabilities, (n,)."""
        distribution = self.get_distribution(obs, action_masks)
        actions = distribution.get_actions(deterministic)
        return actions, self.network.values(obs), distribution.log_prob(actions)

    def evaluate_actions(self, obs: Any, actions: torch.Tensor, action_masks: Any = None) -> Any:
        """Returns values, (n, 1), and of given actions log-probabilities and entropies, (n,)."""
        distribution = self.get_distribution(obs, action_masks)
        return self.network.values(obs), *distribution.log_prob_and_entropy(actions)

    def predict_values(self, obs: Any) -> torch.Tensor:
        """Returns values, (n, 1)."""
        return torch.as_tensor(self.network.values(obs))


class CandidatePolicy(_Scoring, ActorCriticPolicy):
    """An actor-critic for PPO and A2C: slates drawn by scores of the candidates, without repeats.

    Args:
      *args: from the algorithm.
      network: the encoder, see `CandidateScores`; or "flat", layers over the whole observation,
        where the place of a candidate means something, for comparison.
      width: of its layers.
      **settings: of Stable-Baselines3's ActorCriticPolicy.

    Raises:
      TypeError: observations are flat.
      ValueError: actions are no slates, or the network is none.
    """


class MaskableCandidatePolicy(_Scoring, MaskableActorCriticPolicy):
    """The same for sb3-contrib's MaskablePPO: what cannot be shown comes last.

    No policy here repeats an item within a slate, with masks or without.
    """


def _check_slates(space: Any, actions: spaces.Space, name: str) -> None:
    """Raises ValueError unless actions are indices of candidates."""
    n_candidates = n_candidates_of(space)
    is_one = isinstance(actions, spaces.Discrete) and actions.n == n_candidates
    is_slate = isinstance(actions, spaces.MultiDiscrete) and (actions.nvec == n_candidates).all()
    if not (is_one or is_slate):
        raise ValueError(
            f"{name} draws slates of {n_candidates} candidates, and actions here are {actions}; "
            "use it without an action wrapper"
        )


class SlateQNetwork(BasePolicy):
    """Values of all actions, from `SlateValues`.

    Args:
      space, actions: of the environment; actions are candidates, or numbers of slates from
        `enumerate_slates`.
      network, width: see `CandidateScores`.
      n_quantiles: how many numbers a value is; 0: one, without an axis of its own.
    """

    table: torch.Tensor

    def __init__(
        self, space: Any, actions: Any, *, network: Network, width: int, n_quantiles: int = 0
    ) -> None:
        super().__init__(space, actions)
        n_candidates = n_candidates_of(space)
        table = getattr(actions, "table", None)
        if table is None and actions.n != n_candidates:
            raise ValueError(
                f"actions here are {actions}, neither one of {n_candidates} candidates nor slates "
                "by number; put recsim_env.envs.wrappers.enumerate_slates around the environment"
            )
        slates = torch.arange(n_candidates)[:, None] if table is None else torch.as_tensor(table)
        self.register_buffer("table", slates, persistent=False)
        self.n_quantiles = n_quantiles
        self.values = SlateValues(
            space,
            slate_size=slates.shape[1],
            width=width,
            n_quantiles=max(1, n_quantiles),
            network=network,
        )

    def forward(self, obs: Any) -> torch.Tensor:
        """Returns values, (n, n_actions), or quantiles, (n, n_quantiles, n_actions)."""
        values = self.values.of_all(obs, self.table)
        return values.transpose(1, 2) if self.n_quantiles else values[:, :, 0]

    def _predict(self, observation: Any, deterministic: bool = True) -> torch.Tensor:
        values = self(observation)
        return (values.mean(dim=1) if self.n_quantiles else values).argmax(dim=1)


class CandidateQPolicy(_Networked, DQNPolicy):
    """Values of slates for DQN: of one item, or of several by number (`enumerate_slates`).

    Args:
      *args: from the algorithm.
      network, width: see `CandidateScores`.
      **settings: of Stable-Baselines3's DQNPolicy.
    """

    def make_q_net(self) -> Any:
        """Returns fresh values."""
        net = SlateQNetwork(self.observation_space, self.action_space, **self._network)
        return net.to(self.device)


class CandidateQuantilePolicy(_Networked, QRDQNPolicy):
    """Quantiles of the return of slates for sb3-contrib's QRDQN; else as `CandidateQPolicy`."""

    def make_quantile_net(self) -> Any:
        """Returns fresh quantiles."""
        space, actions = self.observation_space, self.action_space
        net = SlateQNetwork(space, actions, n_quantiles=self.n_quantiles, **self._network)
        return net.to(self.device)


class CandidateSummary(BaseFeaturesExtractor):
    """The person, and the mean of the candidates, (n, 2 width): their order means nothing.

    It does not tell candidates apart: it serves actions that are points among features
    (`point_at_items`) or weights of them (`weigh_features`), not scores of each candidate. Critics
    on top of it see an action and not what it would show, and need many interactions to find out;
    those of `CandidateWeightPolicy` see it.

    Args:
      observation_space: with `candidates`.
      width: of the layers.
      network: the encoder, see `CandidateScores`.
    """

    def __init__(
        self, observation_space: spaces.Dict, width: int = 64, network: Network = "candidates"
    ) -> None:
        super().__init__(observation_space, 2 * width)
        self.encoder = make_encoder(network, observation_space, width)

    def forward(self, observation: Tensors) -> torch.Tensor:
        """Returns (n, 2 width)."""
        person, items = self.encoder(observation)
        return torch.cat([person, items.mean(dim=1)], dim=1)


class CandidateWeightPolicy(_Networked, SACPolicy):
    """Weights of features for SAC, and critics that see the candidates which they pick out.

    The actor sees a `CandidateSummary`; the critics are `DirectionCritics`.

    Args:
      *args: from the algorithm.
      network, width: see `CandidateScores`.
      **settings: of Stable-Baselines3's SACPolicy.
    """

    def __init__(
        self, *args: Any, network: Network = "candidates", width: int = 64, **settings: Any
    ) -> None:
        network_settings = {"network": network, "width": width}
        summary = {
            "features_extractor_class": CandidateSummary,
            "features_extractor_kwargs": network_settings,
        }
        super().__init__(*args, **settings | summary | network_settings)

    def make_critic(self, features_extractor: Any = None) -> Any:
        """Returns fresh critics."""
        space: Any = self.observation_space
        return DirectionCritics(space, **self._network).to(self.device)
