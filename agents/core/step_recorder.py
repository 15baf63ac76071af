"""From transitions to rows of a log of steps: sessions are remembered, and numbered."""

from typing import Any

import numpy as np

from recsim_env.agents.core.replay import NEXT
from recsim_env.agents.core.restoring import State, require_range, rows_like, whole
from recsim_env.agents.core.session import SessionMemory, SessionTracker
from recsim_env.agents.core.transition import Transition
from recsim_env.core.scenario import Scenario


class StepRecorder:
    """Turns transitions into rows of a log: it remembers each session, and numbers it.

    Args:
      scenario: where the steps are taken.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._tracker = SessionTracker(SessionMemory(scenario))
        self._n_sessions = 0
        self.begin(0)

    def begin(self, num_envs: int) -> None:
        """Notes that everybody's session begins anew."""
        self._tracker.begin(num_envs)
        self._steps = np.zeros(num_envs, np.int32)
        self._sessions = self._numbers(num_envs)

    def rows(self, transition: Transition) -> dict[str, np.ndarray]:
        """Returns columns of a log by name, a row for each step of known propensity."""
        assert transition.propensity is not None
        index, is_over = transition.index, transition.is_over
        observation, following = transition.observation, transition.next_observation
        before, after = self._tracker.advance(
            observation, transition.slates, following, is_over=is_over, index=index
        )
        seen, is_shown = self._tracker.memory.seen, transition.is_shown
        rows = {
            **seen(before, observation),
            **{NEXT + name: value for name, value in seen(after, following).items()},
            "slate": transition.slates.astype(np.int32),
            "clicked": following["response"][:, :, 0] > 0 if "response" in following else is_shown,
            "reward": transition.rewards.astype(np.float32),
            "propensity": transition.propensity,
            "is_terminal": transition.is_terminal.astype(np.float32),
            "is_over": is_over,
            "session_number": self._sessions[index],
            "step": self._steps[index],
        }
        over = index[is_over]
        self._steps[index] += 1
        self._steps[over] = 0
        self._sessions[over] = self._numbers(len(over))
        return rows

    def renumbered(self, sessions: np.ndarray) -> np.ndarray:
        """Returns numbers of sessions of another log, (n,), as numbers that no session here has."""
        distinct, places = np.unique(sessions, return_inverse=True)
        return self._numbers(len(distinct))[places]

    def _numbers(self, n: int) -> np.ndarray:
        """Returns numbers for `n` sessions that begin."""
        self._n_sessions += n
        return np.arange(self._n_sessions - n, self._n_sessions, dtype=np.int32)

    def state_dict(self) -> dict[str, Any]:
        """Returns what it remembers of the sessions."""
        return {
            "memories": self._tracker.memories,
            "steps": self._steps,
            "sessions": self._sessions,
            "n_sessions": self._n_sessions,
        }

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned.

        Raises:
          ValueError: it is none of such a recorder.
        """
        n_sessions = whole(state, "n_sessions", high=2**31 - 1)
        own = self.state_dict()
        found = rows_like(state, {name: own[name] for name in ("memories", "steps", "sessions")})
        require_range("steps", found["steps"], low=0)
        require_range("sessions", found["sessions"], low=0, high=n_sessions - 1)
        self._tracker.memories, self._steps = found["memories"].copy(), found["steps"].copy()
        self._sessions, self._n_sessions = found["sessions"].copy(), n_sessions

    @property
    def num_envs(self) -> int:
        """How many people it remembers."""
        return len(self._steps)
