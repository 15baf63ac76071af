"""Environment ids: every scenario of ours, by string, so that nothing heavy is imported."""

from typing import Any

import gymnasium

from recsim_env.scenario import Scenario

NAMESPACE = "recsim_env"

_INTEREST_EVOLUTION = "recsim_env.scenarios.interest_evolution:InterestEvolution"
_INTEREST_EXPLORATION = "recsim_env.scenarios.interest_exploration:InterestExploration"
_LONG_TERM_SATISFACTION = "recsim_env.scenarios.long_term_satisfaction:LongTermSatisfaction"

#: Id (without the namespace) to the scenario, as ``"module:Class"``, and the settings it fixes.
ENVIRONMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "InterestEvolution-v0": (_INTEREST_EVOLUTION, {}),
    "InterestExploration-v0": (_INTEREST_EXPLORATION, {}),
    "LongTermSatisfaction-v0": (_LONG_TERM_SATISFACTION, {}),
    "RatedCatalogue-v0": ("recsim_env.scenarios.rated_catalogue:RatedCatalogue", {}),
    "RecSim-InterestEvolution-v0": (
        _INTEREST_EVOLUTION,
        {
            "step_penalty": 0.5,
            "choice": "proportional",
            "interest_scale": 1.0,
            "no_click_score": 1.0,
            "time_rate": 1.4,
        },
    ),
    "RecSim-InterestExploration-v0": (
        _INTEREST_EXPLORATION,
        {"slate_size": 3, "matching_affinity": 0.7, "topic_0_quality": 0.8},
    ),
    "RecSim-LongTermSatisfaction-v0": (_LONG_TERM_SATISFACTION, {"sensitivity": 0.01}),
}


def register(env_id: str, scenario: str | type[Scenario], **settings: Any) -> None:
    """Registers a scenario under an id, for `gymnasium.make` and `gymnasium.make_vec`.

    Args:
      env_id: ``"namespace/Name-v0"``.
      scenario: a `Scenario` subclass, or ``"module:Class"`` to import it when first made.
      **settings: fixed for this id; whoever makes the environment may override them.
    """
    if env_id in gymnasium.registry:
        del gymnasium.registry[env_id]
    gymnasium.register(
        id=env_id,
        entry_point="recsim_env.envs:RecommendationEnv",
        vector_entry_point="recsim_env.envs:RecommendationVectorEnv",
        kwargs={"scenario": scenario, **settings},
    )


def register_all() -> None:
    """Registers every id of `ENVIRONMENTS`, as importing `recsim_env` does.

    It is also the `gymnasium.envs` entry point, for versions of Gymnasium that load plugins.
    """
    for name, (scenario, settings) in ENVIRONMENTS.items():
        register(f"{NAMESPACE}/{name}", scenario, **settings)
