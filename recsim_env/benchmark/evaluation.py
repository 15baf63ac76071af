"""Frozen evaluations: the same people and candidates for every agent, on common random numbers."""

import contextlib
import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from recsim_env.agents import Agent, agent_class, as_agent, make_agent
from recsim_env.core.scenario import Scenario
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.envs.arguments import as_count, as_seed
from recsim_env.formats.html_table import html_table
from recsim_env.metrics import Backdrop, Measurement, Meter
from recsim_env.results.intervals import estimate
from recsim_env.results.wording import number, with_interval

#: Slots of an evaluation, if it has that many episodes. With several episodes in each, few slots
#: wait for the longest session; results depend on the number of slots, so it is fixed.
N_SLOTS = 100

#: A slot that did not end its episodes after this many steps is taken to be endless.
MAX_STEPS = 100_000


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """What episodes with a frozen agent brought.

    Rows are in a fixed order (slot by slot, each in order of time), so that row j of two agents
    evaluated alike is the same person, with common random numbers.

    Attributes:
      returns: (n_episodes,), sum of rewards.
      lengths: (n_episodes,), slates shown.
      clicks: (n_episodes,), items clicked; NaN where the scenario shows no response.
      measured: what else was measured (`recsim_env.metrics`), where that was asked for.
    """

    returns: np.ndarray
    lengths: np.ndarray
    clicks: np.ndarray
    measured: Measurement | None = None

    def __repr__(self) -> str:
        said = with_interval(estimate(self.returns))
        return f"<Evaluation of {self.n_episodes:,} episodes: return {said}>"

    def _repr_html_(self) -> str:
        """Returns what a notebook shows: its means, the return with its interval."""
        found = estimate(self.returns)
        rows = [
            [f"return [{found.method}]", with_interval(found)],
            ["reward per step", number(self.reward_per_step)],
            ["click rate", number(self.click_rate)],
            ["steps per episode", number(self.episode_length)],
        ]
        return html_table(f"Evaluation of {self.n_episodes:,} episodes", [], rows)

    @property
    def n_episodes(self) -> int:
        """How many episodes there are."""
        return len(self.returns)

    @property
    def return_mean(self) -> float:
        """Mean reward per episode."""
        return float(self.returns.mean())

    @property
    def reward_per_step(self) -> float:
        """Mean reward per slate."""
        return float(self.returns.sum() / self.lengths.sum())

    @property
    def click_rate(self) -> float:
        """Clicked items per slate; NaN where the scenario shows no response."""
        return float(self.clicks.sum() / self.lengths.sum())

    @property
    def episode_length(self) -> float:
        """Mean number of slates per episode."""
        return float(self.lengths.mean())


