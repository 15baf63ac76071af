"""The sessions that an agent is amid while it learns: what it sees, shows, and is told of.

What was seen last is not saved: it follows from the state of the people.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode

from recsim_env.agents.core.agent import Agent
from recsim_env.agents.core.arguments import as_callback, as_steps
from recsim_env.agents.core.memories import leaves, rebuilt
from recsim_env.agents.core.restoring import State, like, part, require_range, taken
from recsim_env.agents.core.reward_wrappers import check_paid
from recsim_env.agents.core.transition import Observation, Transition
from recsim_env.core.scenario import Scenario
from recsim_env.engine.state import check_state
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.progress import progress

#: Given an observation and a memory, chooses slates, and says how likely they were or None.
Policy = Callable[[Observation, Any], tuple[np.ndarray, np.ndarray | None]]


@dataclass(frozen=True)
class Moment:
    """A step of everybody; who spent it on beginning a session did nothing else.

    Attributes:
      observation, slates, state, propensity: as of `Transition`, for everybody.
      taken: what the environment returned.
      was_over: (n,), whose session was over before.
      begins: (n,), whose session had just begun.
    """

    observation: Observation
    slates: np.ndarray
    taken: tuple[Any, ...]
    was_over: np.ndarray
    begins: np.ndarray
    state: Any
    propensity: np.ndarray | None

    @property
    def n_steps(self) -> int:
        """How many took a step."""
        return len(self.was_over) - int(np.count_nonzero(self.was_over))

    def transition(self, scenario: Scenario) -> Transition:
        """Returns the steps of those who took one."""
        return Transition.of_batch(
            scenario,
            self.observation,
            self.slates,
            self.taken,
            is_over=self.was_over,
            begins=self.begins,
            state=self.state,
            propensity=self.propensity,
        )


class Interaction:
    """An agent among people who come and go, shown one batch of slates after the other.

    Args:
      agent: who acts.

    Attributes:
      observation: what it saw last, of everybody; None before there are sessions.
      state: what it remembers of the sessions.
    """

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._env: RecommendationVectorEnv | None = None  # where the sessions are
        self.observation: Observation | None = None
        self._is_over = self._begins = np.zeros(0, bool)
        self.state: Any = None
        self._saved: State = {}  # sessions to go on with

    def enter(self, *, seed: int | None = None) -> bool:
        """Goes on with the sessions under way, or begins new ones; returns whether they are new.

        Args:
          seed: of the people whom it meets anew; by default the agent's.

        Raises:
          ValueError: the environment begins episodes at other times than `step` expects.
        """
        agent = self._agent
        if agent.env.autoreset_mode != AutoresetMode.NEXT_STEP:
            raise ValueError("learning needs an environment with autoreset_mode='NextStep'")
        is_under_way = self.observation is not None and agent.env is self._env
        is_new = not (self._goes_on_as_saved() or is_under_way)
        if is_new:
            n = agent.env.num_envs
            self.observation, _ = agent.stage.reset(seed=agent.seed if seed is None else seed)
            self._is_over, self._begins = np.zeros(n, bool), np.ones(n, bool)
            self.state = agent.begin_state(n)
        self._env = agent.env
        return is_new

    def run(
        self,
        total_timesteps: int,
        callback: Any = None,
        progress_bar: bool = False,
        *,
        policy: Policy | None = None,
        learner: Agent | None = None,
    ) -> Iterator[Transition]:
        """Yields batches of steps until there are `total_timesteps`; see `moments`."""
        scenario = self._agent.env.scenario
        for moment in self.moments(
            total_timesteps, callback, progress_bar, policy=policy, learner=learner
        ):
            yield moment.transition(scenario)

    def moments(
        self,
        total_timesteps: int,
        callback: Any = None,
        progress_bar: bool = False,
        *,
        policy: Policy | None = None,
        learner: Agent | None = None,
    ) -> Iterator["Moment"]:
        """Yields what everybody was shown and did, with those whose session only began.

        It goes on until there are `total_timesteps`; see `Agent.learn`.

        Args:
          total_timesteps, callback, progress_bar: as there.
          policy: chooses the slates; by default the agent, without saying how likely they were.
          learner: who learns of the steps, if that is another: the callback is called with it, and
            its `on_rest` is asked.
        """
        total, learner = as_steps(total_timesteps), learner or self._agent
        callback = as_callback(callback)
        n_steps = 0
        with progress(total=total, unit="step", shown=progress_bar) as bar:
            while n_steps < total:
                moment = self._step(policy or self._own_policy)
                yield moment
                n_steps += moment.n_steps
                bar.update(moment.n_steps)
                if callback is not None and callback(learner) is False:
                    break
                if learner.on_rest is not None and n_steps < total:
                    learner.on_rest()

    def _own_policy(self, observation: Observation, state: Any) -> tuple[np.ndarray, None]:
        return self._agent.recommend(observation, state, deterministic=False), None

    def _step(self, policy: Policy) -> "Moment":
        """Shows one slate to everybody, and returns what came of it."""
        agent, observation = self._agent, self.observation
        assert observation is not None
        state = self.next_state
        slates, propensity = policy(observation, state)
        self.state = agent.remember(state, observation, slates)
        following = agent.stage.step(slates)
        check_paid(agent.stage, following[1])
        moment = Moment(
            observation, slates, following, self._is_over, self._begins, state, propensity
        )
        self.observation, _, terminated, truncated, _ = following
        self._begins, self._is_over = self._is_over, terminated | truncated
        return moment

    @property
    def next_state(self) -> Any:
        """What the agent will remember when it chooses the next slates."""
        assert self.observation is not None
        return self._agent.next_state(self.state, self.observation, self._begins)

    # Saving ---------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Returns the sessions under way; nothing before there are any."""
        if self.observation is None or self._env is None:
            return dict(self._saved)
        return {
            "environment": self._env.state,
            "is_over": self._is_over,
            "begins": self._begins,
            "memory": {str(place): leaf for place, leaf in enumerate(leaves(self.state))},
        }

    def load_state_dict(self, state: State) -> None:
        """Takes back sessions, to go on with where they are of as many people as there are.

        Raises:
          ValueError: they cannot be of this environment, or of such an agent.
        """
        self._saved = self._checked(state) if state and is_state_of(self._agent.env, state) else {}

    @property
    def is_resuming(self) -> bool:
        """Whether there are sessions of a saved agent to go on with."""
        return bool(self._saved)

    def _checked(self, state: State) -> dict[str, Any]:
        """Returns saved sessions, whose arrays are those that this agent would save."""
        n = self._agent.env.num_envs
        flags, memory = np.zeros(n, bool), part(state, "memory")
        found = {name: like(state, name, flags) for name in ("is_over", "begins")}
        arrays = {}
        for place, model in enumerate(leaves(self._agent.begin_state(n))):
            name = str(place)
            arrays[name] = like(memory, name, model)
            if model.dtype.kind == "i":
                high = self._agent.memory_bound() - 1
                require_range(f"memory.{name}", arrays[name], low=-1, high=high)
        return found | {"environment": state["environment"], "memory": arrays}

    def _goes_on_as_saved(self) -> bool:
        """Goes on with the sessions of a loaded agent, if they are of such an environment."""
        saved, self._saved, agent = self._saved, {}, self._agent
        n = agent.env.num_envs
        if not saved or saved["environment"].shape != (n,):
            return False
        agent.env.state = saved["environment"]
        self.observation = agent.env.observe()
        self._is_over, self._begins = saved["is_over"], saved["begins"]
        arrays = iter([saved["memory"][str(k)] for k in range(len(saved["memory"]))])
        self.state = rebuilt(agent.begin_state(n), arrays)
        return True


def is_state_of(env: RecommendationVectorEnv, state: State, *, may_be_over: bool = True) -> bool:
    """Returns whether the array `environment` is a state of as many people as an environment has.

    Args:
      env: that would go on from it.
      state: where it is.
      may_be_over: whether a session may have ended, without the next having begun.

    Raises:
      ValueError: it is no state of such people.
    """
    people, own = taken(state, "environment"), env.state
    if people.dtype != own.dtype or people.ndim != 1:
        raise ValueError("environment is no state of these people")
    if not check_state(env.scenario, people, may_be_over=may_be_over):
        raise ValueError("environment is a state in which no session has begun")
    return people.shape == own.shape
