"""Off-policy evaluation: what a policy would have earned, by the log of another.

Logs are plain arrays (`LoggedActions`, `LoggedSlates`, `LoggedSessions`); an estimator is a
function of a log, and returns a `ValueEstimate`: the value, its interval, what the importance
weights look like, and sentences that say when not to believe it.
"""

from recsim_env.ope.diagnostics import WeightDiagnostics, weight_diagnostics
from recsim_env.ope.estimates import ValueEstimate
from recsim_env.ope.logged import (
    LoggedActions,
    LoggedSlates,
    SlateProbabilities,
)
from recsim_env.ope.logged_sessions import LoggedSessions
from recsim_env.ope.uncertainty import Uncertainty

__all__ = [
    "LoggedActions",
    "LoggedSessions",
    "LoggedSlates",
    "SlateProbabilities",
    "Uncertainty",
    "ValueEstimate",
    "WeightDiagnostics",
    "weight_diagnostics",
]
