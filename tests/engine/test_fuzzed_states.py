"""Damaged states, restored: refused, or run with valid output; never a crash or an endless loop."""

import json
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from recsim_env.envs import RecommendationVectorEnv, resolve_scenario
from recsim_env.envs.registry import ENVIRONMENTS
from recsim_env.testing import random_slates

DEFAULTS = {name.removesuffix("-v0"): each for name, each in ENVIRONMENTS.items()}
OURS = [name for name, (_, settings) in DEFAULTS.items() if not settings]
# Names of environments, and settings with which their records or functions are others.
VARIETIES = [
    *((name, {}) for name in OURS),
    ("InterestEvolution", {"n_users": 50, "n_items": 60, "slate_size": 1}),
    ("InterestExploration", {"n_users": 9, "autoreset_mode": "SameStep"}),
    ("LongTermSatisfaction", {"slate_size": 3, "time_budget": 4}),
    ("BernoulliBandit", {"change_every": 3, "n_candidates": 4, "slate_size": 2}),
    ("Boredom", {"observe_state": True, "influence": 0.5, "n_items": 40}),
    ("Boredom", {"show_items": False, "boredom_threshold": 0, "bored_of": "topic"}),
    ("CreatorEconomy", {"n_creators": 4, "n_items": 20, "weeks": 2.0, "slate_size": 1}),
    ("MusicStreaming", {"n_days": 30, "slate_size": 3, "n_recent": 1, "reward": "returns"}),
    ("NewsFeed", {"reward": "dwell", "choice": "position_based", "n_topics": 3}),
    ("OrganicShopping", {"n_candidates": 4, "show_ids": False, "irregular_time": True}),
    ("RatedCatalogue", {"n_candidates": 0, "n_items": 30, "reward": "rating"}),
    ("RatedCatalogue", {"n_user_features": 0, "n_item_features": 0, "max_slates": 3}),
    ("ShortVideo", {"exposure_window": 1, "slate_size": 1}),
    ("ShortVideo", {"exposure_limit": 0, "reward": "watch_minutes", "churn_days": 1}),
]
WHOLE = (-1, 0, 1, 2, -2, 7, 100, 10**12, 2**31 - 1, 2**63 - 1, -(2**63))
REAL = (np.nan, np.inf, -np.inf, -1.0, 0.0, 1.0, 2.0, 1e9, -1e9, 1e30, 1e300, -1e300, 5e-324)


def leaves(array):
    """Returns all arrays of numbers that a structured array is made of, as views."""
    if array.dtype.names is None:
        return [array]
    return [leaf for name in array.dtype.names for leaf in leaves(array[name])]


def damaged(state, rng):
    """Returns the state with one to three numbers changed, or some of its bytes."""
    state = state.copy()
    if rng.random() < 0.1:
        raw = state.view(np.uint8).reshape(-1)
        raw[rng.integers(raw.size, size=4)] = rng.integers(256, size=4)
        return state
    fields = leaves(state)
    for _ in range(rng.integers(1, 4)):
        field = fields[rng.integers(len(fields))]
        place = tuple(rng.integers(size) for size in field.shape)
        if field.dtype.kind == "b":
            field.view(np.uint8)[place] = rng.choice([0, 1, 2, 255])
        elif field.dtype.kind == "f":
            with np.errstate(all="ignore"):
                field[place] = REAL[rng.integers(len(REAL))]
        else:
            ends = np.iinfo(field.dtype)
            value = WHOLE[rng.integers(len(WHOLE))]
            near = int(field[place]) + int(rng.integers(-3, 4))
            value = near if rng.random() < 0.4 else value
            field[place] = min(ends.max, max(ends.min, value))
    return state


def act(env, rng):
    slates = random_slates(env.scenario, env.num_envs, rng)
    return env.step(slates[:, 0] if env.scenario.slate_size == 1 else slates)


def wrong(env, rng):
    """Returns what is not valid in the next few steps, or an empty text."""
    for step in range(4):
        if step == 2:
            mask = np.arange(env.num_envs) % 2 == 0
            observation, infos = env.reset(options={"reset_mask": mask})
            rewards = np.zeros(1)
        else:
            observation, rewards, _, _, infos = act(env, rng)
        judges = (
            (env.expected_reward, env.long_term_value)
            if env.scenario.long_term_value
            else (env.expected_reward,)
        )
        numbers = [*observation.values(), rewards, *(judge() for judge in judges)]
        numbers += [
            values for name, values in infos.items() if not name.startswith(("final", "_f"))
        ]
        if not env.observation_space.contains(observation):
            return "observation outside its space"
        if not all(np.isfinite(np.asarray(each, float)).all() for each in numbers):
            return "numbers that are not finite"
    return ""


