"""Actions that fit no space are refused, naming the fault, and leave everything as it was."""

from collections import Counter

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.utils.env_checker import data_equivalence

from recsim_env.envs.registry import ENVIRONMENTS
from recsim_env.envs.wrappers import (
    enumerate_slates,
    point_at_items,
    score_candidates,
    weigh_features,
)

WRAPPERS = {
    "plain": lambda env: env,
    "numbers": lambda env: enumerate_slates(env, ordered=False),
    "scores": lambda env: score_candidates(env),
    "points": lambda env: point_at_items(env),
    "weights": lambda env: weigh_features(env),
}

INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]


def as_given(action, space, rng):
    """Returns the action in another form that means the same."""
    form = rng.integers(5)
    if form == 0:
        return action.tolist()
    if form == 1:
        return np.repeat(action[..., None], 2, axis=-1)[..., 0]  # not contiguous
    if form == 2 and isinstance(space, spaces.Box):
        return action.astype(rng.choice([np.float32, np.float64]))
    if form == 2:
        dtype = INTEGERS[rng.integers(len(INTEGERS))]
        return action.astype(dtype) if action.max(initial=0) <= np.iinfo(dtype).max else action
    if form == 3 and action.ndim == 1:
        return tuple(action.tolist())
    return action


def of_another_type(action, rng):
    kinds = ["bool", "str", "object", "complex", "datetime64[s]", "none", "bytes", "ragged", "dict"]
    kind = kinds[rng.integers(len(kinds))]
    if kind == "none":
        return None
    if kind == "ragged":
        return [[0], [0, 1], []]
    if kind == "dict":
        return {"action": action}
    if kind == "bytes":
        return action.astype(np.int64).tobytes()
    if kind == "datetime64[s]":
        return action.astype(np.int64).astype(kind)
    return action.astype(kind)


def of_another_shape(action, rng):
    ways = [
        action[..., None, None],
        np.zeros((0, *action.shape), action.dtype),
        np.stack([action, action]),
        np.zeros((7, 5, 3), action.dtype),
        np.concatenate([np.atleast_1d(action)] * 2, axis=-1),
        np.atleast_1d(action)[..., :0],
        np.atleast_1d(action)[None, ..., None, :],
    ]
    return ways[rng.integers(len(ways))]


def with_a_wrong_number(action, space, rng):
    """Returns the action with one number that cannot be meant, and the number."""
    if isinstance(space, spaces.Box):
        wrong = rng.choice([np.nan, np.inf, -np.inf, 1e39, -1e300])
        changed = np.array(action, np.float64)
    else:
        top = int(np.max(space.n if isinstance(space, spaces.Discrete) else space.nvec))
        wrongs = [-1, -top, top, top + 1, 2**31, -(2**63), 2**63 - 1, 2**63, 2**64 - 1]
        wrong = wrongs[rng.integers(len(wrongs))]
        changed = np.array(action, np.uint64 if wrong >= 2**63 else np.int64)
    place = tuple(rng.integers(size) for size in changed.shape)
    changed[place] = wrong
    return changed, wrong


def floats_for_indices(action, rng):
    changed = action.astype(np.float64)
    place = tuple(rng.integers(size) for size in changed.shape)
    changed[place] = rng.choice([0.0, 0.5, np.nan, np.inf, -1.0])
    return changed


def attempt(env, action):
    """Returns the step, or the refusal, or what should have been one."""
    try:
        return env.step(action)
    except Exception as error:
        return error


def slots_of(env):
    return env.unwrapped._simulator.slots


