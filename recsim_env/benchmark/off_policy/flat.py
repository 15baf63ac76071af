"""What was seen and shown in a log, as numbers in a row: what other libraries know."""

from typing import Any

import numpy as np

from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.envs.action_forms import AllSlates

#: More slates than these are no discrete actions that anything learns.
_MAX_SLATES = 20_000


def flat_observations(log: PolicyLog, without: tuple[str, ...] = ()) -> np.ndarray:
    """Returns what was seen as numbers in a row, (n, d), in the order of flat environments."""
    names = log.scenario.schema.boxes if log.scenario else log.about.get("context", ())
    parts = [log[name].reshape(len(log), -1) for name in names if name not in without]
    return np.hstack(parts).astype(np.float32) if parts else np.zeros((len(log), 0), np.float32)


def slates_of(log: PolicyLog) -> AllSlates:
    """Returns all slates that could have been shown, in order."""
    return AllSlates(scenario_of(log), ordered=True, max_slates=_MAX_SLATES)


def slate_numbers(log: PolicyLog) -> np.ndarray:
    """Returns the numbers of the logged slates among all ordered ones, (n,)."""
    radix = log.n_candidates ** np.arange(log.slate_size)[::-1]
    codes = slates_of(log).table @ radix  # ascending: slates are listed in order
    found = np.searchsorted(codes, log["slate"] @ radix)
    if not np.array_equal(codes[np.minimum(found, len(codes) - 1)], log["slate"] @ radix):
        raise ValueError("slates that repeat an item have no number; log a policy that shows none")
    return np.asarray(found)


def scenario_of(log: PolicyLog) -> Any:
    """Returns the scenario of a log.

    Raises:
      ValueError: it has none.
    """
    if log.scenario is None:
        raise ValueError("the log is of no scenario, and sessions need one")
    return log.scenario
