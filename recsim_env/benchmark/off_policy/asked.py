"""What is asked of a log: a policy's value, by which estimators, and how far to trust it."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from recsim_env.agents.core.slate_distribution import Propensities
from recsim_env.benchmark.off_policy.embedding import Embedding
from recsim_env.benchmark.off_policy.features import SlateFeatures
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.ope import LoggedActions, Uncertainty
from recsim_env.ope.models import cross_fitted


@dataclass(frozen=True, eq=False)
class Asked:
    """A log, a policy to judge by it, and the estimators that are wanted.

    Attributes:
      log: of other policies.
      target: how likely the policy shows what was logged.
      features: of the log's slates.
      wanted: names of estimators; None for all that the log allows.
      uncertainty: how intervals are made.
      embedding: of actions, for marginalized IPS; by default the topic that a scenario names.
    """

    log: PolicyLog
    target: Propensities
    features: SlateFeatures
    wanted: frozenset[str] | None
    uncertainty: Uncertainty | None
    embedding: Embedding | None = None

    def wants(self, name: str) -> bool:
        """Returns whether an estimator is asked for."""
        return self.wanted is None or name in self.wanted

    def how(self, name: str) -> Uncertainty | None:
        """Returns how an estimator's interval is made; of ratios there is no bound."""
        is_ratio = name.startswith("sn")
        if is_ratio and self.uncertainty and self.uncertainty.method == "bernstein":
            return replace(self.uncertainty, method="bootstrap")
        return self.uncertainty

    @cached_property
    def choices(self) -> LoggedActions:
        """The log with each slate as one choice."""
        log, target = self.log, self.target
        return LoggedActions(
            reward=log["reward"].astype(np.float64),
            propensity=log["propensity"],
            target=np.minimum(target.slate, 1.0),
            unsupported=_unsupported(log, target),
            user=log.people,
            context=self.features.kinds,
        )

    @cached_property
    def actions(self) -> LoggedActions:
        """The same, with a model of what slates earn."""
        model_reward, model_value = cross_fitted(
            self.features.shown(self.log["slate"]),
            self.choices.reward,
            self.features.expected(self.target.places),
            user=self.log.people,
            n_folds=self.log.n_folds(),
        )
        return replace(self.choices, model_reward=model_reward, model_value=model_value)


def _unsupported(log: PolicyLog, target: Propensities) -> np.ndarray | None:
    """Returns how often the target fills a place as the logging policy never does, (n,)."""
    logging = log.candidate_propensity()
    if logging is None:
        return None
    found = np.where(logging > 0.0, 0.0, target.places).sum(axis=2).max(axis=1)
    return np.asarray(np.minimum(found, 1.0))
