"""Settings from typical to wild: a clear error at once, or finite rewards and observations."""

import contextlib
import dataclasses
import math
import resource
import signal
import time
from collections import Counter

import numpy as np
import pytest

from recsim_env.core.settings import ranges
from recsim_env.envs import RecommendationVectorEnv, resolve_scenario
from recsim_env.envs.registry import ENVIRONMENTS
from recsim_env.testing import random_slates

SCENARIOS = sorted({name for name, _ in ENVIRONMENTS.values()})
WILD = (None, "x", True, float("nan"), float("inf"), -float("inf"), 1e39, 1e308, 5e-324, 10**400)
WILD_NUMBERS = (*WILD, -1, 0, 1, -0.0, 2**31, 2**53, 2**63, -(2**63), np.int8(3), np.float32(0.5))

# Catalogues that plain Python draws one by one, unless the settings say otherwise.
DRAWN = ("Boredom", "RatedCatalogue", "ShortVideo", "MusicStreaming")
FEW = {"n_items": 40, "n_candidates": 8}

# What plain Python steps in a moment.
MOST_BYTES, SECONDS = 40_000, 200


def random_setting(field, allowed, rng):
    """Returns a value that is typical, anywhere in the range, or wild."""
    draw = rng.random()
    if draw < 0.04:
        return WILD_NUMBERS[rng.integers(len(WILD_NUMBERS))]
    if field.default is None:  # a reward
        return (None, "clicks")[rng.integers(2)]
    if allowed is not None and allowed.choices:
        return str(rng.choice(allowed.choices))
    if isinstance(field.default, bool):
        return bool(rng.random() < 0.5)
    if isinstance(field.default, str):
        return field.default
    low = allowed.low if allowed and math.isfinite(allowed.low) else (0 if allowed else -1e12)
    high = min(allowed.high, allowed.below) if allowed else 1e12
    if isinstance(field.default, int):
        most = 10 if draw < 0.9 else 60 if draw < 0.97 else high
        return int(min(high, low + math.floor(math.exp(rng.random() * math.log1p(most - low)))))
    if draw < 0.3:
        return float(field.default * rng.uniform(0.5, 2.0))
    if draw < 0.6:
        return float((low, high)[rng.integers(2)])
    size = math.exp(rng.uniform(math.log(1e-9), math.log(max(abs(low), abs(high), 1e-8))))
    return float(np.clip(rng.choice([-1.0, 1.0]) * size, low, high))


def keeps_layout(field, allowed):
    """Returns whether records, and so compiled code, are the same whatever the setting is."""
    is_word = allowed is not None and bool(allowed.choices)
    return is_word or (isinstance(field.default, float) and field.name != "articles_per_day")


def random_settings(kind, rng, *, compiled=False):
    """Returns one setting to all of them, drawn at random; compiled, of one layout."""
    fields = dataclasses.fields(kind)
    if compiled:
        fields = [each for each in fields if keeps_layout(each, ranges(kind).get(each.name))]
    if not fields:
        return {}
    n = 1 if rng.random() < 0.3 else rng.integers(1, len(fields) + 1)
    chosen = rng.choice(len(fields), n, replace=False)
    allowed = ranges(kind)
    return (FEW if kind.__name__ in DRAWN else {}) | {
        fields[index].name: random_setting(fields[index], allowed.get(fields[index].name), rng)
        for index in chosen
    }


def repaired(kind, settings, rng):
    """Returns settings that more often fit each other: those named by a refusal are left out."""
    for _ in range(len(settings)):
        try:
            kind.create(**settings)
        except ValueError as error:
            named = [name for name in settings if f"{name}=" in str(error)]
            if not named:
                break
            settings = {name: settings[name] for name in settings if name != rng.choice(named)}
        else:
            break
    return settings


@contextlib.contextmanager
def at_most(seconds):
    def give_up(*_):
        raise TimeoutError(f"took longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def is_small(scenario, most):
    """Returns whether plain Python makes and steps it in a moment."""
    bytes_of = {name: dtype.itemsize for name, dtype in scenario.schema.dtypes.items()}
    numbers = (bytes_of["user"] + bytes_of["item"]) * scenario.n_candidates
    world = scenario.n_items * bytes_of["item"]
    return numbers + bytes_of["observation"] + world // 10 <= most


def play(scenario, *, compiled, n_steps=4):
    """Raises AssertionError where something is not finite or outside its space."""
    env = RecommendationVectorEnv(scenario, num_envs=1, compiled=compiled)
    rng = np.random.default_rng(0)
    observation, infos = env.reset(seed=3)
    with np.errstate(all="ignore"):
        for step in range(n_steps):
            assert env.observation_space.contains(observation), f"step {step}: outside its space"
            for name, values in observation.items():
                assert np.isfinite(values).all(), f"step {step}: {name} not finite"
            for values in infos.values():
                assert np.isfinite(np.asarray(values, float)).all(), f"step {step}: info"
            for name in ("expected_reward", "long_term_value"):
                if scenario.outlook(name) is not None:
                    assert np.isfinite(getattr(env, name)()).all(), f"step {step}: {name}"
            slates = random_slates(scenario, 1, rng)
            actions = slates[:, 0] if scenario.slate_size == 1 else slates
            observation, rewards, _, _, infos = env.step(actions)
            assert np.isfinite(rewards).all(), f"step {step}: rewards {rewards}"
            env.state = env.state  # what is possible is not refused


def outcome(kind, settings, *, compiled=False, most=MOST_BYTES):
    """Returns "refused", "worked", "large" or what is wrong."""
    begun, memory = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        with at_most(SECONDS):
            scenario = kind.create(**settings)
    except ValueError as error:
        seconds = time.perf_counter() - begun
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) / 1024
        names = [field.name for field in dataclasses.fields(kind)]
        is_clear = any(f"{name}=" in str(error) for name in names) or "nothing ends" in str(error)
        if seconds > 1.0 or grown > 200 or not is_clear:
            return f"FAULT refused after {seconds:.1f} s and {grown:.0f} MB: {error}"
        return "refused"
    except Exception as error:
        return f"FAULT {type(error).__name__}: {error}"
    if not is_small(scenario, most):
        return "large"
    try:
        with at_most(SECONDS):
            play(scenario, compiled=compiled)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return f"FAULT {type(error).__name__}: {error}"
    return "worked"


def fuzz(name, n, seed, *, compiled=False, most=MOST_BYTES):
    kind = type(resolve_scenario(name))
    rng = np.random.default_rng(seed)
    counts: Counter = Counter()
    faults = []
    if compiled:  # outside of the limit of time
        play(kind.create(**(FEW if kind.__name__ in DRAWN else {})), compiled=True)
    for index in range(n):
        settings = random_settings(kind, rng, compiled=compiled)
        if index % 2:
            settings = repaired(kind, settings, rng)
        result = outcome(kind, settings, compiled=compiled, most=most)
        counts[result.split()[0]] += 1
        if result.startswith("FAULT"):
            faults.append((kind.__name__, settings, result))
    print(f"{kind.__name__}: {n} tries, {dict(counts)}")
    return faults


@pytest.mark.parametrize("name", SCENARIOS)
def test_some_settings_are_refused_or_work(name):
    assert fuzz(name, 5, seed=1, most=8000) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_settings_are_refused_or_work(name):
    assert fuzz(name, 1700, seed=2) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_settings_are_refused_or_work_compiled(name):
    assert fuzz(name, 300, seed=3, compiled=True) == []
