"""What a person does with one video: click, watch, react, and how that felt."""

import math

from recsim_env.core.choice import MAX_EXPONENT, attraction_probability
from recsim_env.core.streams import uniform

REWARDS = ("feedback", "watch_minutes")
WATCH_MINUTES = REWARDS.index("watch_minutes")

#: Kinds of feedback, in the order in which they are shown.
FEEDBACK = ("clicked", "long_view", "liked", "commented", "shared", "followed", "disliked")

# A view is long after so many seconds, or at the end of a shorter video, as Kuaishou counts it.
_LONG_VIEW_SECONDS = 18.0


def liking_of(config, user, item):
    """Returns how much the person likes the video: taste and quality."""
    liking = user.quality_taste * item.quality + user.length_taste * item.log_seconds
    for index in range(len(item.embedding)):
        liking += user.taste[index] * item.embedding[index]
    return liking


def similarity(item, other):
    """Returns how alike two videos are: the cosine of what they are about, 0 where negative."""
    cosine = 0.0
    for index in range(len(item.embedding)):
        cosine += item.embedding[index] * other.embedding[index]
    return max(0.0, cosine)


def click_chance_of(config, user, liking, item):
    """Returns the chance of a click on the video shown alone: liking, and what the cover adds."""
    score = liking + user.cover_taste * item.cover + config.click_score
    return attraction_probability(score, 0.0)


def chance_clicked(config, user, item):
    """Returns the chance of a click on the video shown alone."""
    return click_chance_of(config, user, liking_of(config, user, item), item)


def long_view_chance(config, liking):
    """Returns the chance that a clicked video is watched for long; the cover does not help."""
    return attraction_probability(liking + config.long_view_score, 0.0)


def expected_seconds(item, long_view):
    """Returns the expected time watched after a click."""
    short = min(_LONG_VIEW_SECONDS, item.seconds)
    return 0.5 * (short + long_view * item.seconds)


def zeal_for(config, liking):
    """Returns by how much the rate of a reaction grows with this liking; for dislikes, negated."""
    return math.exp(min(config.zeal * liking, MAX_EXPONENT))


def value_of_click(config, liking, item, long_view):
    """Returns the expected reward of a click."""
    if config.reward == WATCH_MINUTES:
        return expected_seconds(item, long_view) / 60.0
    zeal = zeal_for(config, liking)
    value = config.click_weight + config.long_view_weight * long_view
    value += config.like_weight * min(1.0, config.like_rate * zeal)
    value += config.comment_weight * min(1.0, config.comment_rate * zeal)
    value += config.share_weight * min(1.0, config.share_rate * zeal)
    return value + config.follow_weight * min(1.0, config.follow_rate * zeal)


def clicked_reward(config, user, liking, item):
    """Returns the expected reward of what follows a click on the video shown alone."""
    long_view = long_view_chance(config, liking)
    return click_chance_of(config, user, liking, item) * value_of_click(
        config, liking, item, long_view
    )


def dislike_chance(config, liking):
    """Returns the chance that the person says they do not want to see such videos."""
    return min(1.0, config.dislike_rate * zeal_for(config, -liking))


def dislike_reward(config, liking):
    """Returns the expected reward of what does not need a click."""
    if config.reward == WATCH_MINUTES:
        return 0.0
    return config.dislike_weight * dislike_chance(config, liking)


def clicked_pleasure(config, liking):
    """Returns the expected pleasure of a click: regret where the view was not long."""
    long_view = long_view_chance(config, liking)
    return long_view - config.click_regret * (1.0 - long_view)


def clicked_value(config, user, liking, item):
    """Returns the expected reward and the priced pleasure of what follows a click."""
    pleasure = click_chance_of(config, user, liking, item) * clicked_pleasure(config, liking)
    return clicked_reward(config, user, liking, item) + config.pleasure_price * pleasure


def expected_pleasure(config, user, liking, item):
    """Returns the expected pleasure of the video shown alone."""
    pleasure = click_chance_of(config, user, liking, item) * clicked_pleasure(config, liking)
    return pleasure - config.dislike_regret * dislike_chance(config, liking)


def write_click_chances(config, user, items, slate, response):
    """Writes liking and chance of a click for each place: similar items crowd each other out."""
    for place in range(len(slate)):
        response[place].probability = 0.0
        if slate[place] >= 0 and config.crowding > 0.0:
            for rival in range(place):
                if slate[rival] >= 0:
                    alike = similarity(items[slate[place]], items[slate[rival]])
                    response[place].probability += alike
                    response[rival].probability += alike
    for place in range(len(slate)):
        if slate[place] >= 0:
            item = items[slate[place]]
            liking = liking_of(config, user, item)
            left = max(0.0, 1.0 - config.crowding * response[place].probability)
            response[place].score = liking
            response[place].probability = left * click_chance_of(config, user, liking, item)


def react(config, user, item, response, rng):
    """Draws what the person does with one video; a person who does not click may still dislike."""
    liking = response.score
    response.disliked = uniform(rng) < dislike_chance(config, liking)
    response.clicked = uniform(rng) < response.probability
    if not response.clicked:
        return
    zeal = zeal_for(config, liking)
    response.long_view = uniform(rng) < long_view_chance(config, liking)
    response.liked = uniform(rng) < config.like_rate * zeal
    response.commented = uniform(rng) < config.comment_rate * zeal
    response.shared = uniform(rng) < config.share_rate * zeal
    response.followed = uniform(rng) < config.follow_rate * zeal
    short = min(_LONG_VIEW_SECONDS, item.seconds)
    if response.long_view:
        response.watch_seconds = short + (item.seconds - short) * uniform(rng)
    else:
        response.watch_seconds = short * uniform(rng)
    response.watch_share = response.watch_seconds / item.seconds


def reward_of(config, response):
    """Returns the weighted feedback, or the time watched."""
    if config.reward == WATCH_MINUTES:
        return response.watch_seconds / 60.0
    reward = config.dislike_weight if response.disliked else 0.0
    if not response.clicked:
        return reward
    reward += config.click_weight
    reward += config.long_view_weight if response.long_view else 0.0
    reward += config.like_weight if response.liked else 0.0
    reward += config.comment_weight if response.commented else 0.0
    reward += config.share_weight if response.shared else 0.0
    return reward + (config.follow_weight if response.followed else 0.0)


def pleasure_of(config, response):
    """Returns what one video did to the mood."""
    pleasure = -config.dislike_regret if response.disliked else 0.0
    if response.long_view:
        return pleasure + 1.0
    return pleasure - (config.click_regret if response.clicked else 0.0)


def clicked_in_vain(response):
    """Returns, of records, what people would rather not have consumed.

    Clicked and not watched for long, or disliked: what pleasure is taken off for.
    """
    return ~response["long_view"] | response["disliked"]
