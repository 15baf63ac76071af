"""In which environments agents act: batches of people, what only watches them, and their likes."""

from typing import Any

from gymnasium import Env
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv, VectorWrapper
from gymnasium.wrappers import OrderEnforcing, PassiveEnvChecker, TimeLimit
from gymnasium.wrappers.vector import DictInfoToList, RecordEpisodeStatistics

from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv

# Wrappers that change nothing of what is seen, done and earned.
_WATCHING = (RecordEpisodeStatistics, DictInfoToList)
_CHECKING = (PassiveEnvChecker, OrderEnforcing)


def people_of(env: Any) -> tuple[RecommendationVectorEnv, Any]:
    """Returns the batch of people in an environment, and through what to step it.

    A wrapper that only watches goes on watching. Single environments, and Gymnasium's own batches
    of them, stand for a batch of people made like theirs: the agent acts there, and sees none of
    what happens in them.

    Args:
      env: a `RecommendationVectorEnv`; one in wrappers that only watch (`RecordEpisodeStatistics`);
        or what `gymnasium.make` and ``vectorization_mode="sync"`` make.

    Raises:
      TypeError: it is something else, or in a wrapper that may change what is seen, done or earned.
      ValueError: it is flat, so that agents cannot tell what they see.
    """
    inner = env
    while type(inner) in _WATCHING:
        inner = inner.env
    if isinstance(inner, VectorWrapper):
        raise TypeError(_refuse_wrapper(inner))
    if isinstance(inner, RecommendationVectorEnv):
        _require_fields(inner.made_with["flat"])
        return inner, env
    if type(inner) is SyncVectorEnv:
        return (alike := _batch_like(list(inner.envs), inner.metadata["autoreset_mode"])), alike
    if isinstance(inner, Env):
        return (alike := _batch_like([inner], "NextStep")), alike
    if isinstance(inner, AsyncVectorEnv):
        raise TypeError(
            f"{type(inner).__name__} keeps its people out of sight; agents act in a batch that "
            "gymnasium.make_vec makes without vectorization_mode"
        )
    raise TypeError(_refuse_stranger(inner))


def stands_for_others(env: Any) -> bool:
    """Returns whether an environment would stand for people made like its own."""
    while type(env) in _WATCHING:
        env = env.env
    return isinstance(env, Env | SyncVectorEnv)


def _batch_like(envs: list[Any], autoreset_mode: Any) -> RecommendationVectorEnv:
    """Returns a batch of people made like single environments, which must be alike."""
    made = [_made_with(env) for env in envs]
    if any(each != made[0] for each in made):
        raise TypeError("the environments of a batch differ; make them alike for an agent")
    scenario, settings = made[0]
    return RecommendationVectorEnv(
        scenario, num_envs=len(envs), autoreset_mode=autoreset_mode, **settings
    )


def _made_with(env: Any) -> tuple[Any, dict[str, Any]]:
    """Returns the scenario of a single environment, and with what else it was made."""
    limits = []
    while not isinstance(env, RecommendationEnv):
        if type(env) is TimeLimit:
            limits.append(env._max_episode_steps)
        elif type(env) not in _CHECKING:
            raise TypeError(_refuse_wrapper(env))
        env = env.env
    _require_fields(env.made_with["flat"])
    limits += [n for n in (env.made_with["max_episode_steps"], env.scenario.horizon) if n]
    return env.scenario, env.made_with | {"max_episode_steps": min(limits, default=None)}


def _require_fields(is_flat: bool) -> None:
    if is_flat:
        raise ValueError(
            "flat=True hides which number is what from an agent; make its environment with "
            "flat=False"
        )


def _refuse_wrapper(wrapper: Any) -> str:
    if not hasattr(wrapper, "env"):
        return _refuse_stranger(wrapper)
    return (
        f"an agent cannot act through {type(wrapper).__name__}, which may change what is seen, "
        "done or earned; give it the environment inside, env.unwrapped"
    )


def _refuse_stranger(env: Any) -> str:
    return (
        f"env={env!r:.80} is no environment of recsim_env; make one with "
        "gymnasium.make_vec('recsim_env/...', num_envs=...) or RecommendationVectorEnv(scenario)"
    )
