"""All estimates of what a policy earns, by a log and by how likely it shows what was logged."""

import math
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from recsim_env.agents.core.slate_distribution import Propensities
from recsim_env.benchmark.off_policy.features import SlateFeatures
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.benchmark.off_policy.truth import TrueValues
from recsim_env.ope import (
    LoggedActions,
    LoggedSessions,
    LoggedSlates,
    SlateProbabilities,
    Uncertainty,
    ValueEstimate,
)
from recsim_env.ope import sessions as of_sessions
from recsim_env.ope.bandits import BANDIT_ESTIMATORS
from recsim_env.ope.embeddings import mips, topic_weights
from recsim_env.ope.fitted_q import fitted_q
from recsim_env.ope.marginalized import learned_states, marginalized_is
from recsim_env.ope.models import cross_fitted
from recsim_env.ope.pseudo_inverse import uniform_weights
from recsim_env.ope.slates import SLATE_ESTIMATORS
from recsim_env.results.intervals import Estimate
from recsim_env.results.off_policy import PER_SESSION, PER_SLATE, PolicyValue

#: Estimators of sessions, by name: a function of `LoggedSessions`, and further arguments.
_OF_SESSIONS: dict[str, tuple[Any, dict[str, Any]]] = {
    "tis": (of_sessions.trajectory_is, {}),
    "sn-tis": (of_sessions.trajectory_is, {"self_normalised": True}),
    "pdis": (of_sessions.per_decision_is, {}),
    "sn-pdis": (of_sessions.per_decision_is, {"self_normalised": True}),
    "seq-dr": (of_sessions.sequential_dr, {}),
    "fqe": (of_sessions.fqe, {}),
}

_MARGINALIZED = "sn-mis"

# As many parts, at most, are people dealt into, and moments told apart.
_MOST_FOLDS, _N_STATES = 5, 10


def judge(
    policy: str,
    log: PolicyLog,
    target: Propensities,
    *,
    truth: TrueValues | None = None,
    estimators: Iterable[str] | None = None,
    uncertainty: Uncertainty | None = None,
) -> list[PolicyValue]:
    """Returns what a log says of a policy, first of a slate, then of a session.

    Args:
      policy: its name.
      log: of other policies.
      target: how likely the policy shows what was logged.
      truth: what it truly earns.
      estimators: names of those that are wanted; by default all that the log allows.
      uncertainty: how intervals are made.
    """
    wanted = None if estimators is None else set(estimators)
    features = SlateFeatures(log)
    known = (truth.slate, truth.session) if truth else (None, None)
    slates = _per_slate(log, target, features, wanted, uncertainty)
    sessions = _per_session(log, target, features, wanted, uncertainty)
    return [_valued(policy, PER_SLATE, each, known[0]) for each in slates] + [
        _valued(policy, PER_SESSION, each, known[1]) for each in sessions
    ]


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
    )


def _per_slate(
    log: PolicyLog,
    target: Propensities,
    features: SlateFeatures,
    wanted: set[str] | None,
    uncertainty: Uncertainty | None,
) -> list[ValueEstimate]:
    reward, slates = log["reward"].astype(np.float64), log["slate"]
    model_reward, model_value = cross_fitted(
        features.shown(slates),
        reward,
        features.expected(target.places),
        user=log.people,
        n_folds=_n_folds(log.people),
    )
    actions = LoggedActions(
        reward=reward,
        propensity=log["propensity"],
        target=np.minimum(target.slate, 1.0),
        model_reward=model_reward,
        model_value=model_value,
        unsupported=_unsupported(log, target),
        user=log.people,
    )
    found = [
        function(actions, uncertainty=uncertainty)
        for name, function in BANDIT_ESTIMATORS.items()
        if wanted is None or name in wanted
    ]
    topics = _topics(log)
    if topics is not None and (wanted is None or "mips" in wanted):
        found.append(mips(actions, _topic_weights(log, target, topics), uncertainty=uncertainty))
    if log.slate_size > 1:
        found += _by_places(log, target, wanted, uncertainty)
    return found


def _topics(log: PolicyLog) -> np.ndarray | None:
    """Returns the topic of each candidate, (n, n_candidates), where single items show them."""
    if log.scenario is None or log.slate_size > 1 or log.candidate_propensity() is None:
        return None
    columns = log.scenario.schema.category_columns(log.scenario.category)
    topics = log["candidates"][:, :, columns] if "candidates" in log.columns else None
    return topics.argmax(axis=2) if topics is not None and topics.shape[2] > 1 else None


