"""What proximal policy optimisation is given."""

from dataclasses import dataclass
from typing import Any

from recsim_env.agents.core.settings import discount, entropy_weight
from recsim_env.agents.networks.training import OptimizedSettings
from recsim_env.core.search import Search
from recsim_env.core.settings import setting


@dataclass(frozen=True, kw_only=True)
class PPOSettings(OptimizedSettings):
    """What PPO is given; 0 stands for what suits the number of people."""

    learning_rate: float = 2e-3
    decay: int = setting(
        0,
        is_new=True,
        low=0,
        doc="interactions after which learning_rate is half of what it was at first, a third after "
        "twice as many, and so on: late gradients then average more; 0: it stays",
    )
    gamma: float = discount(0.99)
    network: str = setting(
        "candidates",
        doc="the encoder: candidates, which has the same weights for all of them, or one of your "
        "own, a class, module:Class or file.py:Class (`recsim_env.agents.networks.encoder`); or "
        "flat: layers over the whole observation, where the place of a candidate means something",
    )
    rollout: int = setting(
        0,
        search=Search(choices=(0, 256, 512, 1_024, 2_048, 4_096)),
        low=0,
        doc="interactions for each update, rounded to a multiple of num_envs; 0: 32 of everybody, "
        "1,024 to 8,192 in all",
    )
    n_minibatches: int = setting(
        0, low=0, doc="parts of a rollout, each for one gradient step; 0: of 256 to 512 each"
    )
    n_epochs: int = setting(
        0,
        search=Search(choices=(0, 1, 2, 3, 5, 8)),
        low=0,
        doc="how often each rollout is gone over; 0: 3 times, once where it is large",
    )
    gae_lambda: float = setting(0.9, low=0.0, high=1.0, doc="of the generalised advantage")
    entropy: float = entropy_weight()
    clip_range: float = setting(
        0.4, above=0.0, doc="how far the probability of a slate may move, as a ratio"
    )
    redundancy: bool = setting(
        False,
        doc="whether scores depend on what is already on the slate: without it, slates are of what "
        "is best by itself, however alike",
    )
    profiles: bool = setting(
        False,
        is_new=True,
        doc="whether people are known again by their user ids: what each responded to in all of "
        "their sessions is remembered, and what they will is predicted (`ProfileMemory`)",
    )
    recency: bool = setting(
        False,
        is_new=True,
        doc="whether it is seen of each candidate how many of its kind were shown and clicked in "
        "the last 1 to 24 slates (`Recency`)",
    )
    response_weight: float = setting(
        0.0,
        is_new=True,
        low=0.0,
        doc="of predicting how people respond to what they are shown, in the objective: what "
        "predicts that is learned sooner than from rewards alone",
    )

    def rate_after(self, n_steps: int) -> float:
        """Returns the learning rate after so many interactions."""
        slowed = 1.0 + n_steps / self.decay if self.decay else 1.0
        return self.learning_rate / slowed

    def steps_of(self, num_envs: int) -> int:
        """Returns how many steps of each of so many people make a rollout."""
        rollout = self.rollout or min(max(32 * num_envs, 1_024), 8_192)
        return max(2, round(rollout / num_envs))

    def of_update(self, n_rows: int) -> dict[str, Any]:
        """Returns how a rollout of so many interactions is learned from."""
        is_large = n_rows > 4_096
        return {
            "n_minibatches": self.n_minibatches or max(1, n_rows // (512 if is_large else 256)),
            "n_epochs": self.n_epochs or (1 if is_large else 3),
            "clip_range": self.clip_range,
            "entropy": self.entropy,
            "response_weight": self.response_weight,
        }
