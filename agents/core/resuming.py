"""The sessions that an agent was amid when it was saved, and whether they can be gone on with.

What was seen last is not kept: it follows from the state of the people.
"""

from recsim_env.agents.core.restoring import Arrays, taken
from recsim_env.engine.state import check_state
from recsim_env.envs import RecommendationVectorEnv


def is_state_of(env: RecommendationVectorEnv, arrays: Arrays, *, may_be_over: bool = True) -> bool:
    """Returns whether the array `environment` is a state of as many people as an environment has.

    Args:
      env: that would go on from it.
      arrays: where it is.
      may_be_over: whether a session may have ended, without the next having begun.

    Raises:
      ValueError: it is no state of such people.
    """
    state = taken(arrays, "environment")
    own = env.state
    if state.dtype != own.dtype or state.ndim != 1:
        raise ValueError("environment is no state of these people")
    if not check_state(env.scenario, state, may_be_over=may_be_over):
        raise ValueError("environment is a state in which no session has begun")
    return state.shape == own.shape
