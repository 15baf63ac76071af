"""recsim-env: simulated people for the study of recommendation by bandits and RL.

Importing this package registers its environments with Gymnasium and does nothing else:

    >>> import gymnasium
    >>> import recsim_env
    >>> env = gymnasium.make("recsim_env/InterestEvolution-v0", slate_size=3)
    >>> observation, info = env.reset(seed=0)
    >>> sorted(observation)
    ['candidates', 'response', 'user']
"""

from recsim_env.interrupts import leave_while_importing
from recsim_env.links import require_linked_packages

leave_while_importing()
require_linked_packages()

# Imports stand below the lines above: Ctrl-C may come while they run, and where a package is
# missing, they fail without saying why.
from recsim_env.core.fields import count, shown, within
from recsim_env.core.scenario import Scenario
from recsim_env.core.search import Search
from recsim_env.core.settings import setting
from recsim_env.envs import RecommendationEnv, RecommendationVectorEnv
from recsim_env.envs.registry import register, register_all

__version__ = "0.1.0"

__all__ = [
    "RecommendationEnv",
    "RecommendationVectorEnv",
    "Scenario",
    "Search",
    "count",
    "register",
    "setting",
    "shown",
    "within",
]

register_all()