def fuzz(name, settings, n, seed, *, compiled):
    """Returns how many damaged states were refused, worked, and did not, with their damage."""
    module, fixed = DEFAULTS[name]
    env = RecommendationVectorEnv(module, num_envs=4, compiled=compiled, **fixed | settings)
    rng = np.random.default_rng(seed)
    counts: Counter = Counter()
    faults = []
    env.reset(seed=seed)
    for index in range(n):
        if index % 10 == 0:
            env.reset(seed=int(rng.integers(2**32)))
            for _ in range(rng.integers(20)):
                act(env, rng)
            good = env.state
        state = damaged(good, rng)
        try:
            env.state = state
        except ValueError as error:
            assert "environment" in str(error), error
            counts["refused"] += 1
            continue
        changed = [
            f"{path}: {old} -> {new}"
            for path in good.dtype.names
            for old, new in zip(good[path].tolist(), state[path].tolist(), strict=True)
            if repr(old) != repr(new)
        ]
        print(f"{index} {changed}"[:2000], file=sys.stderr)
        try:
            fault = wrong(env, rng)
        except (ArithmeticError, IndexError, ValueError) as error:
            fault = f"{type(error).__name__}: {error}"
        counts["FAULT" if fault else "worked"] += 1
        if fault:
            faults.append((fault, changed))
    return counts, faults


@pytest.mark.parametrize("name", ["InterestEvolution", "BernoulliBandit", "WheelBandit"])
def test_some_damaged_states_are_refused_or_run(name):
    with np.errstate(all="ignore"):
        counts, faults = fuzz(name, {}, 40, seed=0, compiled=False)
    assert not faults
    assert counts["refused"] > 10
    assert counts["worked"] > 5


@pytest.mark.slow
@pytest.mark.parametrize(("name", "settings"), VARIETIES)
def test_damaged_states_are_refused_or_run(name, settings):
    arguments = [sys.executable, __file__, name, json.dumps(settings), "400", "1"]
    run = subprocess.run(arguments, capture_output=True, text=True, timeout=580, check=False)
    assert run.returncode == 0, (run.returncode, run.stderr[-4000:])
    counts, faults = json.loads(run.stdout)
    print(name, settings, counts)
    assert faults == []


def test_a_state_restored_is_the_state_that_was_taken():
    for name in ("NewsFeed", "OrganicShopping", "InterestExploration"):
        scenario = resolve_scenario(DEFAULTS[name][0])
        env = RecommendationVectorEnv(scenario, num_envs=2, compiled=False)
        env.reset(seed=4)
        rng = np.random.default_rng(4)
        for _ in range(3):
            act(env, rng)
        state = env.state
        expected = act(env, np.random.default_rng(5))
        env.state = state
        given = act(env, np.random.default_rng(5))
        for one, other in zip(expected[0].values(), given[0].values(), strict=True):
            assert np.array_equal(one, other)
        assert np.array_equal(expected[1], given[1])


def test_a_state_from_before_the_first_reset_needs_one():
    env = RecommendationVectorEnv("recsim_env.scenarios.news_feed:NewsFeed", compiled=False)
    env.state = env.state
    with pytest.raises(RuntimeError, match="call reset"):
        act(env, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "candidates",
            10**12,
            r"environment 1 is damaged: candidates\[2\]=1000000000000 is not within",
        ),
        ("slate", -2, r"slate\[2\]=-2 is not within -1 to 9"),
        ("step", -1, "step=-1"),
        ("user_id", 1, "user_id=1 is not within 0 to 0"),
        ("key", 0, "key=0"),
    ],
)
def test_a_damaged_state_is_refused_by_name(field, value, message):
    module, fixed = DEFAULTS["InterestEvolution"]
    env = RecommendationVectorEnv(module, num_envs=3, compiled=False, **fixed)
    env.reset(seed=0)
    state = env.state
    state[field][(1, 2)[: state[field].ndim]] = value
    with pytest.raises(ValueError, match=message):
        env.state = state
    with pytest.raises(ValueError, match="a state of type dict is none"):
        env.state = {}


def test_people_to_judge_by_are_checked():
    env = RecommendationVectorEnv("recsim_env.scenarios.news_feed:NewsFeed", compiled=False)
    env.reset(seed=0)
    users = env.users
    users["hour"] = 10**9
    with pytest.raises(ValueError, match=r"user\.hour=1000000000 is not within 0 to 599"):
        env.expected_reward(users)


if __name__ == "__main__":
    chosen, changes, tries, begin = sys.argv[1:]
    print(json.dumps(fuzz(chosen, json.loads(changes), int(tries), int(begin), compiled=True)))