def judged(env, twin, kind, given, action, wrong) -> str:
    """Returns "worked" or "refused", or how an action of some kind was treated wrongly."""
    before = slots_of(env).copy()
    slots_of(twin)[:] = before
    twin_seen = getattr(env, "_observation", None)
    if twin_seen is not None:
        twin._observation = twin_seen
    found = attempt(env, given)
    if kind == "right":
        if isinstance(found, Exception):
            return f"refused though right: {type(found).__name__} {found}"[:150]
        expected = twin.step(action)
        return "worked" if data_equivalence(found, expected) else "worked, but differently"
    if not isinstance(found, Exception):
        return f"accepted: {kind}"
    if not isinstance(found, ValueError):
        return f"{kind}: {type(found).__name__} {found}"[:150]
    if "action" not in str(found):
        return f"{kind}: says only {found}"[:150]
    if kind == "number" and str(wrong).replace("+", "") not in str(found).replace("+", ""):
        return f"{kind} {wrong}: says only {found}"[:150]
    if not np.array_equal(slots_of(env), before):
        return f"{kind}: refused, but something changed"
    return "refused"


def fuzz(make, wrap, n_tries: int, seed: int) -> Counter:
    """Returns how often actions worked, were refused, or were treated wrongly."""
    env, twin = wrap(make()), wrap(make())
    space = env.action_space
    space.seed(seed)
    rng = np.random.default_rng(seed)
    env.reset(seed=seed), twin.reset(seed=seed)
    outcomes: Counter = Counter()
    for _ in range(n_tries):
        action, wrong = np.asarray(space.sample()), None
        one = getattr(env, "single_action_space", space)
        is_box = isinstance(one, spaces.Box)
        kinds = ["right", "type", "shape", "number", *([] if is_box else ["float"])]
        kind = kinds[rng.integers(len(kinds))]
        if kind == "right":
            given = as_given(action, one, rng)
        elif kind == "type":
            given = of_another_type(action, rng)
        elif kind == "shape":
            given = of_another_shape(action, rng)
            if given.shape == action.shape:
                continue
        elif kind == "float":
            given = floats_for_indices(action, rng)
        else:
            given, wrong = with_a_wrong_number(action, one, rng)
        outcomes[judged(env, twin, kind, given, action, wrong)] += 1
        if slots_of(env)["is_over"].any():
            env.reset(), twin.reset()
    env.close(), twin.close()
    return outcomes


def many(env_id, **settings):
    return lambda: gymnasium.make_vec(env_id, 3, autoreset_mode="SameStep", **settings)


def one(env_id, **settings):
    return lambda: gymnasium.make(env_id, disable_env_checker=True, **settings)


def faults(outcomes: Counter) -> dict:
    return {name: n for name, n in outcomes.items() if name not in ("worked", "refused")}


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrong_actions_are_refused_and_right_ones_work_in_every_form(wrapper, batch):
    settings = {"n_candidates": 5, "slate_size": 2, "n_topics": 4}
    make = (many if batch else one)("recsim_env/InterestEvolution-v0", **settings)
    outcomes = fuzz(make, WRAPPERS[wrapper], 150, seed=1)
    assert not faults(outcomes)
    assert outcomes["worked"] > 10 and outcomes["refused"] > 50


@pytest.mark.parametrize("batch", [False, True])
def test_slates_of_one_may_come_without_their_axis(batch):
    make = (many if batch else one)("recsim_env/LongTermSatisfaction-v0")
    assert not faults(fuzz(make, WRAPPERS["plain"], 150, seed=2))
    env = make()
    env.reset(seed=0)
    env.step(np.zeros((*env.action_space.shape, 1), int))


@pytest.mark.slow
def test_no_action_of_any_kind_is_misread(capsys):
    total: Counter = Counter()
    for name in sorted(ENVIRONMENTS):
        is_large = name.startswith(("Sardine-Single", "Sardine-SlateTopK"))
        small = {"n_candidates": 60, "n_items": 60} if is_large else {}
        for seed, make in enumerate((one, many)):
            for wrap in WRAPPERS.values():
                try:
                    wrap(make(f"recsim_env/{name}", **small)())
                except ValueError:
                    continue  # too many slates to number, or no features to point at
                total += fuzz(make(f"recsim_env/{name}", **small), wrap, 250, seed)
    with capsys.disabled():
        wrong = faults(total)
        print(
            f"\nactions: {total.total():,} tries, {total['worked']:,} worked, "
            f"{total['refused']:,} refused, {sum(wrong.values()):,} faults"
        )
    assert not wrong
