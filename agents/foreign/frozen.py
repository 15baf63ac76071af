"""Base class of agents that serve what was made elsewhere, and learn nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from recsim_env.agents.core.agent import Agent


class Frozen(Agent):
    """Serves what was trained, or written, elsewhere.

    A benchmark evaluates it once, on the people whom it asks all agents about, and notes that it
    learned from no interaction there.
    """

    learns = False

    #: What is said of an attempt to save it.
    keep_by = ""

    def learn(self, total_timesteps: int, callback: Any = None, progress_bar: bool = False) -> Self:
        """Raises ValueError: there is nothing to learn."""
        raise ValueError(
            f"{type(self).__name__} serves what was made elsewhere and does not learn; train it "
            "there, and leave out learn() (on the command line, --learn)"
        )

    def save(self, path: str | Path, *, notes: Mapping[str, Any] | None = None) -> None:
        """Writes the agent to one file, as `Agent.save`.

        Raises:
          ValueError: it is of a kind that cannot be saved; the message says what can.
        """
        if self.keep_by:
            raise ValueError(f"{type(self).__name__} cannot be saved; {self.keep_by}")
        super().save(path, notes=notes)
