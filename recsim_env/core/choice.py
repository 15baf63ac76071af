"""Choice models: what a person clicks when shown a slate.

Each model reads ``response[place].score`` of the shown places (``slate[place] >= 0``; an empty
place is never clicked) and writes, for every place, ``probability`` (the chance of a click on it,
before anything is drawn) and ``clicked``. A score is a utility on the log-odds scale, except under
`proportional`. All return the first clicked place, or -1.

The response layout of a scenario that uses them includes `RESPONSE_FIELDS`.
"""

import math

import numpy as np

from recsim_env.compiler.binding import noinline
from recsim_env.core.fields import shown
from recsim_env.core.streams import uniform

#: What they read and write; the recommender sees clicks.
RESPONSE_FIELDS = {"score": float, "probability": float, "clicked": shown(bool)}

#: Names of the models, in the order of the codes that `choose` takes.
MODELS = ("multinomial_logit", "proportional", "cascade", "position_based", "always_first")
MULTINOMIAL_LOGIT, PROPORTIONAL, CASCADE, POSITION_BASED, ALWAYS_FIRST = range(len(MODELS))

#: Models under which the order of a slate matters.
ORDERED_MODELS = ("cascade", "position_based", "always_first")


#: Beyond this, plain Python's exp overflows; a chance of exp(-700) is 0 for all purposes.
MAX_EXPONENT = 700.0


def model_code(name):
    """Returns the integer that stands for a choice model in a config record.

    Raises:
      ValueError: an unknown name; the known ones are listed.
    """
    if name not in MODELS:
        raise ValueError(f"choice={name!r} is unknown; use one of {', '.join(MODELS)}")
    return MODELS.index(name)


def examination_probability(model, clicked, examination):
    """Returns how likely each place of a slate was looked at, given what was clicked.

    A place that was not looked at says nothing about its item. Under `cascade` the places down to a
    click were looked at and those below were not; under `position_based` a clicked place was; where
    nothing is known of a place, the chance is examination ** place, which is exact where items
    attract little. The other models compare all places, but `always_first` sees only the first.

    Args:
      model: one of `MODELS`.
      clicked: (n, slate_size), bool.
      examination: chance of reading on, in [0, 1].

    Returns:
      (n, slate_size), in [0, 1].
    """
    places = np.arange(clicked.shape[1])
    if model == "always_first":
        return np.tile((places == 0).astype(float), (len(clicked), 1))
    look = np.tile(float(examination) ** places, (len(clicked), 1))
    if model == "cascade":
        first = np.argmax(clicked, axis=1)[:, None]
        return np.where(clicked.any(axis=1, keepdims=True), places <= first, look)
    return np.where(clicked, 1.0, look) if model == "position_based" else np.ones(clicked.shape)


def choose(config, slate, response, rng):
    """Lets one person choose from a slate by the model that the config names.

    Args:
      config: record with `choice` (a code), `no_click_score`, `min_normalizer` and `examination`.
      slate: (slate_size,), -1 where a place is empty.
      response: (slate_size,) records with `RESPONSE_FIELDS`, scores filled in.
      rng: the user's stream.

    Returns:
      The first clicked place, or -1.
    """
    if config.choice == MULTINOMIAL_LOGIT:
        return multinomial_logit(slate, response, config.no_click_score, rng)
    if config.choice == PROPORTIONAL:
        return proportional(slate, response, config.no_click_score, config.min_normalizer, rng)
    if config.choice == CASCADE:
        return cascade(slate, response, config.no_click_score, config.examination, rng)
    if config.choice == POSITION_BASED:
        return position_based(slate, response, config.no_click_score, config.examination, rng)
    return always_first(slate, response)


def multinomial_logit(slate, response, no_click_score, rng):
    """Clicks at most one place: P(i) = exp(s_i) / (sum_j exp(s_j) + exp(s_none)).

    Source: McFadden 1974, "Conditional logit analysis of qualitative choice behavior".
    """
    top = no_click_score
    for place in range(len(slate)):
        if slate[place] >= 0:
            top = max(top, response[place].score)
    total = math.exp(no_click_score - top)
    for place in range(len(slate)):
        weight = 0.0
        if slate[place] >= 0:
            weight = math.exp(response[place].score - top)
        response[place].probability = weight
        total += weight
    return click_one(response, total, rng)


