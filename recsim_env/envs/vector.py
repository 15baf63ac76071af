"""A batch of simulated people as an environment."""

import time
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space

from recsim_env.core.scenario import Scenario
from recsim_env.engine.episode import slot_dtype
from recsim_env.engine.simulator import DISABLED, NEXT_STEP, SAME_STEP, Simulator, Steps
from recsim_env.engine.state import check_state
from recsim_env.envs.accounting import step_observer
from recsim_env.envs.arguments import (
    as_compiled,
    as_horizon,
    as_mode,
    as_num_envs,
    as_options,
    as_reset_mask,
    as_seeds,
    as_threads,
    as_user_ids,
)
from recsim_env.envs.registry import WithCompleteSpec
from recsim_env.envs.resolving import scenario_for
from recsim_env.envs.spaces import Interface, Observation

_MODES = {
    AutoresetMode.NEXT_STEP: NEXT_STEP,
    AutoresetMode.SAME_STEP: SAME_STEP,
    AutoresetMode.DISABLED: DISABLED,
}


class RecommendationVectorEnv(WithCompleteSpec, gymnasium.vector.VectorEnv):
    """A batch of simulated people, stepped by a compiled loop; `gymnasium.make_vec` gives it.

    Environment i equals a `RecommendationEnv` reset with the same seed, draw for draw.

    Args:
      scenario: its name, as "MusicStreaming" or ``"module:Class"``, its class, or a `Scenario`.
      num_envs: how many people.
      threads: how many threads step them; the results do not depend on it.
      autoreset_mode: NEXT_STEP (default), SAME_STEP or DISABLED, a member or its value.
      max_episode_steps, flat, compiled, **settings: as for `RecommendationEnv`.

    ``reset(seed=s)`` gives environment i the seed s + i; a list gives each its own. Under DISABLED,
    ``reset(options={"reset_mask": mask})`` begins the masked episodes, and stepping an environment
    whose episode is over raises. ``options={"user_id": ...}`` asks for people, as in
    `RecommendationEnv`: one for all, or a list of one for each environment, in which None is
    whoever comes anyway; together with a mask, those of the masked environments count.

    What `step` returns is fresh memory, never written again. The dict's arrays are views into one
    block of records.
    """

    def __init__(
        self,
        scenario: str | type[Scenario] | Scenario,
        *,
        num_envs: int = 1,
        threads: int = 1,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        max_episode_steps: int | None = None,
        flat: bool = False,
        compiled: bool | None = None,
        render_mode: str | None = None,
        **settings: Any,
    ) -> None:
        if render_mode is not None:
            raise ValueError(
                f"render_mode={render_mode!r} is not allowed: a batch is not rendered; leave it "
                "out, or make a single environment (gymnasium.make)"
            )
        self.scenario = scenario_for(RecommendationVectorEnv, scenario, settings)
        # Of observations there are a step's, the last ones, and the limits of their space.
        observation_bytes = self.scenario.schema.dtypes["observation"].itemsize
        self.num_envs = as_num_envs(
            num_envs, bytes_each=slot_dtype(self.scenario).itemsize + 4 * observation_bytes
        )
        self.render_mode = None
        self.autoreset_mode = as_mode(autoreset_mode)
        self.metadata = {"render_modes": [], "autoreset_mode": self.autoreset_mode}
        self.made_with: dict[str, Any] = {
            "num_envs": self.num_envs,
            "threads": as_threads(threads),
            "autoreset_mode": self.autoreset_mode,
            "max_episode_steps": as_horizon(max_episode_steps),
            "flat": flat,
            "compiled": as_compiled(compiled),
        }
        self._interface = Interface(self.scenario, flat=flat, num_envs=self.num_envs)
        self.single_observation_space = self._interface.observation_space
        self.single_action_space = self._interface.action_space
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._simulator = Simulator(
            self.scenario,
            self.num_envs,
            threads=self.made_with["threads"],
            horizon=self.made_with["max_episode_steps"],
            compiled=self.made_with["compiled"],
        )
        self._is_seeded = False

    def twin(self, **changes: Any) -> "RecommendationVectorEnv":
        """Returns a new environment made like this one, except for `changes`.

        Args:
          **changes: arguments of the class, `autoreset_mode` say, or settings of the scenario.
        """
        return RecommendationVectorEnv(self.scenario, **(self.made_with | changes))

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observation, dict[str, Any]]:
        """Begins episodes; see the class for `seed` and `options`.

        Raises:
          ValueError: seeds, a mask or people of the wrong number, range or type, or an unknown
            option.
        """
        given = as_options(options, ("user_id", "reset_mask"))
        begins = as_reset_mask(given.get("reset_mask"), self.num_envs)
        if not self._is_seeded and not begins.all():
            raise ValueError("the first reset() begins every environment; leave out the reset_mask")
        user_ids = as_user_ids(self.scenario, given.get("user_id"), self.num_envs)
        seeds, goes_on = self._seeds(seed)
        self._is_seeded = True
        if not goes_on.all():
            steps = self._simulator.reset(seeds, begins & ~goes_on, user_ids)
        if goes_on.any():  # as in Gymnasium, None means the next episode of the seed it has
            steps = self._simulator.reset(None, begins & goes_on, user_ids)
        return self._interface.batch(steps.records), self._interface.infos(steps.infos, begins)

    def _seeds(self, seed: Any) -> tuple[np.ndarray, np.ndarray]:
        """Returns a seed for each environment, and which of them go on with the seed they have."""
        if seed is None and self._is_seeded:
            return np.zeros(self.num_envs, np.uint64), np.ones(self.num_envs, bool)
        if seed is None:
            seed = int(self.np_random.integers(2**62))
        seeds, is_none = as_seeds(seed, self.num_envs)
        for index in np.flatnonzero(is_none):
            seeds[index] = self.np_random.integers(2**62)
        return seeds, is_none & self._is_seeded

    def step(
        self, actions: Any
    ) -> tuple[Observation, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Shows every person a slate.

        Args:
          actions: (num_envs,) or (num_envs, slate_size) integers, indices of candidates.

        Raises:
          ValueError: a wrong shape, or an index out of range.
          RuntimeError: before the first `reset`, or under DISABLED after an episode ended.
        """
        begun = time.perf_counter()
        actions = self._interface.slates(actions)
        if not self._is_seeded:
            raise RuntimeError("no episode is running; call reset() first")
        if self.autoreset_mode == AutoresetMode.DISABLED and self._simulator.slots["is_over"].any():
            over = np.flatnonzero(self._simulator.slots["is_over"])
            raise RuntimeError(
                f"the episodes of environments {over[:8].tolist()} are over; begin new ones with "
                "reset(options={'reset_mask': mask})"
            )
        has_stepped = ~self._simulator.slots["is_over"]  # DISABLED and SAME_STEP leave none over
        steps = self._simulator.step(actions, _MODES[self.autoreset_mode])
        ended = steps.terminated | steps.truncated
        infos = self._interface.infos(steps.infos, np.ones(self.num_envs, bool))
        if self.autoreset_mode == AutoresetMode.SAME_STEP:
            infos |= self._final_infos(steps, ended)
        observation = self._interface.batch(steps.records)
        observer = step_observer()
        if observer is not None:
            observer(steps.rewards, ended, has_stepped, time.perf_counter() - begun)
        return observation, steps.rewards, steps.terminated, steps.truncated, infos

    def _final_infos(self, steps: Steps, ended: np.ndarray) -> dict[str, Any]:
        """Returns the last observations and infos of ended episodes in Gymnasium's form."""
        if not ended.any():
            return {}
        observations = np.full(self.num_envs, None, object)
        for index in np.flatnonzero(ended):
            observations[index] = self._interface.single(steps.final_records[index : index + 1])
        return {
            "final_obs": observations,
            "_final_obs": ended.copy(),
            "final_info": self._interface.infos(steps.final_infos, ended),
            "_final_info": ended.copy(),
        }

    def close_extras(self, **kwargs: Any) -> None:
        """Ends the threads."""
        self._simulator.close()

    @property
    def state(self) -> np.ndarray:
        """A copy of all that running episodes know, (num_envs,) structured; privileged.

        Setting it lets them go on from there, here or in an environment made alike.

        Raises:
          ValueError: on setting, the state of another scenario or number of environments, or one
            with a value that cannot be.
        """
        return self._simulator.slots.copy()

    @state.setter
    def state(self, slots: np.ndarray) -> None:
        own = self._simulator.slots
        if not isinstance(slots, np.ndarray):
            raise ValueError(
                f"a state of type {type(slots).__name__} is none; use what `state` gave"
            )
        if slots.dtype != own.dtype or slots.shape != own.shape:
            raise ValueError(
                f"a state of {slots.size} environments and {slots.dtype.itemsize} bytes each does "
                f"not fit {self.num_envs} of {own.dtype.itemsize}; make the environment as the one "
                "that it was taken from"
            )
        may_be_over = self.autoreset_mode != AutoresetMode.SAME_STEP
        has_begun = check_state(self.scenario, slots, may_be_over=may_be_over)
        own[:] = slots
        self._is_seeded = has_begun

    @property
    def is_begun(self) -> bool:
        """Whether there are episodes: it was reset, or was given a state."""
        return self._is_seeded

    def observe(self) -> Observation:
        """Returns what everybody sees now, as the last `reset` or `step` did; nothing happens.

        Raises:
          RuntimeError: before the first `reset`.
        """
        nobody = np.zeros(self.num_envs, bool)
        return self._interface.batch(self._people.reset(None, nobody).records)

    @property
    def _people(self) -> Simulator:
        """The simulator, once there is somebody in it."""
        if not self._is_seeded:
            raise RuntimeError("no episode is running; call reset() first")
        return self._simulator

    @property
    def users(self) -> np.ndarray:
        """A copy of the people's true states, (num_envs,) structured; privileged."""
        return self._people.slots["user"].copy()

    @property
    def items(self) -> np.ndarray:
        """A copy of the true candidates, (num_envs, n_candidates) structured; privileged."""
        return self._interface.candidates(self._people.slots, self._people.items)

    def can_be_shown(self) -> np.ndarray:
        """Returns whether each candidate can be shown, (num_envs, n_candidates), bool.

        See `RecommendationEnv.can_be_shown`.
        """
        return self._people.judge("can_be_shown") > 0

    def action_masks(self) -> np.ndarray:
        """Returns which actions are worth taking, (num_envs, slate_size * n_candidates).

        See `RecommendationEnv.action_masks`.
        """
        return self._interface.masks(self.can_be_shown())

    def expected_reward(
        self, users: np.ndarray | None = None, *, alone: bool = False
    ) -> np.ndarray:
        """Returns the immediate expected reward of each candidate, (num_envs, n_candidates).

        Where items of a slate are redundant, the best candidates keep their expected reward and the
        redundancy is taken off the others', so that the highest values make the best slate.

        Args:
          users: (num_envs,) states to judge by, as from the property, instead of the true ones.
          alone: whether each is judged as if shown alone, and nothing is taken off.
        """
        return self._people.judge("expected_reward", users, alone=alone)

    def long_term_value(
        self, users: np.ndarray | None = None, *, alone: bool = False
    ) -> np.ndarray:
        """Returns the far-sighted value of each candidate, where the scenario has one.

        Args:
          users, alone: as for `expected_reward`.
        """
        return self._people.judge("long_term_value", users, alone=alone)

    @property
    def slots(self) -> np.ndarray:
        """What `state` copies, as it is now: to be read only, and until the next step."""
        view = self._simulator.slots.view()
        view.flags.writeable = False
        return view

    @property
    def catalogue(self) -> np.ndarray:
        """The items that ids number, (n_items,) structured; one blank record where all are new."""
        return self._simulator.items

    def liking(self, slates: np.ndarray, chosen: np.ndarray | None = None) -> np.ndarray:
        """Returns the immediate expected reward of each item of slates, as if shown alone.

        Args:
          slates: (num_envs, slate_size) or (num_envs,) indices of candidates, as for `step`.
          chosen: (n,), indices of the environments that are asked; all by default.

        Returns:
          (n, slate_size); NaN where the scenario cannot say.
        """
        every = self._interface.slates(slates)
        if chosen is None:
            return self._people.liking(every, np.arange(self.num_envs))
        return self._people.liking(every[chosen], chosen)

    def liking_of(self, users: np.ndarray, items: np.ndarray) -> np.ndarray:
        """Returns the immediate expected reward of items for people, (n_users, n_items).

        Args:
          users: their records, as from `users`.
          items: records, as from `items` or `catalogue`; NaN where the scenario cannot say.
        """
        return self._simulator.liking_of(users, items)
