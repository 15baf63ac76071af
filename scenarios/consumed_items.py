"""What a person consumed in this session: a small hash table in their record.

The functions are about one person of `recsim_env.scenarios.rated_catalogue`.
"""

# An odd multiplier that spreads item ids over the table of consumed ones, and a prime below 63.
_HASH = 0x9E3779B1
_SEEN_BITS = 61


def table_size(n_entries: int) -> int:
    """Returns the size of a hash table that is at most half full: a power of two."""
    return 1 << (2 * n_entries - 1).bit_length()


def entry_of(user, item_id):
    """Returns where the item stands, or would stand, in the table of consumed items."""
    mask = len(user.consumed) - 1
    entry = (item_id * _HASH >> 8) & mask
    while user.consumed[entry] != 0 and user.consumed[entry] != item_id + 1:
        entry = (entry + 1) & mask
    return entry


def has_consumed(user, item_id):
    """Returns whether the person consumed the item in this session.

    One word of bits rules out most items, so that the table is seldom looked up: with thousands of
    people it does not fit the processor's cache.
    """
    if (user.seen >> (item_id % _SEEN_BITS)) & 1 == 0:
        return False
    return user.consumed[entry_of(user, item_id)] != 0


def consume(config, user, item_id, item, rating):
    """Writes down what was consumed and how it was rated."""
    user.consumed[entry_of(user, item_id)] = item_id + 1
    user.seen |= 1 << (item_id % _SEEN_BITS)
    user.n_consumed += 1
    above_mean = rating - config.global_mean
    user.sum_above_mean += above_mean
    for index in range(config.n_item_features):
        user.profile[index] += above_mean * item.features[index]
