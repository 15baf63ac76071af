"""All estimates of what a policy earns, by a log and by how likely it shows what was logged."""

import math
from collections.abc import Iterable

from recsim_env.agents.core.slate_distribution import Propensities
from recsim_env.benchmark.off_policy.asked import Asked
from recsim_env.benchmark.off_policy.embedding import Embedding
from recsim_env.benchmark.off_policy.features import SlateFeatures
from recsim_env.benchmark.off_policy.per_session import PER_SESSION_ESTIMATORS, session_estimates
from recsim_env.benchmark.off_policy.per_slate import PER_SLATE_ESTIMATORS, slate_estimates
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.benchmark.off_policy.truth import TrueValues
from recsim_env.inputs.spelling import did_you_mean
from recsim_env.ope import Uncertainty, ValueEstimate
from recsim_env.results.intervals import Estimate
from recsim_env.results.off_policy import PER_SESSION, PER_SLATE, PolicyValue

ESTIMATORS = (*PER_SLATE_ESTIMATORS, *PER_SESSION_ESTIMATORS)
"""Names of all estimators."""


def judge(
    policy: str,
    log: PolicyLog,
    target: Propensities,
    *,
    truth: TrueValues | None = None,
    estimators: Iterable[str] | None = None,
    uncertainty: Uncertainty | None = None,
    features: SlateFeatures | None = None,
    embedding: Embedding | None = None,
) -> list[PolicyValue]:
    """Returns what a log says of a policy, first of a slate, then of a session.

    Settings of estimators, such as a clip, are chosen by SLOPE.

    Args:
      policy: its name.
      log: of other policies.
      target: how likely the policy shows what was logged.
      truth: what it truly earns.
      estimators: names of those that are wanted; by default all that the log allows.
      uncertainty: how intervals are made.
      features: of the log; by default they are made, which takes some time if many are judged.
      embedding: of actions, for marginalized IPS; by default the topic that a scenario names, where
        single items show it.

    Raises:
      ValueError: an unknown estimator.
    """
    wanted = None if estimators is None else frozenset(estimators)
    check_estimators(sorted(wanted or ()))
    asked = Asked(log, target, features or SlateFeatures(log), wanted, uncertainty, embedding)
    known = (truth.slate, truth.session) if truth else (None, None)
    return [_valued(policy, PER_SLATE, each, known[0]) for each in slate_estimates(asked)] + [
        _valued(policy, PER_SESSION, each, known[1]) for each in session_estimates(asked)
    ]


def check_estimators(names: Iterable[str]) -> None:
    """Raises ValueError for the first name that is of no estimator."""
    for name in names:
        if name not in ESTIMATORS:
            raise ValueError(
                f"estimator {name!r} is unknown; known are {', '.join(ESTIMATORS)}"
                f"{did_you_mean(name, ESTIMATORS)}"
            )


def _valued(policy: str, per: str, found: ValueEstimate, truth: Estimate | None) -> PolicyValue:
    weights = found.weights
    return PolicyValue(
        policy,
        per,
        found.estimator,
        found.estimate,
        truth,
        math.nan if weights is None else weights.effective_sample_size,
        math.nan if weights is None else weights.mean,
        found.warnings,
        found.setting,
    )
