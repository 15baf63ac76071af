"""Logs as plain arrays, checked once: what each estimator of a policy's value reads.

The *logging* policy chose what was shown, and the *target* policy is the one to be judged. Both are
seen through the probabilities with which they choose what was logged.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from recsim_env.ope.checks import (
    Floats,
    check_probabilities,
    check_propensities,
    check_shapes,
    set_floats,
    set_labels,
)
from recsim_env.ope.diagnostics import WeightDiagnostics, weight_diagnostics


@dataclass(frozen=True, eq=False, kw_only=True)
class LoggedActions:
    """One choice a row: what it earned, and how likely the two policies make it.

    Attributes:
      reward: (n,), what the logged action earned.
      propensity: (n,), probability of the logged action under the logging policy, in (0, 1].
      target: (n,), probability of the logged action under the target policy, in [0, 1].
      model_reward: (n,), a model's expected reward of the logged action; for DM and DR.
      model_value: (n,), the same model's expected reward of the target policy in that context: the
        sum over all actions of the target's probability times the model's expected reward.
      unsupported: (n,), probability in [0, 1] with which the target policy chooses, in that
        context, an action that the logging policy never does. Where it is not given, only the mean
        of the weights tells of it.
      user: (n,), who it was; rows of one user are resampled together. None: rows are independent.
      context: (n,), integers, of which the effective sample size is told apart.

    Raises:
      ValueError: an array of another length, not finite, or out of its range.
    """

    reward: Floats
    propensity: Floats
    target: Floats
    model_reward: Floats | None = None
    model_value: Floats | None = None
    unsupported: Floats | None = None
    user: NDArray[Any] | None = None
    context: NDArray[np.integer] | None = None

    def __post_init__(self) -> None:
        set_floats(self, "reward", "propensity", "target", "model_reward", "model_value")
        set_floats(self, "unsupported")
        set_labels(self, "user", "context")
        check_shapes(self, (len(self.reward),))
        check_propensities(self.propensity, "propensity")
        check_probabilities(self.target, "target")
        if self.unsupported is not None:
            check_probabilities(self.unsupported, "unsupported")

    def __len__(self) -> int:
        return len(self.reward)

    @property
    def unit_user(self) -> NDArray[Any] | None:
        """Who each row is of."""
        return self.user

    @cached_property
    def weights(self) -> Floats:
        """The importance weights, (n,): target over logging probability."""
        return self.target / self.propensity

    @cached_property
    def diagnostics(self) -> WeightDiagnostics:
        """What the importance weights look like."""
        return weight_diagnostics(
            self.weights, user=self.user, context=self.context, unsupported=self.unsupported
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class SlateProbabilities:
    """How likely a policy shows logged slates, as a whole and by place; what is unknown is None.

    Attributes:
      slate: (n,), of the slate in its order.
      place: (n, slate_size), of the item at this place, whatever stands elsewhere (marginal).
      prefix: (n, slate_size), of the items from the first place down to this one, in their order.
      shown: (n, slate_size), of the item at any place (inclusion); for the pseudo-inverse.
    """

    slate: Floats | None = None
    place: Floats | None = None
    prefix: Floats | None = None
    shown: Floats | None = None

    def __post_init__(self) -> None:
        set_floats(self, *(field.name for field in fields(self)))


@dataclass(frozen=True, eq=False, kw_only=True)
class LoggedSlates:
    """One slate a row, with what each of its places earned.

    Attributes:
      reward: (n, slate_size), what each place earned; a slate earns their sum.
      propensity: how likely the logging policy makes it, each in (0, 1].
      target: how likely the target policy makes it, each in [0, 1].
      model_reward: (n, slate_size), a model's expected reward from this place down, given the items
        from the first place to this one; for cascade DR.
      model_value: (n, slate_size), the same with the item at this place drawn by the target.
      pseudo_inverse_weight: (n,), by `recsim_env.ope.pseudo_inverse`; for that estimator.
      user, context: as for `LoggedActions`.

    Raises:
      ValueError: an array of another shape, not finite, or out of its range.
    """

    reward: Floats
    propensity: SlateProbabilities
    target: SlateProbabilities
    model_reward: Floats | None = None
    model_value: Floats | None = None
    pseudo_inverse_weight: Floats | None = None
    user: NDArray[Any] | None = None
    context: NDArray[np.integer] | None = None

    def __post_init__(self) -> None:
        set_floats(self, "reward", "model_reward", "model_value", "pseudo_inverse_weight")
        set_labels(self, "user", "context")
        if self.reward.ndim != 2:
            raise ValueError(
                f"reward has shape {self.reward.shape}; give one number a place, (n, slate_size)"
            )
        check_shapes(self, self.reward.shape, one_a_row=("pseudo_inverse_weight",))
        for side, check in (("propensity", check_propensities), ("target", check_probabilities)):
            probabilities = getattr(self, side)
            check_shapes(probabilities, self.reward.shape, prefix=f"{side}.", one_a_row=("slate",))
            for field in fields(probabilities):
                values = getattr(probabilities, field.name)
                if values is not None:
                    check(values, f"{side}.{field.name}")

    def __len__(self) -> int:
        return len(self.reward)

    @property
    def unit_user(self) -> NDArray[Any] | None:
        """Who each row is of."""
        return self.user

    @property
    def slate_size(self) -> int:
        """How many places there are."""
        return self.reward.shape[1]

    @property
    def diagnostics(self) -> WeightDiagnostics:
        """What the weights of whole slates look like."""
        return weight_diagnostics(self.weights("slate"), user=self.user, context=self.context)

    def weights(self, kind: str) -> Floats:
        """Returns target over logging probabilities.

        Args:
          kind: "slate", (n,), or "place" or "prefix", (n, slate_size).

        Raises:
          ValueError: one of the policies lacks these.
        """
        target, propensity = getattr(self.target, kind), getattr(self.propensity, kind)
        if target is None or propensity is None:
            lacking = "target" if target is None else "propensity"
            raise ValueError(f"{lacking}.{kind} is not known; give it, or choose another estimator")
        return np.asarray(target / propensity)


class Modelled(Protocol):
    """A log that may hold what a model expects."""

    @property
    def model_reward(self) -> Floats | None:
        """A model's expected rewards of what was logged."""

    @property
    def model_value(self) -> Floats | None:
        """The same of the target policy."""


def modelled(log: Modelled) -> tuple[Floats, Floats]:
    """Returns a model's expected rewards of what was logged and of the target policy.

    Raises:
      ValueError: the log has none.
    """
    if log.model_reward is None or log.model_value is None:
        raise ValueError(
            "the log has no model_reward and model_value; give them, for example by "
            "recsim_env.ope.models.cross_fitted or recsim_env.ope.fitted_q, or choose an estimator "
            "without a model"
        )
    return log.model_reward, log.model_value
