"""A module of RLlib's new API stack for PPO and its like: slates drawn by scores of candidates.

    config = (
        PPOConfig()
        .environment("recsim_env:recsim_env/InterestEvolution-v0")
        .env_runners(num_envs_per_env_runner=64, gym_env_vectorize_mode="vector_entry_point")
        .rl_module(rl_module_spec=RLModuleSpec(module_class=CandidateModule))
    )

The id names the package, so that RLlib's workers find it; with the vector entry point each steps
one batch of people, instead of as many environments one after the other.
"""

from typing import Any

import torch
from gymnasium import spaces

from recsim_env.agents.frameworks.slates import Slates, slate_size_of
from recsim_env.agents.networks.encoder import CandidateScores

try:
    from ray.rllib.core.columns import Columns
    from ray.rllib.core.distribution.torch.torch_distribution import (
        TorchCategorical,
        TorchDeterministic,
        TorchDistribution,
    )
    from ray.rllib.core.rl_module.apis import ValueFunctionAPI
    from ray.rllib.core.rl_module.torch import TorchRLModule
except ImportError as error:
    raise ImportError('RLlib is not installed; install it with pip install "ray[rllib]"') from error


class CandidateModule(TorchRLModule, ValueFunctionAPI):
    """Scores of candidates, from which slates are drawn without repeats, and values of moments.

    Observations are dicts, slates are actions as they are; ids are left out. RLlib's
    ``model_config`` may hold `width`, of the layers, and `network`, the encoder; see
    `CandidateScores`.

    Attributes:
      network: the `CandidateScores`.

    Raises:
      TypeError: observations without fields, or actions that are no slates.
      ValueError: observations without features of candidates, or an unknown `model_config`.
    """

    network: CandidateScores

    def setup(self) -> None:
        """Makes the network; RLlib calls it."""
        given = dict(self.model_config)
        if given.pop("vf_share_layers", False):  # RLlib adds it, False, by itself
            raise ValueError("vf_share_layers=True is not allowed: scores and values share nothing")
        unknown = sorted(given.keys() - {"width", "network"})
        if unknown:
            raise ValueError(f"model_config has {', '.join(unknown)}; use width and network")
        slate_size = slate_size_of(self.action_space)
        self.network = CandidateScores(self.observation_space, **given)
        self.action_dist_cls = TorchCategorical
        if isinstance(self.action_space, spaces.MultiDiscrete):
            self.action_dist_cls = RLlibSlates.get_partial_dist_cls(slate_size=slate_size)

    def _forward(self, batch: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {Columns.ACTION_DIST_INPUTS: self.network.scores(batch[Columns.OBS])}

    def compute_values(self, batch: dict[str, Any], embeddings: Any = None) -> torch.Tensor:
        """Returns values, (n,)."""
        return self.network.values(batch[Columns.OBS])[:, 0]


class RLlibSlates(TorchDistribution):
    """`Slates` as RLlib's distributions are, made from `logits` and `slate_size`."""

    def _get_torch_distribution(self, logits: torch.Tensor, slate_size: int) -> Slates:
        return Slates(logits, slate_size)

    @staticmethod
    def required_input_dim(space: spaces.MultiDiscrete, **kwargs: Any) -> int:
        """Returns how many scores there are."""
        return int(space.nvec[0])

    def to_deterministic(self) -> TorchDeterministic:
        """Returns the most likely slates."""
        return TorchDeterministic(self._dist.mode)