def evaluate(
    agent: Any,
    scenario: RecommendationVectorEnv | Scenario | type[Scenario] | str,
    *,
    n_episodes: int,
    seed: int,
    num_envs: int | None = None,
    threads: int = 1,
    max_steps: int = MAX_STEPS,
    another_world: bool = False,
    measure: bool = False,
    n_measured: int | None = None,
    backdrop: Backdrop | None = None,
    deterministic: bool = True,
) -> Evaluation:
    """Plays the first episodes of every slot with the agent frozen.

    Episodes are counted by slot and not as they end, which would favour short ones. The agent's
    generator is replaced for the time, so that what it serves depends on what it learned and on
    `seed`, and its further learning does not depend on having been evaluated. Returns are of what
    the scenario pays, also where the agent learned through a wrapper that pays something else.

    Args:
      agent: one of ours; a model of Stable-Baselines3, whichever fields of the observation it was
        trained with; anything else with its `predict`; or a function from a batch of observations
        to slates, as `recsim_env.agents.from_policy` takes it.
      scenario: where, by name, id, class or instance; an environment, with autoreset mode
        NEXT_STEP, is used as it is, or its twin where it is the one that the agent learns in.
      n_episodes: in total, a multiple of the number of slots.
      seed: of the people and what they do; slot i has that of seed + i.
      num_envs: slots; by default 100, or one for each episode where there are fewer. An environment
        has its own.
      threads: that step them; the result does not depend on it.
      max_steps: after which a slot is taken to be endless.
      another_world: whether it is meant to be another world than the agent learned in; see
        `Agent.set_env`.
      measure: whether to measure what is served, too; returns do not depend on it.
      n_measured: of the episodes, the first of every slot, a multiple of the number of slots; by
        default all are measured.
      backdrop: how the same people are served otherwise, for the metrics that compare with that;
        `recsim_env.benchmark.backdrop` plays it.
      deterministic: as of `Agent.predict`; False lets it explore as while learning.

    Raises:
      ValueError: `n_episodes` or `n_measured` does not fit the slots, the backdrop is of other
        people, episodes do not end, or the agent learned in another world.
      TypeError: `agent` is none of these.
    """
    n_episodes = as_count("n_episodes", n_episodes, allowed="at least 1")
    max_steps = as_count("max_steps", max_steps, allowed="at least 1")
    play = functools.partial(
        _evaluate,
        agent,
        n_episodes=n_episodes,
        seed=as_seed(seed),
        max_steps=max_steps,
        n_measured=_n_measured(n_measured, n_episodes, is_asked=measure or backdrop is not None),
        backdrop=backdrop,
        deterministic=deterministic,
    )
    if isinstance(scenario, RecommendationVectorEnv):
        if num_envs not in (None, scenario.num_envs) or threads != 1:
            raise ValueError(
                f"num_envs={num_envs} and threads={threads} are those of the environment that was "
                "given; leave them out, or give its scenario"
            )
        _check_slots(n_episodes, scenario.num_envs)
        if isinstance(agent, Agent) and scenario is agent.env:
            scenario = scenario.twin()  # its learning goes on where it was
        return play(scenario, another_world=another_world)
    num_envs = min(n_episodes, N_SLOTS) if num_envs is None else num_envs
    num_envs = as_count("num_envs", num_envs, allowed="at least 1")
    _check_slots(n_episodes, num_envs)
    env = RecommendationVectorEnv(scenario, num_envs=num_envs, threads=threads)
    try:
        return play(env, another_world=another_world)
    finally:
        env.close()


