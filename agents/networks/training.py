"""Training of an agent's own network: what it is given, its gradient steps, and its file."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsim_env.agents.core.requirements import extra
from recsim_env.agents.core.restoring import State, flattened, part
from recsim_env.agents.core.settings import AgentSettings
from recsim_env.core.search import Search
from recsim_env.core.settings import setting
from recsim_env.inputs.importing import NamedClass


@dataclass(frozen=True, kw_only=True)
class NetworkSettings(AgentSettings):
    """What agents with networks are given."""

    width: int = setting(32, low=1, doc="of the hidden layers")
    device: str = setting(
        "cpu",
        choices=("cpu", "cuda", "auto"),
        doc="where torch computes; auto: on the GPU where there is one",
    )


@dataclass(frozen=True, kw_only=True)
class EncoderSettings(NetworkSettings):
    """What agents are given whose networks begin with an encoder of person and candidates."""

    network: str = setting(
        "candidates",
        is_new=True,
        doc="the encoder: candidates, which has the same weights for all of them, or one of your "
        "own, a class, module:Class or file.py:Class; see `recsim_env.agents.networks.encoder`",
    )

    observe: str = setting(
        "shown",
        is_new=True,
        choices=("shown", "state"),
        doc="what is seen: what the scenario shows; or also the true state of people and items "
        "(its `observe_state`), as a reference that tells what is hidden from what is not learned",
    )

    def __post_init__(self) -> None:
        given: Any = self.network
        if not isinstance(given, type | str | os.PathLike):
            raise ValueError(
                f"network={given!r:.80} is no encoder; use candidates, a class, module:Class or "
                "file.py:Class"
            )
        name = NamedClass(given) if isinstance(given, type) else given
        object.__setattr__(self, "network", name)
        super().__post_init__()
        object.__setattr__(self, "network", name)  # text, as all settings are; it knows the class

    @classmethod
    def restored(cls, kept: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
        """Returns settings from a file, with changes; a file imports nothing of its own accord."""
        name = kept.get("network", "candidates")
        if isinstance(name, str) and ":" in name and "network" not in changes:
            raise ValueError(
                f"its network is code of somebody's own, {name}; if you trust that code, name it "
                f"again: network={name!r}"
            )
        changed = changes.get("network", name)
        if name != changed and not (_is_own(name) and _is_own(changed)):
            raise ValueError(
                f"it was saved with network={name!r}, whose weights no other network takes; leave "
                f"out network={changed!r}, or train one with it"
            )
        return super().restored(kept, changes)


def _is_own(network: Any) -> bool:
    """Returns whether it is somebody's own class, which may go by several names."""
    return isinstance(network, type) or ":" in str(network)


@dataclass(frozen=True, kw_only=True)
class OptimizedSettings(EncoderSettings):
    """What agents are given that learn weights by Adam."""

    learning_rate: float = setting(
        1e-3, search=Search(1e-4, 1e-2, log=True), above=0.0, doc="of Adam"
    )


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(OptimizedSettings):
    """What agents that train a network on kept steps are given."""

    batch_size: int = setting(256, low=1, doc="steps of a gradient step")
    update_every: int = setting(
        16, search=Search(choices=(8, 16, 32)), low=1, doc="interactions for each gradient step"
    )
    learning_starts: int = setting(1_000, low=0, doc="interactions before the first")
    buffer_size: int = setting(
        50_000, low=1, doc="interactions that are kept; fewer where they would take over 1 GiB"
    )


class Trainer:
    """A network and its optimiser.

    Args:
      make_network: returns the untrained network, a torch module; what is not learned needs no
        gradient.
      settings: where it computes, and how fast it learns.
      rng: draws the seed of its first weights.
      needed_by: who is said to need torch.
      **adam: what else Adam is given.

    Attributes:
      network: the torch module.
      device: where it is.
    """

    def __init__(
        self,
        make_network: Callable[[], Any],
        settings: OptimizedSettings,
        rng: np.random.Generator,
        *,
        needed_by: str,
        **adam: Any,
    ) -> None:
        torch = extra("torch", needed_by=needed_by)
        compute = extra("recsim_env.agents.networks.compute", needed_by=needed_by)
        self.device = compute.device_of(settings.device)
        with compute.computing(int(rng.integers(2**31))):
            self.network = make_network().to(self.device)
        self.network.eval()  # somebody's own may drop out what it sees, but not while it serves
        learned = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.optimizer = torch.optim.Adam(learned, lr=settings.learning_rate, **adam)

    def train(
        self,
        n_gradient_steps: int,
        batch: Callable[[], Mapping[str, np.ndarray]],
        loss: Callable[[Mapping[str, Any]], Any],
        rng: np.random.Generator,
        *,
        tau: float = 0.0,
    ) -> float:
        """Takes gradient steps and returns the last loss.

        Args:
          n_gradient_steps: one or more.
          batch: draws the rows of a step.
          loss: of a batch of tensors.
          rng: draws the seed of whatever torch draws.
          tau: if more than 0, how far the network's averages follow after each step.
        """
        from recsim_env.agents.networks.compute import computing

        self.network.train()
        with computing(int(rng.integers(2**31))):
            for _ in range(n_gradient_steps):
                value = loss(self.on_device(batch()))
                self.optimizer.zero_grad()
                value.backward()
                self.optimizer.step()
                if tau > 0:
                    self.network.follow(tau)
        self.network.eval()
        return float(value.item())

    def on_device(self, batch: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Returns arrays as tensors on the device."""
        from recsim_env.agents.networks.compute import as_tensors

        return as_tensors(batch, self.device)

    def compute(self, function: Any, batch: Mapping[str, np.ndarray]) -> np.ndarray:
        """Returns as an array what a function of tensors says of arrays, without gradients."""
        import torch

        from recsim_env.agents.networks.compute import computing

        with computing(), torch.inference_mode():
            return np.asarray(function(self.on_device(batch)).cpu().numpy())

    def state_dict(self) -> dict[str, Any]:
        """Returns the weights and the optimiser's moments."""
        from recsim_env.agents.networks.compute import optimizer_arrays, weights_of

        return {
            "network": weights_of(self.network),
            "optimizer": optimizer_arrays(self.optimizer),
        }

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned.

        Raises:
          ValueError: they are not of such a network.
        """
        from recsim_env.agents.networks.compute import restore_optimizer, set_weights

        set_weights(self.network, flattened(part(state, "network")))
        restore_optimizer(self.optimizer, flattened(part(state, "optimizer")))
