"""Actor and critic for TorchRL's losses, of an environment that TorchRL's `GymWrapper` wraps.

    people = gymnasium.make_vec(ID, num_envs=64, autoreset_mode="Disabled")
    env = GymWrapper(people, categorical_action_encoding=True)
    loss = ClipPPOLoss(CandidateActor(people), CandidateCritic(people))

Slates are indices of candidates, hence the categorical encoding.
"""

import functools
from typing import Any

import gymnasium
import torch
from gymnasium import spaces
from torch import nn

from recsim_env.agents.frameworks.slates import distribution_over, slate_size_of
from recsim_env.agents.networks.encoder import CandidateScores, Network, scores_only, values_only

try:
    from tensordict.nn import TensorDictModule
    from torchrl.modules import ProbabilisticActor, ValueOperator
except ImportError as error:
    raise ImportError("TorchRL is not installed; install it with pip install torchrl") from error

AnyEnv = gymnasium.Env | gymnasium.vector.VectorEnv


class _Half(nn.Module):
    """One half of `CandidateScores` as TorchRL calls it: field by field, with any leading axes.

    Attributes:
      network: the `CandidateScores` without its other half.
    """

    def __init__(self, network: CandidateScores, output: str, space: spaces.Dict) -> None:
        super().__init__()
        self.network = network
        self._output = output
        self._shapes = {
            name: box.shape for name, box in space.items() if isinstance(box, spaces.Box)
        }

    @property
    def fields(self) -> list[str]:
        """What it is called with, in order."""
        return list(self._shapes)

    def forward(self, *fields: torch.Tensor) -> torch.Tensor:
        """Returns scores, (..., n_candidates), or values, (..., 1)."""
        observation, leading = {}, torch.Size([])
        for (name, shape), field in zip(self._shapes.items(), fields, strict=True):
            leading = field.shape[: field.ndim - len(shape)]
            observation[name] = field.reshape(-1, *shape)
        found = getattr(self.network, self._output)(observation)
        return torch.as_tensor(found).reshape(*leading, -1)


class CandidateActor(ProbabilisticActor):
    """Draws slates by scores of the candidates, without repeats (`PlackettLuce`).

    It writes `logits`, `action` and the log-probability of the latter; in TorchRL's deterministic
    mode the slates are the best ones.

    Args:
      people: what is wrapped, single or batch, with dict observations and slates as actions; ids
        among the observations are left out.
      width: of the layers.
      network: the encoder, as for `CandidateScores`.

    Raises:
      TypeError: observations without fields, or actions that are no slates.
      ValueError: observations without features of candidates.
    """

    def __init__(self, people: AnyEnv, *, width: int = 64, network: Network = "candidates") -> None:
        space, actions = _spaces_of(people)
        slate_size_of(actions)
        half = _Half(scores_only(space, width, network), "scores", space)
        super().__init__(
            TensorDictModule(half, half.fields, ["logits"]),
            in_keys=["logits"],
            distribution_class=functools.partial(distribution_over, space=actions),
            return_log_prob=True,
        )

    @property
    def network(self) -> CandidateScores:
        """What scores the candidates: a `CandidateScores` without values."""
        network: CandidateScores = self.module[0].module.network
        return network


class CandidateCritic(ValueOperator):
    """Writes `state_value`, the value of the moment; see `CandidateActor` for the arguments."""

    def __init__(self, people: AnyEnv, *, width: int = 64, network: Network = "candidates") -> None:
        space, _ = _spaces_of(people)
        half = _Half(values_only(space, width, network), "values", space)
        super().__init__(half, half.fields)


def _spaces_of(people: AnyEnv) -> tuple[Any, spaces.Space]:
    """Returns the spaces of one person's observations and actions."""
    if isinstance(people, gymnasium.vector.VectorEnv):
        return people.single_observation_space, people.single_action_space
    return people.observation_space, people.action_space