def _topic_weights(log: PolicyLog, target: Propensities, topics: np.ndarray) -> np.ndarray:
    logging = log.candidate_propensity()
    assert logging is not None
    shown = topics[np.arange(len(log)), log["slate"][:, 0]]
    return topic_weights(logging[:, 0], target.places[:, 0], topics, shown)


def _by_places(
    log: PolicyLog,
    target: Propensities,
    wanted: set[str] | None,
    uncertainty: Uncertainty | None,
) -> list[ValueEstimate]:
    """Returns estimates that take slates apart, of those that the log allows."""
    slates = log["slate"]
    weight = _pseudo_inverse_weight(log, target)
    logged = LoggedSlates(
        reward=log.place_rewards.astype(np.float64),
        propensity=SlateProbabilities(place=log.places("place"), prefix=log.places("prefix")),
        target=SlateProbabilities(
            place=np.minimum(target.shown(slates), 1.0), prefix=np.minimum(target.prefix, 1.0)
        ),
        pseudo_inverse_weight=weight,
        user=log.people,
    )
    known = {"iips": log.places("place"), "rips": log.places("prefix"), "pseudo-inverse": weight}
    return [
        SLATE_ESTIMATORS[name](logged, uncertainty=uncertainty)
        for name, needed in known.items()
        if needed is not None and (wanted is None or name in wanted)
    ]


def _per_session(
    log: PolicyLog,
    target: Propensities,
    features: SlateFeatures,
    wanted: set[str] | None,
    uncertainty: Uncertainty | None,
) -> list[ValueEstimate]:
    rows = log.is_complete
    names = [name for name in _OF_SESSIONS if wanted is None or name in wanted]
    if not rows.any() or (log.lengths == 1).all():  # a session of one slate is that slate
        return []
    logged = LoggedSessions(
        session=log["session_number"][rows],
        reward=log["reward"][rows].astype(np.float64),
        propensity=log["propensity"][rows],
        target=np.minimum(target.slate, 1.0)[rows],
        user=log.people[rows],
    )
    if {"seq-dr", "fqe"} & set(names):
        shown, expected = features.shown(log["slate"]), features.expected(target.places)
        model_reward, model_value = fitted_q(
            logged, shown[rows], expected[rows], n_folds=_n_folds(log.people[rows])
        )
        logged = LoggedSessions(
            session=logged.session,
            reward=logged.reward,
            propensity=logged.propensity,
            target=logged.target,
            user=logged.user,
            model_reward=model_reward,
            model_value=model_value,
        )
    found = [
        _OF_SESSIONS[name][0](logged, uncertainty=uncertainty, **_OF_SESSIONS[name][1])
        for name in names
    ]
    if wanted is None or _MARGINALIZED in wanted:
        states = _states(features.moments[rows])
        found.append(marginalized_is(logged, states, self_normalised=True, uncertainty=uncertainty))
    return found


def _states(moments: np.ndarray) -> np.ndarray:
    """Returns which of a few kinds each moment is of, by what was seen."""
    if not moments.shape[1]:
        return np.zeros(len(moments), int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fewer kinds than are asked for
        return learned_states(moments, min(_N_STATES, len(moments)))


def _n_folds(user: np.ndarray) -> int:
    """Returns in how many parts people are dealt.

    Raises:
      ValueError: there are too few.
    """
    n = len(np.unique(user))
    if n < 2:
        raise ValueError("the log has sessions of one person that end; it needs two or more people")
    return min(_MOST_FOLDS, n)


def _unsupported(log: PolicyLog, target: Propensities) -> np.ndarray | None:
    """Returns how often the target fills a place as the logging policy never does, (n,)."""
    logging = log.candidate_propensity()
    if logging is None:
        return None
    found = np.where(logging > 0.0, 0.0, target.places).sum(axis=2).max(axis=1)
    return np.asarray(np.minimum(found, 1.0))


def _pseudo_inverse_weight(log: PolicyLog, target: Propensities) -> np.ndarray | None:
    """Returns weights of sums over places, if all that was logged was uniformly random."""
    prefix = log.places("prefix")
    left = 1.0 / (log.n_candidates - np.arange(log.slate_size))
    if prefix is None or not np.allclose(prefix, np.cumprod(left), rtol=1e-9):
        return None
    slates = log["slate"]
    anywhere = np.take_along_axis(target.places.sum(axis=1), slates, axis=1)
    return uniform_weights(target.shown(slates), anywhere, log.n_candidates)
