"""Logs of simulated people under an agent, with propensities, as files for other tools."""

import contextlib
from collections.abc import Generator, Iterator
from typing import Any

import numpy as np

from recsim_env.agents import Agent, as_agent
from recsim_env.agents.core.interaction import Interaction
from recsim_env.agents.core.slate_distribution import Propensities
from recsim_env.agents.core.step_log import LoggedSteps
from recsim_env.agents.core.transition import Observation
from recsim_env.agents.core.world import describe_world
from recsim_env.benchmark.evaluation import acting_in
from recsim_env.benchmark.log_rows import Recording, recording_of
from recsim_env.benchmark.provenance import versions
from recsim_env.benchmark.recorded import Played, counted, gathered
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv, resolve_scenario

# More steps than anybody plays.
_ENDLESS = 2**40

#: What a file of whole steps, from `record_steps`, ends with.
STEPS_SUFFIX = ".npz"


def unrecordable(scenario: Scenario) -> str | None:
    """Returns a sentence saying why people in a scenario leave no log, or None."""
    name = type(scenario).__name__
    if not scenario.n_items:
        return f"a log needs item ids, and {name} with these settings has none; set n_items"
    if "response" not in scenario.schema.spaces:
        return f"a log needs responses, and {name} shows none"
    return None


def record(
    agent: Any,
    scenario: str | type[Scenario] | Scenario,
    *,
    interactions: int,
    seed: int = 0,
    num_envs: int = 16,
    n_draws: int = 1_000,
    progress_bar: bool = False,
) -> Recording:
    """Returns the log of simulated people under a frozen agent, which still explores.

    The agent is frozen, so that the log is one policy's and sessions do not depend on each other:
    those that were played side by side are written one after the other. The last ones may be cut
    off. Its generator is replaced for the time, as in `evaluate`.

    Args:
      agent: one of ours, having learned whatever it shall know; a function or a model of
        Stable-Baselines3, as in `evaluate`.
      scenario: where to play, by name, id, class or instance.
      interactions: how many slates to show.
      seed: of the people, what they do and the agent.
      num_envs: people who are served side by side.
      n_draws: of each propensity that has to be drawn; see `Agent.slate_probability`.
      progress_bar: whether to show progress on a terminal.

    Raises:
      ValueError: items have no ids, or no response is seen.
      TypeError: `agent` is none of these.
    """
    scenario = resolve_scenario(scenario)
    reason = unrecordable(scenario)
    if reason is not None:
        raise ValueError(reason)
    steps = record_steps(
        agent,
        scenario,
        interactions=interactions,
        seed=seed,
        num_envs=num_envs,
        n_draws=n_draws,
        progress_bar=progress_bar,
    )
    return recording_of(steps, scenario)


def record_steps(
    agent: Any,
    scenario: str | type[Scenario] | Scenario,
    *,
    interactions: int,
    seed: int = 0,
    num_envs: int = 16,
    n_draws: int = 1_000,
    progress_bar: bool = False,
    hidden: bool = False,
) -> LoggedSteps:
    """Plays people as `record` does, and keeps whole steps, which other agents learn from.

    Steps stand as they were played, a batch after the other. Neither items nor people need ids.

    Args:
      agent, scenario, interactions, seed, num_envs, n_draws, progress_bar: as in `record`.
      hidden: whether to keep the people's true states before each slate, too, which no agent may
        see; their columns begin with `hidden_`.

    Raises:
      TypeError: `agent` is none of these.
    """
    scenario = resolve_scenario(scenario)
    agent = _telling(agent, scenario)
    played = _played(
        agent,
        scenario,
        interactions,
        seed,
        num_envs=num_envs,
        n_draws=n_draws,
        bar=progress_bar,
        hidden=hidden,
    )
    columns, error = gathered(scenario, played, num_envs)
    columns = {name: values[:interactions] for name, values in columns.items()}
    about = _about(agent, scenario, interactions, seed, num_envs, n_draws)
    return LoggedSteps(columns, about | counted(columns, error))


