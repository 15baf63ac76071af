"""What agents with a network of their own share: its optimiser, its replay, and their files."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from recsim_env.agents.core.agent import with_prefix
from recsim_env.agents.core.online import OnlineAgent
from recsim_env.agents.core.optional import extra
from recsim_env.agents.core.replay import NEXT, Replay, affordable
from recsim_env.agents.core.restoring import whole
from recsim_env.agents.core.session_agent import SessionAgent
from recsim_env.agents.core.transition import Observation, Transition
from recsim_env.envs import RecommendationVectorEnv

# What the names of arrays begin with.
REPLAY, _OPTIMIZER = "replay.", "optimizer."


class TorchAgent(SessionAgent, OnlineAgent):
    """Learns a network of its own from the steps that it keeps.

    A subclass makes the network, gives `scores`, and `loss` of a batch of kept steps.

    Settings:
      learning_rate: of Adam (0.001).
      batch_size: steps of a gradient step (256).
      update_every: interactions for each gradient step (16).
      learning_starts: interactions before the first (1,000).
      buffer_size: interactions that are kept (50,000; fewer where they would take over 1 GiB).
      width, device: see `SessionAgent`.
    """

    defaults: ClassVar[Mapping[str, Any]] = {
        **SessionAgent.defaults,
        "learning_rate": 1e-3,
        "batch_size": 256,
        "update_every": 16,
        "learning_starts": 1_000,
        "buffer_size": 50_000,
    }

    def __init__(self, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> None:
        super().__init__(env, seed=seed, **settings)
        self.check_settings()
        torch = extra("torch", needed_by=type(self).__name__)
        computing = extra("recsim_env.agents.networks.compute", needed_by=type(self).__name__)
        self.device = computing.device_of(self.settings["device"])
        with computing.computing(int(self.rng.integers(2**31))):
            self.network = self.make_network().to(self.device)
        self.optimizer = torch.optim.Adam(
            [weight for weight in self.network.parameters() if weight.requires_grad],
            lr=self.settings["learning_rate"],
        )
        self.replay = Replay(self._capacity(), self.replay_columns())
        self._n_due = 0

    def check_settings(self) -> None:
        """Raises ValueError for a setting out of range."""
        for name in ("batch_size", "update_every", "buffer_size"):
            self.require(name, self.settings[name] >= 1, "1 or more")
        self.require("learning_starts", self.settings["learning_starts"] >= 0, "0 or more")
        self.require("learning_rate", self.settings["learning_rate"] > 0, "more than 0")

    @abstractmethod
    def make_network(self) -> Any:
        """Returns the untrained network, a torch module; what is not learned needs no gradient."""

    @abstractmethod
    def loss(self, batch: Mapping[str, Any]) -> Any:
        """Returns what to minimise, a tensor, for a batch of rows of the replay as tensors."""

    def after_step(self) -> None:
        """Does what follows every gradient step; by default nothing."""

    def replay_columns(self) -> dict[str, tuple[Any, tuple[int, ...]]]:
        """Returns the columns of the replay: `seen` now and next, slates, rewards and ends."""
        columns: dict[str, tuple[Any, tuple[int, ...]]] = {
            "slate": (np.int32, (self.slate_size,)),
            "reward": (np.float32, ()),
            "is_terminal": (np.float32, ()),
        }
        for name, space in self.seen_space.items():
            columns[name] = columns[NEXT + name] = (np.float32, space.shape or ())
        return columns

    def replay_ranges(self) -> dict[str, tuple[int, int]]:
        """Returns in which ranges the indices in columns of the replay lie, the ends included."""
        return {"slate": (0, self.env.scenario.n_candidates - 1)}

    def _capacity(self) -> int:
        """Returns how many interactions are kept."""
        row_bytes = sum(
            np.dtype(dtype).itemsize * math.prod(shape)
            for dtype, shape in self.replay_columns().values()
        )
        return affordable(self.settings["buffer_size"], row_bytes, least=self.env.num_envs)

    def rows(self, feedback: Transition) -> dict[str, np.ndarray]:
        """Returns feedback as rows of the replay; a subclass with more columns adds them."""
        memory = self._state[feedback.index]
        following = feedback.next_observation
        after = self.seen(following, self.memory.after(memory, following))
        return {
            **self.seen(feedback.observation, memory),
            **{NEXT + name: value for name, value in after.items()},
            "slate": feedback.slates,
            "reward": feedback.rewards,
            "is_terminal": feedback.is_terminal,
        }

    def update(self, feedback: Transition) -> None:
        """Keeps the steps, and takes the gradient steps that are due."""
        self.keep(feedback)
        n_steps = self.num_timesteps + len(feedback.index)
        if n_steps < self.settings["learning_starts"]:
            return
        self._n_due += len(feedback.index)
        n_gradient_steps, self._n_due = divmod(self._n_due, self.settings["update_every"])
        if n_gradient_steps:
            self.train(n_gradient_steps)

    def keep(self, feedback: Transition) -> np.ndarray:
        """Adds the steps to the replay and returns their places in it, (n,)."""
        return self.replay.add(**self.rows(feedback))

    def train(self, n_gradient_steps: int) -> None:
        """Takes gradient steps on batches of the replay."""
        from recsim_env.agents.networks.compute import computing

        with computing(int(self.rng.integers(2**31))):
            for _ in range(n_gradient_steps):
                batch = self.replay.sample(self.settings["batch_size"], self.rng)
                loss = self.loss(self.on_device(batch))
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                self.after_step()
        if self.monitor is not None:
            self.monitor({"loss": loss.item()}, self.num_timesteps)

    def on_device(self, batch: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Returns arrays as tensors on the device."""
        import torch

        return {
            name: torch.as_tensor(np.ascontiguousarray(value), device=self.device)
            for name, value in batch.items()
        }

    def computed(self, function: Any, observation: Observation, state: Any) -> np.ndarray:
        """Returns as an array what a function of tensors says of what is `seen`."""
        return self.on_arrays(function, self.seen(observation, state))

    def on_arrays(self, function: Any, batch: Mapping[str, np.ndarray]) -> np.ndarray:
        """Returns as an array what a function of tensors says of arrays, without gradients."""
        import torch

        from recsim_env.agents.networks.compute import computing

        with computing(), torch.inference_mode():
            return np.asarray(function(self.on_device(batch)).cpu().numpy())

    # Files ---------------------------------------------------------------------------------------

    def arrays(self) -> dict[str, np.ndarray]:
        """Returns the weights and the optimiser's state."""
        from recsim_env.agents.networks.compute import arrays_of, optimizer_arrays

        moments = optimizer_arrays(self.optimizer).items()
        return arrays_of(self.network) | {_OPTIMIZER + name: value for name, value in moments}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Takes back what `arrays` returned."""
        from recsim_env.agents.networks.compute import check_weights, restore_optimizer, take

        check_weights(self.network, arrays)
        take(self.network, {name: value.copy() for name, value in arrays.items()}, assign=False)
        restore_optimizer(self.optimizer, with_prefix(arrays, _OPTIMIZER))

    def progress(self) -> dict[str, np.ndarray]:
        """Returns the sessions that learning is amid, and the replay."""
        kept = {REPLAY + name: value for name, value in self.replay.arrays().items()}
        return super().progress() | kept | {"n_due": np.array(self._n_due)}

    def resume(self, progress: Mapping[str, np.ndarray]) -> None:
        """Takes back what `progress` returned."""
        super().resume(progress)
        self.replay.restore(with_prefix(progress, REPLAY), ranges=self.replay_ranges())
        self._n_due = whole(progress, "n_due", high=self.num_timesteps)
