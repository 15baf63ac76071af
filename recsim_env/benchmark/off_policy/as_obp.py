"""Feedback dicts of Open Bandit Pipeline, from logs and back."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from recsim_env.benchmark.off_policy.flat import flat_observations
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.benchmark.off_policy.real_log import real_log, require_keys


def obp_feedback(log: PolicyLog) -> dict[str, Any]:
    """Returns a log as the feedback dict of Open Bandit Pipeline.

    Actions are items, by id; where these are not known, or candidates have no place in a catalogue,
    the indices of candidates. Of slates there is a row for each place, with the keys of
    `obp.dataset.SyntheticSlateBanditDataset`. Where other candidates are offered at every step,
    actions that were not offered have no chance: estimators that sum over all actions must know.

    Args:
      log: of steps, each a choice of its own.
    """
    n, size = log["slate"].shape
    items = log.columns.get("item_id")
    action = log["slate"] if items is None else np.take_along_axis(items, log["slate"], axis=1)
    n_actions = log.n_candidates if items is None else _n_items(log)
    context = flat_observations(log, without=("candidates",))
    if size == 1:
        return {
            "n_rounds": n,
            "n_actions": n_actions,
            "context": context,
            "action_context": _item_features(log, action, n_actions),
            "action": action[:, 0],
            "position": np.zeros(n, np.int64),  # one place
            "reward": log["reward"].astype(np.float64),
            "pscore": log["propensity"],
        }
    place, prefix = log.places("place"), log.places("prefix")
    if place is None or prefix is None:
        raise ValueError("the log has no propensities of places; log with this version")
    return {
        "n_rounds": n,
        "n_unique_action": n_actions,
        "slate_id": np.repeat(np.arange(n), size),
        "context": context,
        "action_context": _item_features(log, action, n_actions),
        "action": action.ravel(),
        "position": np.tile(np.arange(size), n),
        "reward": log.place_rewards.astype(np.float64).ravel(),
        "pscore": np.repeat(log["propensity"], size),
        "pscore_item_position": place.ravel(),
        "pscore_cascade": prefix.ravel(),
    }


def from_obp(
    feedback: Mapping[str, Any], *, name: str = "feedback", needs_propensities: bool = True
) -> PolicyLog:
    """Returns a log of a feedback dict of Open Bandit Pipeline, of single actions.

    Args:
      feedback: with `n_actions`, `context`, `action`, `reward` and `pscore`.
      name: of the log.
      needs_propensities: whether feedback without `pscore` is refused.

    Raises:
      ValueError: one is missing, or a number cannot be.
    """
    needed = ("pscore",) if needs_propensities else ()
    require_keys(feedback, ("n_actions", "context", "action", "reward", *needed), "the feedback")
    return real_log(
        name=name,
        action=feedback["action"],
        n_actions=int(feedback["n_actions"]),
        seen=feedback["context"],
        reward=feedback["reward"],
        propensity=feedback.get("pscore"),
    )


def _n_items(log: PolicyLog) -> int:
    known = log.scenario.n_items if log.scenario else 0
    return int(known or log["item_id"].max() + 1)


def _item_features(log: PolicyLog, action: np.ndarray, n_actions: int) -> np.ndarray:
    """Returns what items looked like where they were shown last, (n_actions, d); 0 if never."""
    if "candidates" not in log.columns:
        return np.eye(n_actions)
    rows = np.arange(len(log))[:, None]
    found = np.zeros((n_actions, log["candidates"].shape[2]))
    found[action] = log["candidates"][rows, log["slate"]]
    return found
