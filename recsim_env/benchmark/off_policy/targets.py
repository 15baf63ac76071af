"""How likely a policy would have shown what a log shows, session by session."""

import numpy as np

from recsim_env.agents import Agent
from recsim_env.agents.core.slate_distribution import (
    Independent,
    Propensities,
    Ranked,
    propensities_of,
    shown_of,
)
from recsim_env.agents.core.transition import rows_of_memory
from recsim_env.benchmark.evaluation import acting_in
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.envs import RecommendationVectorEnv


def target_chances(
    agent: Agent, log: PolicyLog, *, explores: bool = False, n_draws: int = 1_000, seed: int = 0
) -> Propensities:
    """Returns how likely an agent shows the logged slates, having seen what the log tells.

    The agent remembers of each session what was logged before.

    Args:
      agent: to be judged; frozen, in the world of the log.
      log: of another policy, or of several.
      explores: whether it explores as while learning; by default it shows the best it knows.
      n_draws: where chances have no formula.
      seed: of what it draws.

    Raises:
      ValueError: the log is of no scenario, or the agent must look into people.
    """
    if log.scenario is None:
        raise ValueError(
            "the log is of no scenario, in which agents could act; give the policy as a .npy file "
            "of probabilities, or name uniform"
        )
    if agent.is_privileged or agent.settings.sees_state:
        raise ValueError(
            f"{type(agent).__name__} looks into people, whom a log does not hold; judge an agent "
            "that acts on what is seen"
        )
    env = RecommendationVectorEnv(log.scenario, num_envs=1)
    try:
        with acting_in(agent, env, seed):
            return _chances(agent, log, explores=explores, n_draws=n_draws)
    finally:
        env.close()


def _chances(agent: Agent, log: PolicyLog, *, explores: bool, n_draws: int) -> Propensities:
    slate = np.empty(len(log))
    places, following = (np.empty((len(log), log.slate_size, log.n_candidates)) for _ in range(2))
    error = 0.0
    order = np.argsort(-log.lengths, kind="stable")  # those that go on come first
    starts, lengths = log.starts[order], log.lengths[order]
    state = agent.begin_state(len(order))
    for step in range(int(lengths[0])):
        n = int(np.count_nonzero(lengths > step))
        rows = starts[:n] + step
        observation, slates = log.observation(rows), log["slate"][rows]
        state = agent.next_state(
            rows_of_memory(state, slice(n)), observation, np.full(n, step == 0)
        )
        found = agent.place_propensities(
            observation, slates, state, deterministic=not explores, n_draws=n_draws
        )
        slate[rows], places[rows], following[rows] = found.slate, found.places, found.next_places
        error = max(error, found.error)
        state = agent.remember(state, observation, slates)
    prefix = shown_of(following, log["slate"])
    return Propensities(slate, prefix, places, following, error)


def uniform_chances(log: PolicyLog) -> Propensities:
    """Returns how likely uniformly random slates without repeats are, for any log."""
    return propensities_of(
        Ranked(np.zeros((len(log), log.n_candidates)), log.slate_size), log["slate"]
    )


def chances_of(places: np.ndarray, log: PolicyLog) -> Propensities:
    """Returns how likely what was logged is under a policy that fills places independently.

    Args:
      places: (n, n_candidates) or (n, slate_size, n_candidates), its probabilities of candidates,
        in the order of the log.
      log: whose rows they belong to.

    Raises:
      ValueError: another shape, or they are no probabilities.
    """
    shape = (len(log), log.slate_size, log.n_candidates)
    given = places.shape
    if places.ndim == 2:
        places = np.repeat(places[:, None], log.slate_size, axis=1)
    if places.shape != shape:
        raise ValueError(
            f"probabilities have shape {given}; the log needs {shape}, or without the second number"
        )
    sums = places.sum(axis=2)
    if places.min() < 0.0 or not np.allclose(sums, 1.0, atol=1e-6):
        raise ValueError(
            f"probabilities go down to {places.min():.3g} and add up to {sums.min():.6g} to "
            f"{sums.max():.6g}; use numbers from 0 on that add up to 1 in each row"
        )
    return propensities_of(Independent(np.asarray(places, np.float64)), log["slate"])
