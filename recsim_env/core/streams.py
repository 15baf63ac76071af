"""Counter-based random streams: every draw is a pure function of a key and a count.

A stream is a record with one 64-bit state. Its key is derived from what the draw is for (the seed
of a slot, the episode, the step, the purpose), never from earlier draws, so two runs that differ in
one thing still draw the same numbers everywhere else: common random numbers. The generator is
SplitMix64, whose n-th output is a mixing function of ``key + n * GAMMA``.

The functions are scalar Python; `recsim_env.engine.kernel` compiles them. Integers are masked to 64
bits, which costs nothing compiled and makes plain Python agree to the bit.

Source: Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"; the normal
draws follow Marsaglia and Tsang 2000, "The ziggurat method for generating random variables", in the
form of Doornik 2005, "An improved ziggurat method to generate normal random samples".
"""

import math

import numpy as np

from recsim_env.compiler.binding import noinline

STREAM = np.dtype([("state", np.uint64)], align=True)

MASK = 0xFFFFFFFFFFFFFFFF
GAMMA = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB
TO_UNIT = 2.0**-53

# What a key is derived for: its links are (seed, EPISODE, episode, FIRST_STEP + step, purpose) for
# what happens and (world_seed, WORLD, purpose, id) for what people and items are like.
EPISODE, WORLD, USER, ITEM, BEGIN, CANDIDATES, CHOICE, FIRST_STEP = range(8)


def _ziggurat_tables(n_layers=256, tail=3.6541528853610088):
    """Returns the widths of the layers and the ratios of neighbouring ones."""
    density = math.exp(-0.5 * tail * tail)
    tail_area = math.sqrt(math.pi / 2) * math.erfc(tail / math.sqrt(2))
    area = tail * density + tail_area
    widths = np.zeros(n_layers + 1)
    widths[0], widths[1] = area / density, tail
    for layer in range(2, n_layers):
        widths[layer] = math.sqrt(-2.0 * math.log(area / widths[layer - 1] + density))
        density = math.exp(-0.5 * widths[layer] ** 2)
    return widths, widths[1:] / widths[:-1]


LAYER_WIDTH, LAYER_RATIO = _ziggurat_tables()

# A point in a layer is a signed integer of 53 bits times the layer's step; below `LAYER_INNER` in
# size it lies in the next layer too, and is accepted at once.
HALF = 2**52
LAYER_STEP = LAYER_WIDTH / HALF
LAYER_INNER = np.floor(LAYER_RATIO * HALF)
TAIL_START = LAYER_WIDTH[1]

#: No normal draw is further from 0: the tail is at most TAIL_START + 53 ln 2 / TAIL_START.
MAX_NORMAL = 14.0


def mix(x):
    """Returns the 64-bit finalizer of SplitMix64: neighbouring inputs, unrelated outputs."""
    x = ((x ^ (x >> 30)) * MIX_1) & MASK
    x = ((x ^ (x >> 27)) * MIX_2) & MASK
    return x ^ (x >> 31)


def derive(key, label):
    """Returns the key of a child stream: the `label`-th output of the stream with this key."""
    # Through np.uint64, since Numba takes the sum of a signed and an unsigned integer as signed.
    return mix((int(np.uint64(key)) + int(np.uint64(label)) * GAMMA + GAMMA) & MASK)


def start(rng, key, label):
    """Points `rng` (a `STREAM` record) at the beginning of the child stream `label` of `key`."""
    rng.state = derive(key, label)


def random_bits(rng):
    """Returns 64 random bits and advances the stream by one."""
    state = (int(rng.state) + GAMMA) & MASK
    rng.state = state
    return mix(state)


def uniform(rng):
    """Returns a number from [0, 1) with 53 random bits."""
    return np.int64(random_bits(rng) >> 11) * TO_UNIT


def uniform_between(rng, low, high):
    """Returns a number from [low, high)."""
    return low + (high - low) * uniform(rng)


def integer(rng, n):
    """Returns an integer from 0 to n - 1, for n far below 2**53."""
    return int(uniform(rng) * n)


def skewed(rng, skew):
    """Returns a number from [0, 1) with density proportional to x ** (1 / skew - 1).

    It is a uniform number to the power `skew`, an integer: products are much faster than powers.
    Ids drawn in proportion to it have a long tail, the first being the most frequent.
    """
    u = uniform(rng)
    x = u
    for _ in range(skew - 1):
        x *= u
    return x


def bernoulli(rng, probability):
    """Returns True with this probability."""
    return uniform(rng) < probability


def normal(rng):
    """Returns a draw from N(0, 1); usually one count of the stream, now and then more."""
    bits = random_bits(rng)
    layer = np.int64(bits & 255)
    point = float(np.int64(bits >> 11) - HALF)
    if abs(point) < LAYER_INNER[layer]:
        return point * LAYER_STEP[layer]
    return normal_beyond(rng, layer, point)


@noinline
def normal_beyond(rng, layer, point):
    """Goes on where a point fell outside the safe part of its layer (1 in 80)."""
    while abs(point) >= LAYER_INNER[layer]:
        x = point * LAYER_STEP[layer]
        if layer == 0:
            return math.copysign(normal_tail(rng), x)
        outer = math.exp(-0.5 * (LAYER_WIDTH[layer] ** 2 - x * x))
        inner = math.exp(-0.5 * (LAYER_WIDTH[layer + 1] ** 2 - x * x))
        if inner + uniform(rng) * (outer - inner) < 1.0:
            return x
        bits = random_bits(rng)
        layer = np.int64(bits & 255)
        point = float(np.int64(bits >> 11) - HALF)
    return point * LAYER_STEP[layer]


@noinline
def normal_tail(rng):
    """Returns a draw from N(0, 1) given that it exceeds the last layer."""
    while True:
        beyond = -math.log(1.0 - uniform(rng)) / TAIL_START
        if -2.0 * math.log(1.0 - uniform(rng)) > beyond * beyond:
            return TAIL_START + beyond


def lognormal(rng, mean, sd):
    """Returns exp(N(mean, sd)): `mean` and `sd` are those of the logarithm."""
    return math.exp(mean + sd * normal(rng))


def categorical(rng, weights):
    """Returns an index drawn in proportion to `weights`, a non-empty 1-D array, not all zero."""
    total = 0.0
    for weight in weights:
        total += weight
    left = uniform(rng) * total
    last = 0
    for index in range(len(weights)):
        if weights[index] > 0.0:
            last = index
            left -= weights[index]
            if left < 0.0:
                return index
    return last
