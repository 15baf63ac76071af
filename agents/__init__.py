"""The agents: each file is one idea, behind the interface of `recsim_env.agents.core.agent`.

`AGENTS` maps a short name to ``"module:Class"``, so that nothing is imported before it is used.
"""

import importlib
from pathlib import Path
from typing import Any

from recsim_env.agents.core.agent import Agent, UnsuitableScenario
from recsim_env.agents.core.agent_file import read_about
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.inputs.importing import imported_class
from recsim_env.inputs.spelling import did_you_mean

__all__ = ["AGENTS", "Agent", "UnsuitableScenario", "agent_class", "load_agent", "make_agent"]

AGENTS = {
    "uniform": "recsim_env.agents.references.uniform:Uniform",
    "popularity": "recsim_env.agents.recommenders.popularity:Popularity",
    "topic_quality": "recsim_env.agents.bandits.topic_quality:TopicQuality",
    "content": "recsim_env.agents.recommenders.content:Content",
    "user_knn": "recsim_env.agents.recommenders.user_knn:UserKNN",
    "item_knn": "recsim_env.agents.recommenders.item_knn:ItemKNN",
    "svd": "recsim_env.agents.recommenders.svd:PureSVD",
    "ials": "recsim_env.agents.recommenders.ials:ImplicitALS",
    "ease": "recsim_env.agents.recommenders.ease:EASE",
    "bpr": "recsim_env.agents.recommenders.bpr:BPR",
    "two_tower": "recsim_env.agents.recommenders.two_tower:TwoTower",
    "sequential": "recsim_env.agents.recommenders.sequential:Sequential",
    "epsilon_greedy": "recsim_env.agents.bandits.epsilon_greedy:EpsilonGreedy",
    "ucb": "recsim_env.agents.bandits.ucb:UCB",
    "thompson": "recsim_env.agents.bandits.thompson:Thompson",
    "linucb": "recsim_env.agents.bandits.linucb:LinUCB",
    "lin_thompson": "recsim_env.agents.bandits.lin_thompson:LinThompson",
    "logistic_thompson": "recsim_env.agents.bandits.logistic_thompson:LogisticThompson",
    "neural_linear": "recsim_env.agents.bandits.neural_linear:NeuralLinear",
    "cascade_ucb": "recsim_env.agents.bandits.cascade_ucb:CascadeUCB",
    "topic_ucb": "recsim_env.agents.bandits.topic_ucb:TopicUCB",
    "dqn": "recsim_env.agents.sb3.dqn:DQNAgent",
    "qrdqn": "recsim_env.agents.sb3.qrdqn:QRDQNAgent",
    "slateq": "recsim_env.agents.rl.slateq:SlateQ",
    "full_slate_q": "recsim_env.agents.sb3.full_slate_q:FullSlateQAgent",
    "iql": "recsim_env.agents.rl.iql:ImplicitQLearning",
    "ppo": "recsim_env.agents.sb3.ppo:PPOAgent",
    "a2c": "recsim_env.agents.sb3.a2c:A2CAgent",
    "recurrent_ppo": "recsim_env.agents.sb3.recurrent_ppo:RecurrentPPOAgent",
    "sac": "recsim_env.agents.sb3.sac:SACAgent",
    "reinforce": "recsim_env.agents.rl.reinforce:Reinforce",
    "bc": "recsim_env.agents.rl.bc:BehaviourCloning",
    "oracle": "recsim_env.agents.references.oracle:Oracle",
    "diverse_oracle": "recsim_env.agents.references.diverse:DiverseOracle",
    "far_sighted": "recsim_env.agents.references.oracle:FarSighted",
}


def agent_class(name: str) -> type[Agent]:
    """Returns the class of an agent by its short name, ``"module:Class"`` or ``"file.py:Class"``.

    Raises:
      ValueError: an unknown name, of which the known ones are listed; or no class of an agent.
    """
    path = AGENTS.get(name, name)
    if ":" not in path:
        raise ValueError(
            f"agent {name!r} is unknown; known are {', '.join(AGENTS)}{did_you_mean(name, AGENTS)}"
        )
    if path in AGENTS.values():  # ours may need an extra, which they name themselves
        module, _, attribute = path.partition(":")
        found: type[Agent] = getattr(importlib.import_module(module), attribute)
        return found
    own: type[Agent] = imported_class(path, Agent, what="agent")
    return own


def make_agent(name: str, env: RecommendationVectorEnv, *, seed: int = 0, **settings: Any) -> Agent:
    """Returns a new agent; see `agent_class` for its name and its class for the settings."""
    return agent_class(name)(env, seed=seed, **settings)


def load_agent(
    path: str | Path, env: RecommendationVectorEnv, *, another_world: bool = False, **changes: Any
) -> Agent:
    """Returns the agent saved in a file, whichever it is; see `Agent.load` for the arguments.

    Raises:
      UnsuitableScenario, TypeError: as in `Agent.load`.
      ValueError: the file is not one of ours or damaged, its agent is not a registered one, or it
        learned in another world.
    """
    kind = read_about(path)["agent"]
    if kind not in AGENTS.values():
        raise ValueError(f"{path} holds {kind}, which is not a registered agent")
    return agent_class(kind).load(path, env, another_world=another_world, **changes)
