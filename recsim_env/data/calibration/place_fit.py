"""How much less is clicked where it is looked at less: examination by place."""

from __future__ import annotations

import numpy as np

from recsim_env.data.calibration.factorization import FactorModel
from recsim_env.data.calibration.gain import Effect, Found, gain_over_people
from recsim_env.data.calibration.prediction import user_areas
from recsim_env.data.calibration.rates import fit_rates, rates_of
from recsim_env.data.calibration.settings import CalibrationSettings
from recsim_env.data.log import InteractionLog

# As many impressions tell enough.
_MOST_SHOWN = 1_000_000

# What stands further down is looked at as this place is.
_MOST_PLACES = 50

# Levels of taste, and clicks that effects are drawn to 1 by.
_N_TASTES, _PRIOR = 10, 1.0


def fit_places(log: InteractionLog, model: FactorModel, settings: CalibrationSettings) -> Found:
    """Returns how likely each place is looked at, from what was shown and clicked.

    The position-based model: the chance of a click is that of looking at the place times the
    appeal of the item, here one for the item and one for how much it suits the person. Items that
    stood in several places tell the two apart. Nine in ten slates are fitted to, the others judge.

    Args:
      log: of clicks; without impressions and places there is nothing to find.
      model: of likings.
      settings: of the fit.

    Source: Craswell et al. 2008, "An experimental comparison of click position-bias models".
    """
    shown = log.impressions
    if not settings.places or shown is None or shown.place is None or not shown.place.any():
        return Found([], {})
    rng = np.random.default_rng([settings.seed, 6])
    slate = np.arange(len(shown)) if shown.slate is None else shown.slate
    is_held_out = (rng.random(int(slate.max()) + 1) < settings.held_out_share)[slate]
    if len(shown) > _MOST_SHOWN:
        kept = rng.random(len(shown)) < _MOST_SHOWN / len(shown)
        shown, is_held_out = shown.select(kept), is_held_out[kept]
    suits = np.einsum("nk,nk->n", model.user_factors[shown.user], model.item_factors[shown.item])
    suits += model.user_bias[shown.user]
    ends = np.quantile(suits, np.arange(1, _N_TASTES) / _N_TASTES)
    assert shown.place is not None
    place = np.minimum(shown.place, _MOST_PLACES - 1)
    codes = [shown.item, np.searchsorted(ends, suits), place]
    clicked = shown.is_clicked.astype(np.float64)
    sizes = [log.n_items, _N_TASTES, int(place.max()) + 1]
    fitted, mean = [code[~is_held_out] for code in codes], clicked[~is_held_out].mean()
    with_place, without = (
        fit_rates(
            clicked[~is_held_out],
            np.full(len(fitted[0]), mean),
            fitted[:n],
            sizes=sizes[:n],
            priors=[_PRIOR] * n,
        )
        for n in (3, 2)
    )
    tried = [code[is_held_out] for code in codes]
    new, old = mean * rates_of(with_place, tried), mean * rates_of(without, tried[:2])
    user, is_clicked = shown.user[is_held_out], shown.is_clicked[is_held_out]
    areas = user_areas(new, is_clicked, user) - user_areas(old, is_clicked, user)
    gain = gain_over_people(is_clicked * np.log(new / old) - (new - old), user, areas)
    look = with_place[2] / with_place[2].max()
    clicks = np.bincount(place, clicked, minlength=len(look))
    said = ", ".join(f"{each:.2f}" for each in look[:10])
    effect = Effect(
        "place",
        f"looked at, from the first place: {said}{' …' if len(look) > 10 else ''}",
        gain,
        {"examination": look.tolist(), "n_clicks": clicks.tolist()},
    )
    return Found([effect], {"place_appeal": np.log(look)} if gain.is_real else {})
