"""Streams: draws are functions of keys, agree compiled and plain, and follow their laws."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from recsim_env.compiler.binding import Binder
from recsim_env.core import streams
from recsim_env.core.streams import STREAM

N_DRAWS = 200_000
FALSE_ALARM = 1e-6


def draw_all(rngs, kind, values):
    """A template like those of the kernel: many draws of one kind."""
    for i in range(len(values)):
        if kind == 0:
            values[i] = streams_uniform(rngs[0])
        elif kind == 1:
            values[i] = streams_normal(rngs[0])
        else:
            values[i] = streams_integer(rngs[0], 7)


streams_uniform = streams.uniform
streams_normal = streams.normal
streams_integer = streams.integer


def compiled(function):
    return Binder({}, {}, compiled=True).bind_root(function)


@pytest.fixture(scope="module")
def many_draws():
    loop = compiled(draw_all)

    def draw(kind, n=N_DRAWS, key=1):
        rngs = np.zeros(1, STREAM)
        rngs["state"] = key
        values = np.empty(n)
        loop(rngs, kind, values)
        return values

    return draw


def plain_draws(kind, n, key=1):
    rngs = np.zeros(1, STREAM)
    rngs["state"] = key
    values = np.empty(n)
    draw_all(rngs.view(np.recarray), kind, values)
    return values


@pytest.mark.parametrize("kind", [0, 1, 2])
def test_compiled_equals_plain(many_draws, kind):
    assert np.array_equal(many_draws(kind, 3000), plain_draws(kind, 3000))


def test_splitmix_matches_published_outputs():
    # The first outputs of SplitMix64 from state 1234567, as in Vigna's reference program.
    rng = np.zeros(1, STREAM).view(np.recarray)
    rng["state"] = 1234567
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [streams.random_bits(rng[0]) for _ in expected] == expected


def test_uniform_is_uniform(many_draws):
    values = many_draws(0)
    assert values.min() >= 0
    assert values.max() < 1
    assert stats.kstest(values, "uniform").pvalue > FALSE_ALARM


def test_normal_is_normal_also_in_the_tails(many_draws):
    values = many_draws(1, 2_000_000)
    assert stats.kstest(values[:N_DRAWS], "norm").pvalue > FALSE_ALARM
    for threshold in (2.5, 3.6541528853610088, 4.2):
        expected = 2 * stats.norm.sf(threshold)
        count = int((np.abs(values) > threshold).sum())
        assert stats.binomtest(count, len(values), expected).pvalue > FALSE_ALARM
    assert np.abs(values).max() < streams.MAX_NORMAL


def test_integers_are_equally_likely(many_draws):
    counts = np.bincount(many_draws(2).astype(int), minlength=7)
    assert len(counts) == 7
    assert stats.chisquare(counts).pvalue > FALSE_ALARM


def test_neighbouring_keys_are_unrelated():
    labels = np.array([streams.derive(streams.derive(0, label), 3) for label in range(4000)], float)
    other = np.array([streams.derive(streams.derive(1, label), 3) for label in range(4000)], float)
    bound = stats.norm.isf(FALSE_ALARM / 2) / math.sqrt(4000)
    assert abs(np.corrcoef(labels, other)[0, 1]) < bound
    assert abs(np.corrcoef(labels[1:], labels[:-1])[0, 1]) < bound


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**63 - 1))
def test_derive_stays_within_64_bits(key, label):
    assert 0 <= streams.derive(np.uint64(key), label) < 2**64


@given(st.lists(st.floats(0, 10), min_size=1, max_size=5), st.integers(0, 2**32))
def test_categorical_never_draws_what_has_no_weight(weights, key):
    rng = np.zeros(1, STREAM).view(np.recarray)
    rng["state"] = key
    index = streams.categorical(rng[0], np.array(weights))
    assert 0 <= index < len(weights)
    assert weights[index] > 0 or sum(weights) == 0


def test_categorical_follows_weights():
    rng = np.zeros(1, STREAM).view(np.recarray)
    rng["state"] = 9
    weights = np.array([1.0, 0.0, 3.0, 6.0])
    counts = np.bincount([streams.categorical(rng[0], weights) for _ in range(20_000)], minlength=4)
    assert counts[1] == 0
    assert (
        stats.chisquare(counts[[0, 2, 3]], 20_000 * np.array([0.1, 0.3, 0.6])).pvalue > FALSE_ALARM
    )


@pytest.mark.parametrize("skew", [1, 2, 4])
def test_skewed_follows_its_law(skew):
    rng = np.zeros(1, STREAM).view(np.recarray)
    rng["state"] = 10
    draws = [streams.skewed(rng[0], skew) for _ in range(20_000)]
    assert stats.kstest(draws, lambda x: x ** (1 / skew)).pvalue > FALSE_ALARM
