"""What logs say that a policy earns with a slate, in the moments that they led to."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from recsim_env.benchmark.off_policy.asked import Asked
from recsim_env.benchmark.off_policy.embedding import Embedding, topic_embedding
from recsim_env.benchmark.off_policy.slate_weights import pseudo_inverse_weight
from recsim_env.ope import LoggedSlates, SlateProbabilities, ValueEstimate
from recsim_env.ope.bandits import BANDIT_ESTIMATORS, dros, ips, sub_gaussian_ips, switch_dr
from recsim_env.ope.checks import Floats
from recsim_env.ope.clipping import clips_of
from recsim_env.ope.embeddings import mips, regressed_weights, topic_weights
from recsim_env.ope.fitted_q import fitted_cascade
from recsim_env.ope.slates import SLATE_ESTIMATORS
from recsim_env.ope.slope import chosen_by_slope


def _clips(weights: Floats) -> Sequence[float]:
    return clips_of(weights) or (1.0,)


#: Estimators with a setting: its name, and the values among which SLOPE chooses by the weights.
_TUNED: dict[str, tuple[Callable[..., ValueEstimate], str, Callable[[Floats], Sequence[float]]]] = {
    "clipped-ips": (ips, "clip", _clips),
    "sub-gaussian-ips": (sub_gaussian_ips, "shrinkage", lambda _: (0.01, 0.03, 0.1, 0.3, 1.0)),
    "switch-dr": (switch_dr, "threshold", _clips),
    "dros": (dros, "shrinkage", lambda _: (1.0, 10.0, 100.0, 1e3, 1e4, 1e5)),
}

#: Names of estimators that take a slate as one choice.
_OF_CHOICES = tuple(dict.fromkeys(["dm", "ips", "clipped-ips", *BANDIT_ESTIMATORS, "mips"]))

#: Names of estimators that take slates apart, and what of both policies they need.
_OF_PLACES = ("iips", "sn-iips", "rips", "sn-rips", "cascade-dr")
_OF_SUMS = ("pseudo-inverse", "sn-pseudo-inverse")

PER_SLATE_ESTIMATORS = (*_OF_CHOICES, *_OF_PLACES, *_OF_SUMS)
"""All names."""


def slate_estimates(asked: Asked) -> list[ValueEstimate]:
    """Returns the estimates of the reward of a slate that are wanted, and that the log allows."""
    found = [_of_choices(asked, name) for name in _OF_CHOICES if asked.wants(name)]
    if asked.log.slate_size > 1:
        found += _by_places(asked)
    return [each for each in found if each is not None]


def _of_choices(asked: Asked, name: str) -> ValueEstimate | None:
    if name == "mips":
        return _by_embedding(asked)
    if name in _TUNED:
        function, setting, values = _TUNED[name]
        return chosen_by_slope(
            function,
            asked.actions,
            setting,
            values(asked.actions.weights),
            uncertainty=asked.how(name),
        )
    return BANDIT_ESTIMATORS[name](asked.actions, uncertainty=asked.how(name))


def _by_embedding(asked: Asked) -> ValueEstimate | None:
    """Returns marginalized IPS: by kinds of items where both policies' chances of them are known.

    Otherwise weights are regressed on the embedding, times what was seen. None where nothing is
    asked for by name, and chances are not known.
    """
    log, logging = asked.log, asked.log.candidate_propensity()
    embedding = asked.embedding or topic_embedding(log)
    if embedding is None or (logging is None and asked.embedding is None):
        return None
    kinds = None if logging is None else embedding.kinds
    if kinds is None or logging is None:
        weights = _regressed(asked, embedding)
    else:
        shown = kinds[np.arange(len(log)), log["slate"][:, 0]]
        weights = topic_weights(logging[:, 0], asked.target.places[:, 0], kinds, shown)
    is_regressed = kinds is None
    found = mips(asked.choices, weights, is_regressed=is_regressed, uncertainty=asked.how("mips"))
    how = " regressed" if is_regressed else ""
    return replace(found, setting=f"{embedding.name}{how}" if embedding.name else "")


def _regressed(asked: Asked, embedding: Embedding) -> Floats:
    items = embedding.shown(asked.log["slate"])
    folds = asked.log.n_folds()
    return regressed_weights(asked.choices, asked.features.crossed(items), n_folds=folds)


def _by_places(asked: Asked) -> list[ValueEstimate | None]:
    """Returns estimates that take slates apart, of those that the log allows."""
    log, target, slates = asked.log, asked.target, asked.log["slate"]
    place, prefix = log.places("place"), log.places("prefix")
    weight = pseudo_inverse_weight(log, target) if any(map(asked.wants, _OF_SUMS)) else None
    names: tuple[str, ...] = _OF_PLACES if place is not None and prefix is not None else ()
    names += _OF_SUMS if weight is not None else ()
    logged = LoggedSlates(
        reward=log.place_rewards.astype(np.float64),
        propensity=SlateProbabilities(place=place, prefix=prefix),
        target=SlateProbabilities(
            place=np.minimum(target.shown(slates), 1.0), prefix=np.minimum(target.prefix, 1.0)
        ),
        pseudo_inverse_weight=weight,
        user=log.people,
        context=asked.features.kinds,
    )
    return [_of_places(asked, logged, name) for name in names if asked.wants(name)]


def _of_places(asked: Asked, logged: LoggedSlates, name: str) -> ValueEstimate:
    if name == "cascade-dr":
        return SLATE_ESTIMATORS[name](_modelled(asked, logged), uncertainty=asked.how(name))
    plain = name.removeprefix("sn-")
    return SLATE_ESTIMATORS[plain](
        logged, self_normalised=plain != name, uncertainty=asked.how(name)
    )


def _modelled(asked: Asked, logged: LoggedSlates) -> LoggedSlates:
    """Returns logged slates with a model of what places earn from each one down."""
    slates, target = asked.log["slate"], asked.target
    above = np.ones_like(target.prefix)
    above[:, 1:] = target.prefix[:, :-1]
    # Of what the target never shows above, nothing counts: any chances will do.
    chances = target.next_places / np.where(above > 0.0, above, 1.0)[:, :, None]
    expected, value = fitted_cascade(
        logged,
        asked.features.down_to(slates),
        asked.features.expected_down_to(slates, chances),
        n_folds=asked.log.n_folds(),
    )
    return replace(logged, model_reward=expected, model_value=value)
