"""One simulated person as an environment."""

from typing import Any

import gymnasium
import numpy as np

from recsim_env.core.scenario import Scenario
from recsim_env.engine.simulator import DISABLED, Simulator
from recsim_env.envs.arguments import as_compiled, as_horizon, as_options, as_seed, as_user_id
from recsim_env.envs.registry import WithCompleteSpec
from recsim_env.envs.resolving import scenario_for
from recsim_env.envs.spaces import Interface, Observation
from recsim_env.inputs.spelling import did_you_mean


class RecommendationEnv(WithCompleteSpec, gymnasium.Env):
    """One simulated person at a time, behind Gymnasium's `Env`; a batch of one.

    Args:
      scenario: its name, as "MusicStreaming" or ``"module:Class"``, its class, or a `Scenario`.
      render_mode: "ansi" (one readable line a step), "rgb_array" (a picture; needs the plots
        extra) or None.
      max_episode_steps: overrides the scenario's horizon, if not None; 0 is none. (That of
        `gymnasium.make` is a wrapper outside, which shortens a horizon and cannot lengthen it; the
        setting `horizon` does both.)
      flat: whether observations are one float32 vector, ids left out, instead of a dict.
      compiled: False runs plain Python, to step through a person in a debugger.
      **settings: the scenario's settings; see its class.

    Action: `Discrete(n_candidates)` when the slate is one item, otherwise
    `MultiDiscrete([n_candidates] * slate_size)`. A repeated item is shown once, at its first place.

    Randomness: ``reset(seed=s)`` begins episode 0 of seed s, ``reset()`` the next episode of the
    same seed. Episode k of seed s has the same person and candidates for every agent, and common
    random numbers. Where people have ids (`n_users`), ``reset(options={"user_id": 5})`` asks for
    person 5: they come in this episode instead of whoever would have; all that does not depend on
    who comes is as it would have been, and so are the next episodes.

    Privileged view, for oracles and for study, never part of an observation: `user`, `items`,
    `expected_reward`, `long_term_value`. Before the first `reset` nobody is there, and each raises
    RuntimeError.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012  # no ClassVar: Gymnasium's Env declares it so
        "render_modes": ["ansi", "rgb_array"],
        "render_fps": 4,
    }

    def __init__(
        self,
        scenario: str | type[Scenario] | Scenario,
        *,
        render_mode: str | None = None,
        max_episode_steps: int | None = None,
        flat: bool = False,
        compiled: bool | None = None,
        **settings: Any,
    ) -> None:
        if not (render_mode is None or render_mode in list(self.metadata["render_modes"])):
            raise ValueError(
                f"render_mode={render_mode!r} is not allowed; use 'ansi', 'rgb_array' or None"
                f"{did_you_mean(render_mode, self.metadata['render_modes'])}"
            )
        self.scenario = scenario_for(RecommendationEnv, scenario, settings)
        self.made_with: dict[str, Any] = {
            "max_episode_steps": as_horizon(max_episode_steps),
            "flat": flat,
            "compiled": as_compiled(compiled),
        }
        self.render_mode = render_mode
        self._interface = Interface(self.scenario, flat=flat)
        self.observation_space = self._interface.observation_space
        self.action_space = self._interface.action_space
        self._simulator = Simulator(
            self.scenario,
            1,
            horizon=self.made_with["max_episode_steps"],
            compiled=self.made_with["compiled"],
        )
        self._is_seeded = False
        self._before: np.ndarray | None = None
        self._reward = 0.0
        self._painter: Any = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begins an episode; see the class for what `seed` and `options` mean.

        Raises:
          ValueError: a seed that is none, an unknown option, or a `user_id` that nobody has.
        """
        given = as_options(options, ("user_id",))
        user_id = as_user_id(self.scenario, given.get("user_id"))
        user_ids = None if user_id < 0 else np.array([user_id])
        seed = None if seed is None else as_seed(seed)
        super().reset(seed=seed)
        if seed is None and not self._is_seeded:
            seed = int(self.np_random.integers(2**63))
        self._is_seeded = True
        seeds = None if seed is None else np.array([seed], np.uint64)
        steps = self._simulator.reset(seeds, None, user_ids)
        self._before = None
        return self._interface.single(steps.records), self._interface.info(steps.infos)

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Shows a slate and lets the person respond.

        Raises:
          ValueError: a wrong shape or type, or an index out of range.
          RuntimeError: before the first `reset`, or after the episode ended.
        """
        actions = self._interface.slates(action)
        if not self._is_seeded or self._simulator.slots["is_over"][0]:
            raise RuntimeError("no episode is running; call reset() first")
        if self.render_mode is not None:
            self._before = self._simulator.slots.copy()
        steps = self._simulator.step(actions, DISABLED)
        self._reward = float(steps.rewards[0])
        return (
            self._interface.single(steps.records),
            self._reward,
            bool(steps.terminated[0]),
            bool(steps.truncated[0]),
            self._interface.info(steps.infos),
        )

    def render(self) -> Any:
        """Returns the last step as a line of text or as a (height, width, 3) uint8 picture.

        Raises:
          RuntimeError: before the first `reset`.
        """
        from recsim_env.envs import render

        if self.render_mode is None:
            gymnasium.logger.warn("render() without render_mode; pass it to gymnasium.make")
            return None
        view = render.scene(
            self.scenario,
            self._before,
            self._people.slots,
            self._people.items,
            self._reward,
        )
        if self.render_mode == "ansi":
            return render.describe_step(view)
        if self._painter is None:
            from recsim_env.envs.drawing import StepPainter

            self._painter = StepPainter()
        return self._painter.draw(view)

    def close(self) -> None:
        """Ends the threads."""
        self._simulator.close()

    @property
    def _people(self) -> Simulator:
        """The simulator, once there is somebody in it."""
        if not self._is_seeded:
            raise RuntimeError("no episode is running; call reset() first")
        return self._simulator

    @property
    def user(self) -> np.ndarray:
        """A copy of the person's true state, a structured scalar."""
        return self._people.slots["user"][0].copy()

    @property
    def items(self) -> np.ndarray:
        """A copy of the candidates as they truly are, (n_candidates,) structured."""
        return self._interface.candidates(self._people.slots, self._people.items)[0]

    def can_be_shown(self) -> np.ndarray:
        """Returns whether each candidate can be shown, (n_candidates,), bool.

        An item that cannot be, because it was consumed already for example, leaves its place empty.
        Such items are candidates where these are the whole catalogue, or too few others are left.
        """
        return self._people.judge("can_be_shown")[0] > 0

    def action_masks(self) -> np.ndarray:
        """Returns which actions are worth taking, as sb3-contrib's MaskablePPO asks for them.

        One flag for each candidate, and so for each place of the slate, (slate_size *
        n_candidates,): whether it can be shown. Where nothing can be, all are as good.
        """
        return self._interface.masks(self.can_be_shown()[None])[0]

    def expected_reward(self) -> np.ndarray:
        """Returns the immediate expected reward of each candidate, (n_candidates,).

        See `RecommendationVectorEnv.expected_reward` for redundant items of a slate.
        """
        return self._people.judge("expected_reward")[0]

    def long_term_value(self) -> np.ndarray:
        """Returns the far-sighted value of each candidate, (n_candidates,), where there is one."""
        return self._people.judge("long_term_value")[0]
