"""Logs that do not say how likely what they show was: their propensities are estimated."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsim_env.agents.core.slate_distribution import shown_of
from recsim_env.benchmark.off_policy.features import SlateFeatures
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.ope.checks import Floats
from recsim_env.ope.choices import fitted_choices
from recsim_env.ope.plackett_luce import place_probabilities, prefix_probabilities
from recsim_env.ope.propensities import Calibration, calibration, estimated_propensities


@dataclass(frozen=True, eq=False)
class EstimatedLog:
    """A log with estimated propensities, and how well they fit.

    Attributes:
      log: with them, in place of any that it had.
      calibration: of the first place: predicted and observed frequencies.
      temperature: above 1 where the model was too sure.
    """

    log: PolicyLog
    calibration: Calibration
    temperature: float


def with_estimated_propensities(log: PolicyLog, *, seed: int = 0) -> EstimatedLog:
    """Returns a log with propensities by a model of what was shown, fitted to other people.

    Fixed actions without features have each a model of their own of what was seen (multinomial
    logistic); other candidates share one of their features and what was seen (conditional logistic,
    place by place). What the logging policy knew and the log lacks biases every estimate by them.

    Args:
      log: of slates without repeats.
      seed: of the folds of people.

    Raises:
      ValueError: there are too few people, or slates repeat an item.
    """
    features, slates = SlateFeatures(log), log["slate"]
    if (np.diff(np.sort(slates, axis=1), axis=1) == 0).any():
        raise ValueError(
            "slates of the log repeat items, and a model of propensities knows none that do"
        )
    folds: dict[str, Any] = {"user": log.people, "n_folds": log.n_folds(), "seed": seed}
    if "candidates" not in log.columns and "item_id" not in log.columns and log.slate_size == 1:
        found = estimated_propensities(
            slates[:, 0], log.n_candidates, context=features.moments, **folds
        )
        places, prefix = found.probabilities[:, None], found.logged[:, None]
        temperature = found.temperature
    else:
        logits, temperature = fitted_choices(features.of_candidates(), slates, **folds)
        places = place_probabilities(logits, log.slate_size)
        prefix = prefix_probabilities(logits, slates)
    columns = dict(log.columns) | _columns(places, prefix, slates)
    fit = calibration(places[:, 0], slates[:, 0])
    return EstimatedLog(dataclasses.replace(log, columns=columns), fit, temperature)


def _columns(places: Floats, prefix: Floats, slates: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "propensity": prefix[:, -1],
        "prefix_propensity": prefix,
        "place_propensity": shown_of(places, slates),
        "candidate_propensity": places,
    }
