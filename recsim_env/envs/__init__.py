"""The environments: one person (`RecommendationEnv`) and a batch (`RecommendationVectorEnv`)."""

from recsim_env.envs.resolving import resolve_scenario
from recsim_env.envs.single import RecommendationEnv
from recsim_env.envs.vector import RecommendationVectorEnv

__all__ = ["RecommendationEnv", "RecommendationVectorEnv", "resolve_scenario"]
