"""The environments: one person (`RecommendationEnv`) and a batch (`RecommendationVectorEnv`)."""

from recsim_env.envs.single import RecommendationEnv, resolve_scenario
from recsim_env.envs.vector import RecommendationVectorEnv, StepObserver, observing_steps

__all__ = [
    "RecommendationEnv",
    "RecommendationVectorEnv",
    "StepObserver",
    "observing_steps",
    "resolve_scenario",
]
