"""What an agent is given beside its environment: typed, frozen, checked when it is made."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from recsim_env.core.search import Search
from recsim_env.core.settings import check_settings, setting
from recsim_env.inputs.spelling import check_known


@dataclass(frozen=True, kw_only=True)
class AgentSettings:
    """Base class of an agent's settings, which are fields declared with `setting`."""

    def __post_init__(self) -> None:
        check_settings(self)

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Returns the settings by name, as they are by default."""
        return {field.name: field.default for field in dataclasses.fields(cls)}

    @classmethod
    def of(cls, agent: str, given: Mapping[str, Any]) -> Self:
        """Returns the settings of an agent, those given over the defaults.

        Raises:
          ValueError: it has no such setting; the known ones are listed. Or one is of another type
            than its default, or out of range.
        """
        check_known(agent, given, cls.defaults())
        return cls(**given)

    @classmethod
    def restored(cls, kept: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the settings that a saved agent is made with again.

        Args:
          kept: in its file.
          changes: of whoever loads it.

        Raises:
          ValueError: the file says something that only whoever loads it may say.
        """
        return {**kept, **changes}

    def as_dict(self) -> dict[str, Any]:
        """Returns the settings by name."""
        return {name: getattr(self, name) for name in self.defaults()}

    @property
    def sees_state(self) -> bool:
        """Whether the agent sees the true state of people and items, as a reference."""
        return getattr(self, "observe", "shown") == "state"

    def share_after(self, n_steps: int) -> float:
        """Returns the share of random slates after so many interactions; by default none."""
        return 0.0


def discount(default: float, doc: str = "discount of a step") -> Any:
    """Returns the field of a discount, gamma, in [0, 1]; see `setting`."""
    choices = Search(choices=(0.0, 0.5, 0.8, 0.9, 0.95, 0.99))
    return setting(default, search=choices, low=0.0, high=1.0, doc=doc)


def entropy_weight() -> Any:
    """Returns the field of what a policy's entropy weighs in its objective; see `setting`."""
    choices = Search(choices=(0.0, 0.003, 0.01, 0.03))
    return setting(
        0.0, search=choices, low=0.0, doc="weight of the policy's entropy in the objective"
    )


def refusal(name: str, value: Any, allowed: str) -> ValueError:
    """Returns the error of a setting that this scenario does not allow, and what it does allow."""
    return ValueError(f"{name}={value!r} is not allowed; use {allowed}")


@dataclass(frozen=True, kw_only=True)
class ConstantExploration(AgentSettings):
    """A share of random slates that stays as it is."""

    exploration: float = setting(
        0.0, low=0.0, high=1.0, doc="share of uniform slates while learning"
    )

    def share_after(self, n_steps: int) -> float:
        """Returns the share of random slates, whatever the number of interactions."""
        return self.exploration


@dataclass(frozen=True, kw_only=True)
class FallingExploration(AgentSettings):
    """A share of random slates that falls from 1 as learning goes on."""

    exploration: float = setting(
        0.05,
        low=0.0,
        high=1.0,
        search=Search(0.01, 0.3, log=True),
        doc="share of random slates while learning, to which it falls",
    )
    exploration_steps: int = setting(
        10_000,
        low=1,
        search=Search(1_000, 20_000, log=True),
        doc="interactions in which that share falls from 1",
    )

    def share_after(self, n_steps: int) -> float:
        """Returns the share of random slates after so many interactions."""
        return 1.0 - (1.0 - self.exploration) * min(1.0, n_steps / self.exploration_steps)
