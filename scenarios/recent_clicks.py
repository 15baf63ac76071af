"""What recent clicks do to a person: they bore, they influence, and they are forgotten.

The functions are about one person of `recsim_env.scenarios.boredom`, whose record they change.
"""

import math

from recsim_env.compiler.binding import noinline

BORED_OF = ("everything", "topic")
EVERYTHING = BORED_OF.index("everything")


def take_in(config, user, item):
    """Remembers a click, forgetting the oldest where there are too many."""
    if user.n_recent == config.recent_clicks:
        forget_oldest(config, user)
    entry = (user.oldest + user.n_recent) % config.recent_clicks
    user.recent_topic[entry] = item.topic
    user.recent_time[entry] = user.time
    user.n_recent += 1
    user.n_clicks[item.topic] += 1
    for topic in range(config.n_topics):
        user.pull[topic] += item.embedding[topic]


@noinline
def forget_oldest(config, user):
    """Drops the oldest of the recent clicks."""
    user.n_clicks[user.recent_topic[user.oldest]] -= 1
    user.oldest = (user.oldest + 1) % config.recent_clicks
    user.n_recent -= 1


def move_on(config, user, n_clicked):
    """Ends a step: old clicks are forgotten, boredom comes and goes, and clicks influence."""
    user.time += 1
    while user.n_recent > 0 and (user.recent_time[user.oldest] < user.time - config.boredom_window):
        forget_oldest(config, user)
    if config.boredom_threshold > 0:
        get_bored(config, user)
    if n_clicked > 0:
        be_influenced(config, user, n_clicked)


@noinline
def get_bored(config, user):
    """Ends boredom that has lasted, begins what is due, and turns attention away from it."""
    n_bored = 0
    for topic in range(config.n_topics):
        if user.is_bored[topic]:
            user.bored_steps_left[topic] -= 1
            if user.bored_steps_left[topic] == 0:
                user.is_bored[topic] = 0
        if not user.is_bored[topic]:
            user.bored_steps_left[topic] = config.boredom_window
        if user.n_clicks[topic] >= config.boredom_threshold:
            user.is_bored[topic] = 1
        if user.is_bored[topic]:
            n_bored += 1
    user.keenness = 1.0
    for topic in range(config.n_topics):
        is_dull = user.is_bored[topic] or (config.bored_of == EVERYTHING and n_bored > 0)
        user.attention[topic] = 0.0 if is_dull else 1.0
        if user.is_bored[topic]:
            user.keenness *= 1.0 - config.relevance_penalty


@noinline
def be_influenced(config, user, n_clicked):
    """Moves interests towards what was clicked in this step, and adds it to the profile."""
    mean = 0.0
    for topic in range(config.n_topics):
        user.profile[topic] += user.pull[topic]
        mean += user.pull[topic] / config.n_topics
    if config.influence > 0.0:
        for topic in range(config.n_topics):
            drawn_to = mean if config.scalar_influence else user.pull[topic]
            user.interest[topic] *= 1.0 - config.influence
            user.interest[topic] += config.influence * drawn_to / n_clicked
        scale_to_unit(user.interest)
    for topic in range(config.n_topics):
        user.pull[topic] = 0.0


def clicks_to_boredom(config, user, topic):
    """Returns how many clicks on a topic in the coming step bore the person; 0 is never."""
    if config.boredom_threshold == 0:
        return config.recent_clicks + 1
    left = config.boredom_threshold
    for place in range(user.n_recent):
        entry = (user.oldest + place) % config.recent_clicks
        is_lasting = user.recent_time[entry] > user.time - config.boredom_window
        if is_lasting and user.recent_topic[entry] == topic:
            left -= 1
    return left


def price(config, left):
    """Returns the clicks that one more click costs later, `left` clicks before boredom."""
    if config.boredom_threshold == 0:
        return 0.0
    return config.spell_cost * config.spell_decay ** max(0, left - 1)


def length_of(vector):
    """Returns the Euclidean length."""
    total = 0.0
    for value in vector:
        total += float(value) * float(value)
    return math.sqrt(total)


def scale_to_unit(vector):
    """Scales a vector to length 1."""
    length = length_of(vector)
    for index in range(len(vector)):
        vector[index] = vector[index] / length
