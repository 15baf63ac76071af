"""What agents earn while they learn: replayed on a log, and truly."""

from collections.abc import Callable
from typing import Any

import numpy as np

from recsim_env.agents import Agent
from recsim_env.agents.core.online import OnlineAgent, collect
from recsim_env.agents.core.replay import NEXT
from recsim_env.agents.core.transition import Transition
from recsim_env.benchmark.evaluation import acting_in
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.ope import ValueEstimate
from recsim_env.ope.replay import replay
from recsim_env.results.intervals import Estimate, estimate


def replayed(agent: Agent, log: PolicyLog, *, seed: int = 0) -> ValueEstimate:
    """Returns what an agent that learns earns per slate, by the rows of a log that it agrees with.

    It chooses at every row, explores as it does, and learns from those rows where its choice was
    logged; see `recsim_env.ope.replay`. Every row stands for a session that has just begun: what an
    agent remembers of sessions cannot be replayed, for the others were never led there.

    Args:
      agent: before it has learned; it learns from the log.
      log: of single items.
      seed: of what it draws, and of which rows are kept of a log that is not uniform.

    Raises:
      ValueError: the agent does not learn as it serves, looks into people, or agrees with no row;
        or the log is of slates, or of no scenario.
    """
    name = type(agent).__name__
    if log.scenario is None or log.slate_size > 1:
        raise ValueError("replay needs a log of single items in a scenario, where agents can act")
    if not isinstance(agent, OnlineAgent) or not agent.learns:
        raise ValueError(f"{name} does not learn as it serves; judge it without --replay")
    if agent.is_privileged or agent.settings.sees_state:
        raise ValueError(f"{name} looks into people, whom a log does not hold")
    if agent.num_timesteps:
        raise ValueError(f"{name} has learned; replay lets an agent learn from nothing")
    env = RecommendationVectorEnv(log.scenario, num_envs=1)
    try:
        with acting_in(agent, env, seed):
            agent.begin()
            return replay(
                _Learner(agent, log),
                log["slate"][:, 0],
                log["reward"],
                log["propensity"],
                context=np.arange(len(log)),
                seed=seed,
            )
    finally:
        env.close()


class _Learner:
    """An agent as `recsim_env.ope.replay` plays one; contexts are rows of the log."""

    def __init__(self, agent: OnlineAgent, log: PolicyLog) -> None:
        self._agent, self._log = agent, log

    def choose(self, context: Any) -> int:
        """Returns the candidate that the agent shows."""
        agent, observation = self._agent, self._log.observation(np.array([context]))
        return int(
            agent.recommend(observation, self._state(observation), deterministic=False)[0, 0]
        )

    def learn(self, context: Any, action: int, reward: float) -> None:
        """Tells the agent what its choice led to."""
        log, row = self._log, np.array([context])
        assert log.scenario is not None
        observation = log.observation(row)
        following = {name: log.columns.get(NEXT + name, log[name])[row] for name in observation}
        transition = Transition.of_step(
            log.scenario,
            observation=observation,
            slates=log["slate"][row],
            next_observation=following,
            rewards=np.array([reward]),
            is_terminal=log["is_terminal"][row].astype(bool),
            is_over=np.ones(1, bool),
            index=np.zeros(1, int),
            begins=np.ones(1, bool),
            state=self._state(observation),
        )
        self._agent.on_transition(transition)

    def _state(self, observation: Any) -> Any:
        agent = self._agent
        return agent.next_state(agent.begin_state(1), observation, np.ones(1, bool))


def learning_value(
    make: Callable[[int], Agent], n_interactions: int, *, n_seeds: int = 10
) -> Estimate:
    """Returns what an agent truly earns per slate in its first interactions, the mean over seeds.

    Args:
      make: returns an agent that has not learned, by its seed.
      n_interactions: as many rows as replay kept.
      n_seeds: of agents and people.
    """
    means = []
    for seed in range(n_seeds):
        agent = make(seed)
        assert isinstance(agent, OnlineAgent)
        earned = [each.rewards for each in collect(agent, n_interactions)]
        means.append(float(np.concatenate(earned)[:n_interactions].mean()))
    return estimate(np.array(means))