def record_sessions(
    agent: Any,
    scenario: str | type[Scenario] | Scenario,
    *,
    n_sessions: int,
    seed: int = 0,
    n_draws: int = 1_000,
    hidden: bool = False,
) -> LoggedSteps:
    """Plays as many people side by side as sessions are wanted, and keeps the first of each, whole.

    The first n sessions of a log are then a log of n sessions, made alike.

    Args:
      agent, scenario, seed, n_draws: as in `record`.
      n_sessions: how many.
      hidden: as in `record_steps`.

    Raises:
      TypeError: `agent` is none of these.
    """
    scenario = resolve_scenario(scenario)
    agent = _telling(agent, scenario)
    played = _played(
        agent,
        scenario,
        _ENDLESS,
        seed,
        num_envs=n_sessions,
        n_draws=n_draws,
        bar=False,
        hidden=hidden,
    )
    first = _until_all_have_left(played, n_sessions)
    columns, error = gathered(scenario, first, n_sessions)
    is_first = columns["session_number"] < n_sessions
    columns = {name: values[is_first] for name, values in columns.items()}
    about = _about(agent, scenario, int(is_first.sum()), seed, n_sessions, n_draws)
    return LoggedSteps(columns, about | counted(columns, error))


def _until_all_have_left(played: Generator[Played, None, None], n: int) -> Iterator[Played]:
    """Yields batches until the first session of each of n people has ended."""
    has_left = np.zeros(n, bool)
    with contextlib.closing(played):
        for transition, propensities, state in played:
            yield transition, propensities, state
            has_left[transition.index[transition.is_over]] = True
            if has_left.all():
                return


def _telling(agent: Any, scenario: Scenario) -> Agent:
    """Returns an agent that tells how likely its slates are.

    Raises:
      TypeError: it does not.
    """
    found = as_agent(agent, RecommendationVectorEnv(scenario))
    if not isinstance(found, Agent):
        raise TypeError(
            f"agent={agent!r:.80} does not tell how likely its slates are; give a function from "
            "observations to slates, or an agent of make_agent or load_agent"
        )
    return found


def _about(
    agent: Agent, scenario: Scenario, interactions: int, seed: int, num_envs: int, n_draws: int
) -> dict[str, Any]:
    """Returns how a log was made, as JSON values."""
    is_exact = agent.draws_slates is None
    return describe_world(scenario) | {
        "agent": f"{type(agent).__module__}:{type(agent).__qualname__}",
        "policies": [type(agent).__name__],
        "runs": [{"seed": seed, "num_envs": num_envs}],
        "agent_settings": agent.settings.as_dict(),
        "learned_from": agent.num_timesteps,
        "interactions": interactions,
        "seed": seed,
        "num_envs": num_envs,
        "propensity": "exact" if is_exact else f"mean of {n_draws:,} draws",
        "versions": versions(),
    }


def _played(
    agent: Agent,
    scenario: Scenario,
    interactions: int,
    seed: int,
    *,
    num_envs: int,
    n_draws: int,
    bar: bool,
    hidden: bool = False,
) -> Generator[Played, None, None]:
    """Yields at least that many slates in batches, with the propensities of everybody's."""
    env = RecommendationVectorEnv(scenario, num_envs=num_envs)
    last = list[tuple[Propensities, np.ndarray | None]]()

    def policy(observation: Observation, state: Any) -> tuple[np.ndarray, np.ndarray]:
        slates = agent.recommend(observation, state, deterministic=False)
        found = agent.place_propensities(observation, slates, state, n_draws=n_draws)
        last[:] = [(found, env.users if hidden else None)]
        return slates, found.slate

    with contextlib.closing(env), acting_in(agent, env, seed):
        interaction = Interaction(agent)
        interaction.enter(seed=seed)
        for transition in interaction.run(interactions, progress_bar=bar, policy=policy):
            yield transition, *last[0]
