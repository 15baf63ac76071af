"""What videos and their viewers are like, and what is known of them."""

import math

from recsim_env.core.streams import categorical, normal

# Lengths of videos are log-normal around this median, within these bounds.
_MEDIAN_SECONDS, _LOG_SECONDS_SD, _MIN_SECONDS, _MAX_SECONDS = 25.0, 0.7, 5.0, 300.0


def draw_video(config, item, rng):
    """Draws a category, a direction near it, quality, cover, length, and noisy features."""
    item.category = categorical(rng, config.category_sizes)
    square = 0.0
    for index in range(len(item.embedding)):
        item.embedding[index] = normal(rng)
        square += item.embedding[index] ** 2
    mixed = math.sqrt((1.0 - config.category_share**2) / square)
    for index in range(len(item.embedding)):
        item.embedding[index] *= mixed
    item.embedding[item.category] += config.category_share
    square = 0.0
    for index in range(len(item.embedding)):
        square += item.embedding[index] ** 2
    for index in range(len(item.embedding)):
        item.embedding[index] /= math.sqrt(square)
        noise = config.feature_noise * normal(rng)
        item.features[index] = item.embedding[index] + noise
    item.quality = config.quality_sd * normal(rng)
    item.cover = config.cover_sd * normal(rng)
    seconds = _MEDIAN_SECONDS * math.exp(_LOG_SECONDS_SD * normal(rng))
    item.seconds = min(_MAX_SECONDS, max(_MIN_SECONDS, seconds))
    item.log_seconds = math.log(item.seconds / _MEDIAN_SECONDS)
    item.features[config.n_categories] = item.quality + config.feature_noise * normal(rng)
    item.features[config.n_categories + 1] = item.cover + config.feature_noise * normal(rng)
    item.features[config.n_categories + 2] = item.log_seconds


def draw_viewer(config, user, rng):
    """Draws tastes and patience, and what is known of them."""
    n_categories = config.n_categories
    for index in range(len(user.profile)):
        trait = normal(rng)
        user.profile[index] = trait + config.profile_noise * normal(rng)
        deviation = config.trait_sd * trait
        if index < n_categories:
            user.taste[index] = config.category_taste[index] + config.taste_sd * trait
        elif index == n_categories:
            user.quality_taste = 1.0 + deviation
        elif index == n_categories + 1:
            user.cover_taste = 1.0 + deviation
        elif index == n_categories + 2:
            user.length_taste = deviation
        else:
            user.usual_patience = config.patience * math.exp(deviation)