@functools.lru_cache(maxsize=16)
def backdrop(scenario: Scenario, *, n_episodes: int, seed: int) -> Backdrop:
    """Returns how uniform slates and the oracle serve the people of an evaluation.

    It is played once per process, so that no run waits for another.

    Args:
      scenario: where.
      n_episodes: that are measured: `n_measured` of the evaluation, or all of them.
      seed: of the evaluation.
    """
    env = RecommendationVectorEnv(scenario, num_envs=1)
    found: list[Measurement | None] = []
    try:
        for name in ("uniform", "oracle"):
            if agent_class(name).unsuitable(scenario):
                found.append(None)
                continue
            agent = make_agent(name, env)
            played = evaluate(agent, scenario, n_episodes=n_episodes, seed=seed, measure=True)
            found.append(played.measured)
    finally:
        env.close()
    uniform, oracle = found
    assert uniform is not None
    n_slots = min(n_episodes, N_SLOTS)
    return Backdrop(uniform, oracle, (seed, n_slots, n_episodes // n_slots))


def _n_measured(given: int | None, n_episodes: int, *, is_asked: bool) -> int:
    """Returns how many episodes are measured; 0 where that is not asked for."""
    if given is None:
        return n_episodes if is_asked else 0
    if not is_asked:
        raise ValueError(f"n_measured={given} without measure or backdrop; give measure=True")
    found = as_count("n_measured", given, allowed="at least 1")
    if found > n_episodes:
        raise ValueError(f"n_measured={found} exceeds n_episodes={n_episodes}; lower it")
    return found


def _meter(
    env: RecommendationVectorEnv, n_measured: int, seed: int, backdrop: Backdrop | None
) -> Meter:
    """Returns what watches the first episodes of every slot."""
    if n_measured % env.num_envs:
        raise ValueError(
            f"n_measured={n_measured} is not a multiple of num_envs={env.num_envs}; of every slot "
            "the same number of episodes is measured"
        )
    people = seed, env.num_envs, n_measured // env.num_envs
    if backdrop is not None and backdrop.people not in (None, people):
        names = ("seed", "slots", "episodes of each")
        there, here = (
            ", ".join(f"{n} {x}" for n, x in zip(names, each, strict=True))
            for each in (backdrop.people, people)
        )
        raise ValueError(
            f"backdrop is of other people ({there}) than are measured ({here}); make it with the "
            "same seed, and with n_episodes=n_measured"
        )
    return Meter(env, people[-1], backdrop)


def _check_slots(n_episodes: int, num_envs: int) -> None:
    if n_episodes < 1 or num_envs < 1 or n_episodes % num_envs:
        raise ValueError(
            f"n_episodes={n_episodes} is not a multiple of num_envs={num_envs}; "
            "every slot plays the same number of episodes"
        )


def _evaluate(
    agent: Any,
    env: RecommendationVectorEnv,
    *,
    n_episodes: int,
    seed: int,
    max_steps: int,
    another_world: bool,
    n_measured: int,
    backdrop: Backdrop | None,
    deterministic: bool,
) -> Evaluation:
    if env.autoreset_mode != AutoresetMode.NEXT_STEP or not isinstance(
        env.single_observation_space, spaces.Dict
    ):
        raise ValueError("evaluation needs a dict environment with autoreset_mode='NextStep'")
    agent = as_agent(agent, env)
    tally = _Tally(env.num_envs, n_episodes // env.num_envs)
    with acting_in(agent, env, seed, another_world=another_world):
        observation, _ = env.reset(seed=seed)
        state, begins = None, np.ones(env.num_envs, bool)
        watching = _meter(env, n_measured, seed, backdrop) if n_measured else None
        for _ in range(max_steps):
            slates, state = agent.predict(
                observation, state=state, episode_start=begins, deterministic=deterministic
            )
            if watching:
                watching.before(slates)
            observation, rewards, terminated, truncated, _ = env.step(slates)
            begins = tally.is_beginning
            tally.add(rewards, _clicks(observation), terminated | truncated)
            if watching:
                watching.after(rewards, terminated | truncated)
            if tally.is_complete:
                measured = watching.measurement() if watching else None
                return tally.evaluation(measured)
    raise ValueError(
        f"{type(env.scenario).__name__}: an episode did not end within {max_steps:,} steps; "
        "set horizon to truncate episodes"
    )


@contextlib.contextmanager
def acting_in(
    agent: Any, env: RecommendationVectorEnv, seed: int, *, another_world: bool = False
) -> Iterator[None]:
    """Lends the agent an environment and a generator, and gives it back its own.

    Raises:
      ValueError: the agent learned in another world, unless that is meant.
    """
    if not isinstance(agent, Agent):
        yield
        return
    own_stage, own_rng = agent.stage, agent.rng
    agent.set_env(env, another_world=another_world)
    agent.rng = np.random.default_rng(seed)
    try:
        yield
    finally:
        agent.set_env(own_stage, another_world=True)
        agent.rng = own_rng


def _clicks(observation: Any) -> np.ndarray | float:
    """Returns how many items of the last slate were clicked, by slot."""
    if "response" not in observation:
        return math.nan
    return np.asarray((observation["response"][:, :, 0] > 0).sum(axis=1))


class _Tally:
    """Adds up the first episodes of every slot and ignores what comes after them."""

    def __init__(self, num_envs: int, n_per_slot: int) -> None:
        shape = (num_envs, n_per_slot + 1)  # the last column takes what is ignored
        self._returns, self._clicks = np.zeros(shape), np.zeros(shape)
        self._lengths = np.zeros(shape, np.int64)
        self._episode = np.zeros(num_envs, np.int64)
        self._n_per_slot = n_per_slot
        self._slot = np.arange(num_envs)
        self.is_beginning = np.zeros(num_envs, bool)

    def add(self, rewards: np.ndarray, clicks: np.ndarray | float, is_over: np.ndarray) -> None:
        """Adds a step; the step after an episode's end only begins the next one."""
        stepped = ~self.is_beginning
        where = self._slot, self._episode
        self._returns[where] += np.where(stepped, rewards, 0.0)
        self._clicks[where] += np.where(stepped, clicks, 0.0)
        self._lengths[where] += stepped
        self.is_beginning = stepped & is_over
        self._episode = np.minimum(self._episode + self.is_beginning, self._n_per_slot)

    @property
    def is_complete(self) -> bool:
        """Whether every slot has played its episodes."""
        return bool((self._episode == self._n_per_slot).all())

    def evaluation(self, measured: Measurement | None = None) -> Evaluation:
        """Returns the episodes, slot by slot."""
        return Evaluation(
            returns=self._returns[:, :-1].ravel(),
            lengths=self._lengths[:, :-1].ravel(),
            clicks=self._clicks[:, :-1].ravel(),
            measured=measured,
        )
