"""What logs say that a policy earns in a session that it serves from the beginning."""

from dataclasses import replace
from typing import Any

import numpy as np

from recsim_env.benchmark.off_policy.asked import Asked
from recsim_env.ope import LoggedSessions, ValueEstimate
from recsim_env.ope import sessions as of_sessions
from recsim_env.ope.fitted_q import fitted_q
from recsim_env.ope.marginalized import marginalized_is

_NORMALISED = {"self_normalised": True}

#: Estimators by name: a function of `LoggedSessions`, and further arguments.
_OF_SESSIONS: dict[str, tuple[Any, dict[str, Any]]] = {
    "tis": (of_sessions.trajectory_is, {}),
    "sn-tis": (of_sessions.trajectory_is, _NORMALISED),
    "pdis": (of_sessions.per_decision_is, {}),
    "sn-pdis": (of_sessions.per_decision_is, _NORMALISED),
    "seq-dr": (of_sessions.sequential_dr, {}),
    "sn-seq-dr": (of_sessions.sequential_dr, _NORMALISED),
    "fqe": (of_sessions.fqe, {}),
}

#: Those that need a model.
_MODELLED = ("seq-dr", "sn-seq-dr", "fqe")

#: Rows by which coefficients are drawn to 0: a step has no more rows than there are sessions, and
#: what is fitted to noise at one step is handed on to all before it.
_RIDGE = 10.0

#: Marginalized importance sampling by states that are learned from what was seen, and by such that
#: are learned from people's true ones, where the log has them.
SEEN_STATES, TRUE_STATES = "sn-mis", "sn-mis-hidden"

PER_SESSION_ESTIMATORS = (*_OF_SESSIONS, SEEN_STATES, TRUE_STATES)
"""All names."""


def session_estimates(asked: Asked) -> list[ValueEstimate]:
    """Returns the estimates of the reward of a session that are wanted, and that the log allows.

    Sessions whose end the log lacks are left out; a session of one slate is that slate.
    """
    log, rows = asked.log, asked.log.is_complete
    if not rows.any() or (log.lengths == 1).all():
        return []
    logged = _logged(asked, rows)
    if any(map(asked.wants, _MODELLED)):
        logged = _with_model(asked, logged, rows)
    found = [
        function(logged, uncertainty=asked.how(name), **arguments)
        for name, (function, arguments) in _OF_SESSIONS.items()
        if asked.wants(name)
    ]
    for name in (SEEN_STATES, TRUE_STATES):
        if asked.wants(name):
            kinds = asked.features.kinds if name == SEEN_STATES else asked.features.true_kinds
            if kinds is not None:
                how = asked.how(name)
                each = marginalized_is(logged, kinds[rows], uncertainty=how, **_NORMALISED)
                found.append(replace(each, estimator=name))
    return found


def _logged(asked: Asked, rows: np.ndarray) -> LoggedSessions:
    log = asked.log
    return LoggedSessions(
        session=log["session_number"][rows],
        reward=log["reward"][rows].astype(np.float64),
        propensity=log["propensity"][rows],
        target=np.minimum(asked.target.slate, 1.0)[rows],
        user=log.people[rows],
        context=asked.features.kinds[rows],
    )


def _with_model(asked: Asked, logged: LoggedSessions, rows: np.ndarray) -> LoggedSessions:
    shown = asked.features.shown(asked.log["slate"])
    expected = asked.features.expected(asked.target.places)
    folds = asked.log.n_folds(rows)
    reward, value = fitted_q(logged, shown[rows], expected[rows], n_folds=folds, ridge=_RIDGE)
    return replace(logged, model_reward=reward, model_value=value)
