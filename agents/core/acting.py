"""In what environments agents act, and on what: brought into the form they take, or refused."""

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import Env, spaces
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorWrapper
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker, TimeLimit
from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics

from recsim_env.agents.core.reward_wrappers import (
    EachRewarded,
    adapts_to_rewards,
    changes_only_rewards,
    paid_alike,
)
from recsim_env.agents.core.transition import Observation
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv
from recsim_env.envs.arguments import as_indices

# Wrappers that change nothing of what is seen, done and earned.
_WATCHING = (RecordEpisodeStatistics, DictInfoToList)
_CHECKING = (PassiveEnvChecker, OrderEnforcing)


def people_of(env: Any) -> tuple[RecommendationVectorEnv, Any]:
    """Returns the batch of people in an environment, and through what to step it.

    A wrapper that only watches goes on watching, and one that transforms rewards says what the
    agent learns to earn. Single environments, and Gymnasium's own batches of them, stand for a
    batch of people made like theirs: the agent acts there, and sees none of what happens in them.

    Args:
      env: a `RecommendationVectorEnv`; one in wrappers that only watch (`RecordEpisodeStatistics`)
        or transform rewards (`TransformReward`, a `VectorRewardWrapper` of one's own); or what
        `gymnasium.make` and ``vectorization_mode="sync"`` make, in wrappers or not.

    Raises:
      TypeError: it is something else, or in a wrapper that may change what is seen or done.
      ValueError: it is flat, so that agents cannot tell what they see.
    """
    inner = _inside(env)
    if isinstance(inner, VectorWrapper):
        raise TypeError(_refuse_wrapper(inner))
    if isinstance(inner, RecommendationVectorEnv):
        _require_fields(inner.made_with["flat"])
        return inner, env
    if type(inner) is SyncVectorEnv:
        people, alike = _batch_like(list(inner.envs), inner.metadata["autoreset_mode"])
        return people, paid_alike(env, alike)
    if isinstance(inner, Env):
        return _batch_like([inner], "NextStep")
    if isinstance(inner, AsyncVectorEnv):
        raise TypeError(
            f"{type(inner).__name__} keeps its people out of sight; agents act in a batch that "
            "gymnasium.make_vec makes without vectorization_mode"
        )
    raise TypeError(_refuse_stranger(inner))


def stands_for_others(env: Any) -> bool:
    """Returns whether an environment would stand for people made like its own."""
    return isinstance(_inside(env), Env | SyncVectorEnv)


def _inside(env: Any) -> Any:
    """Returns what is inside a batch's wrappers that only watch or transform rewards."""
    while type(env) in _WATCHING or (isinstance(env, VectorWrapper) and changes_only_rewards(env)):
        env = env.env
    return env


def _batch_like(envs: list[Any], autoreset_mode: Any) -> tuple[RecommendationVectorEnv, Any]:
    """Returns a batch of people made like single environments, which must be alike; and the same
    with the rewards that their wrappers make.
    """
    made, wrappers = zip(*map(_made_with, envs), strict=True)
    if any(each != made[0] for each in made):
        raise TypeError("the environments of a batch differ; make them alike for an agent")
    scenario, settings = made[0]
    people = RecommendationVectorEnv(
        scenario, num_envs=len(envs), autoreset_mode=autoreset_mode, **settings
    )
    return people, EachRewarded(people, wrappers) if any(wrappers) else people


def _made_with(env: Any) -> tuple[tuple[Any, dict[str, Any]], list[Any]]:
    """Returns the scenario of a single environment and with what else it was made; and what
    transforms its rewards, innermost first.
    """
    limits, wrappers = [], list[Any]()
    while not isinstance(env, RecommendationEnv):
        if type(env) is TimeLimit:
            limits.append(env._max_episode_steps)
        elif changes_only_rewards(env):
            wrappers.insert(0, env)
        elif type(env) not in _CHECKING:
            raise TypeError(_refuse_wrapper(env))
        env = env.env
    _require_fields(env.made_with["flat"])
    limits += [n for n in (env.made_with["max_episode_steps"], env.scenario.horizon) if n]
    made_with = env.made_with | {"max_episode_steps": min(limits, default=None)}
    return (env.scenario, made_with), wrappers


def _require_fields(is_flat: bool) -> None:
    if is_flat:
        raise ValueError(
            "flat=True hides which number is what from an agent; make its environment with "
            "flat=False"
        )


def _refuse_wrapper(wrapper: Any) -> str:
    if not hasattr(wrapper, "env"):
        return _refuse_stranger(wrapper)
    if adapts_to_rewards(wrapper):
        return (
            f"an agent cannot act through {type(wrapper).__name__}, which pays the same thing "
            "differently as time goes on; leave it out (agents that need rewards near 1 scale them "
            "themselves), or multiply by a number with TransformReward"
        )
    return (
        f"an agent cannot act through {type(wrapper).__name__}, which may change what is seen, "
        "done or earned; give it the environment inside, env.unwrapped, in wrappers that transform "
        "rewards alone if need be"
    )


def _refuse_stranger(env: Any) -> str:
    return (
        f"env={env!r:.80} is no environment of recsim_env; make one with "
        "gymnasium.make_vec('recsim_env/...', num_envs=...) or RecommendationVectorEnv(scenario)"
    )