def proportional(slate, response, no_click_score, min_normalizer, rng):
    """Clicks at most one place: P(i) = (s_i - m) / (sum_j (s_j - m) + s_none - m).

    `min_normalizer` m shifts the scores so that none is negative; what still is counts as 0.

    Source: RecSim's MultinomialProportionalChoiceModel (Ie et al. 2019, arXiv 1909.04847).
    """
    total = max(no_click_score - min_normalizer, 0.0)
    for place in range(len(slate)):
        weight = 0.0
        if slate[place] >= 0:
            weight = max(response[place].score - min_normalizer, 0.0)
        response[place].probability = weight
        total += weight
    return click_one(response, total, rng)


@noinline
def click_one(response, total, rng):
    """Turns weights into probabilities that leave room for no click, and draws one place."""
    left = uniform(rng) * total
    scale = 1.0 / total if total > 0.0 else 0.0
    chosen = -1
    for place in range(len(response)):
        weight = response[place].probability
        response[place].probability = weight * scale
        is_hit = chosen < 0 and left < weight
        response[place].clicked = is_hit
        if is_hit:
            chosen = place
        left -= weight
    return chosen


def attraction_probability(score, no_click_score):
    """Returns the chance of a click on an item looked at alone, sigmoid(s - s_none).

    It is what `multinomial_logit` gives for a slate of one, so that the models agree there.
    """
    return 1.0 / (1.0 + math.exp(min(no_click_score - score, MAX_EXPONENT)))


def click_chance(config, score):
    """Returns the chance of a click on an item shown alone, under the config's choice model."""
    if config.choice == PROPORTIONAL:
        weight = max(score - config.min_normalizer, 0.0)
        total = weight + max(config.no_click_score - config.min_normalizer, 0.0)
        return weight / total if total > 0.0 else 0.0
    if config.choice == 4:
        return 1.0
    return attraction_probability(score, config.no_click_score)


def cascade(slate, response, no_click_score, examination, rng):
    """Reads from the top, clicks with the attraction of each item, and stops after a click.

    Args:
      slate: (slate_size,), -1 where a place is empty; an empty place is passed over.
      response: (slate_size,) records.
      no_click_score: the score at which an item looked at is clicked half of the time.
      examination: chance of reading on after an item that was not clicked, in [0, 1].
      rng: the user's stream; two uniforms are drawn per item looked at.

    Source: Craswell et al. 2008, "An experimental comparison of click position-bias models".
    Differs: reading may also stop without a click.
    """
    chosen = -1
    is_reading = True
    reach = 1.0
    for place in range(len(slate)):
        response[place].probability = 0.0
        response[place].clicked = False
        if slate[place] < 0:
            continue
        attraction = attraction_probability(response[place].score, no_click_score)
        response[place].probability = reach * attraction
        reach *= (1.0 - attraction) * examination
        if is_reading:
            if uniform(rng) < attraction:
                response[place].clicked = True
                chosen = place
                is_reading = False
            elif uniform(rng) >= examination:
                is_reading = False
    return chosen


def position_based(slate, response, no_click_score, examination, rng):
    """Clicks each place on its own: P(l) = examination ** l * attraction, l counted from 0.

    Several places may be clicked.

    Source: Richardson et al. 2007, "Predicting clicks: estimating the click-through rate for new
    ads"; the position-based model of Chuklin et al. 2015, "Click models for web search".
    Differs: the chance that a place is looked at falls geometrically instead of being a table.
    """
    chosen = -1
    look = 1.0
    for place in range(len(slate)):
        response[place].probability = 0.0
        response[place].clicked = False
        if slate[place] >= 0:
            attraction = attraction_probability(response[place].score, no_click_score)
            response[place].probability = look * attraction
            if uniform(rng) < look * attraction:
                response[place].clicked = True
                if chosen < 0:
                    chosen = place
        look *= examination
    return chosen


def always_first(slate, response):
    """Clicks the first shown place, whatever it holds.

    Source: RecSim's long-term satisfaction user (Ie et al. 2019, arXiv 1909.04847).
    """
    chosen = -1
    for place in range(len(slate)):
        is_first = chosen < 0 and slate[place] >= 0
        response[place].probability = 1.0 if is_first else 0.0
        response[place].clicked = is_first
        if is_first:
            chosen = place
    return chosen