def batched(observation: Observation, space: spaces.Dict, agent: str) -> tuple[Observation, bool]:
    """Returns what is seen with an axis for the people, and whether it had none.

    Numbers are of the types of the space, whatever they were: compiled loops read them as such.

    Args:
      observation: its fields, or some of them, for one person or for several.
      space: of the observations of one person.
      agent: who is said not to be able to act on others.

    Raises:
      TypeError: it is no dict.
      ValueError: it is not of that space; ids that are not, too; or it is of nobody.
    """
    if not isinstance(observation, Mapping):
        raise TypeError(
            f"an observation of type {type(observation).__name__} is none; use the dict that "
            "reset() and step() return first"
        )
    known = {name: field.shape or () for name, field in space.spaces.items()}
    seen = {
        name: np.asarray(value, _type_of(space[name]))
        for name, value in observation.items()
        if name in known
    }
    heads = {_head(np.shape(value), known[name]) for name, value in seen.items()}
    head = heads.pop() if len(heads) == 1 else None
    if head is None or len(head) > 1:
        shapes = {name: np.shape(value) for name, value in observation.items()}
        raise ValueError(
            f"{agent} cannot act on {_listed(shapes)}; use the observation of an environment like "
            f"its own, {_listed(known)}, for one person or with an axis for people before"
        )
    if head == (0,):
        raise ValueError(
            f"{agent} is given observations of nobody, whose fields have no rows; leave out the "
            "call where nobody is there"
        )
    for name, values in seen.items():
        _require_ids(name, values, space[name])
    if not head:
        seen = {name: value[None] for name, value in seen.items()}
    return seen, not head


def _type_of(space: spaces.Space) -> Any:
    """Returns of what type the numbers of a field are; None leaves ids as they are, for a check."""
    return space.dtype if isinstance(space, spaces.Box) else None


def _require_ids(name: str, values: np.ndarray, space: spaces.Space) -> None:
    """Raises ValueError where ids are no whole numbers of a space: they would be looked up."""
    if not isinstance(space, spaces.Discrete | spaces.MultiDiscrete):
        return
    n = int(space.n if isinstance(space, spaces.Discrete) else space.nvec[0])
    if values.dtype.kind not in "iu":
        raise ValueError(f"{name} of type {values.dtype} holds no ids; use integers, 0 to {n - 1}")
    if values.size and not 0 <= values.min() <= values.max() < n:
        wrong = values[(values < 0) | (values >= n)]
        raise ValueError(
            f"{name}={wrong[0]} is out of range; use 0 to {n - 1}, the ids of the environment that "
            "the agent is in, or call set_env() with that of the observations"
        )


def lack_of(name: str, agent: str) -> ValueError:
    """Returns the error of an observation that leaves out a field which an agent needs."""
    return ValueError(
        f"{agent} needs {name!r}, which these observations leave out (VecEnvAdapter keeps ids with "
        "keep_ids=True)"
    )


def indices_of(slates: Any, n: int, scenario: Scenario) -> np.ndarray:
    """Returns slates as (n, slate_size) indices of candidates.

    Raises:
      ValueError: there are others than `n` slates, or an index is out of range.
    """
    wanted, n_candidates = as_indices(slates), scenario.n_candidates
    if wanted.size != n * scenario.slate_size:
        raise ValueError(
            f"slates of shape {wanted.shape} do not fit; use ({n}, {scenario.slate_size})"
        )
    if wanted.size and not 0 <= wanted.min() <= wanted.max() < n_candidates:
        raise ValueError(
            f"slates hold an index out of range; use 0 to {n_candidates - 1}, the indices of "
            "the candidates"
        )
    return wanted.reshape(n, scenario.slate_size)


def fingerprint(observation: Observation) -> int:
    """Returns a number that depends on what is seen, the same in every process."""
    return zlib.crc32(b"".join(np.asarray(value).tobytes() for value in observation.values()))


def _head(shape: tuple[int, ...], own: tuple[int, ...]) -> tuple[int, ...] | None:
    """Returns what stands before a shape of one's own; None where it is another."""
    n_before = len(shape) - len(own)
    return tuple(shape[:n_before]) if n_before >= 0 and shape[n_before:] == own else None


def _listed(shapes: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "nothing"


def require_present(env: RecommendationVectorEnv, observation: Observation, name: str) -> None:
    """Raises ValueError unless an observation is what an environment shows now.

    Who looks into people would else answer from others than those that it is asked about.

    Args:
      env: whose people are looked into.
      observation: (num_envs, ...) each; fields may be left out.
      name: of who looks.
    """
    if not is_present(env, observation):
        raise ValueError(
            f"{name} looks into the {env.num_envs} people of its own environment, and these "
            "observations are not theirs as they are now; call set_env() with the environment that "
            "the observations are from, and ask before it goes on"
        )


def is_present(env: RecommendationVectorEnv, observation: Observation) -> bool:
    """Returns whether an observation is what an environment shows now."""
    now = env.observe() if env.is_begun else {}
    shown = {key: np.asarray(value) for key, value in observation.items() if key in now}
    return bool(shown) and all(np.array_equal(value, now[key]) for key, value in shown.items())


def wasted(env: RecommendationVectorEnv, observation: Observation) -> np.ndarray | None:
    """Returns which candidates would leave their places empty, (n, n_candidates), if that is known.

    It is what `RecommendationVectorEnv.can_be_shown` tells of the people who are there now. None is
    that nothing would: what cannot be shown is no candidate, unless the whole catalogue is.
    """
    scenario = env.scenario
    is_whole = scenario.n_candidates == scenario.n_items
    if not is_whole or type(scenario).is_excluded is Scenario.is_excluded:
        return None
    return ~env.can_be_shown() if is_present(env, observation) else None
