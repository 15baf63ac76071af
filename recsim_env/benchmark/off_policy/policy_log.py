"""A log as off-policy evaluation reads it: one session after the other, checked once."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from recsim_env.agents.core.step_log import LoggedSteps
from recsim_env.agents.core.transition import Observation
from recsim_env.benchmark.log_steps import place_rewards
from recsim_env.benchmark.off_policy.log_checks import (
    check_fields,
    check_order,
    check_places,
    check_propensities,
)
from recsim_env.benchmark.off_policy.log_file import read_steps
from recsim_env.core.scenario import Scenario
from recsim_env.envs.resolving import resolve_scenario

_PROPENSITIES_NEEDED = (
    "the log has no propensity, how likely each slate was shown; estimate them "
    "(--estimate-propensities), or log with recsim-env log"
)

# As many parts, at most, are people dealt into.
_MOST_FOLDS = 5


@dataclass(frozen=True, eq=False)
class PolicyLog:
    """Steps that policies took, one session after the other, each in the order of its steps.

    Attributes:
      columns: as of `LoggedSteps`.
      about: what made them, as JSON values.
      scenario: where they were taken; None for a log of real people.
      file_order: (n,), which step of the file, or of what the log was made of, each is; None where
        they are the same.

    Raises:
      ValueError: a propensity that cannot be, a session with a gap, or another scenario.
    """

    columns: Mapping[str, np.ndarray]
    about: Mapping[str, Any]
    scenario: Scenario | None = None
    file_order: np.ndarray | None = None

    def __post_init__(self) -> None:
        check_propensities(self.columns)
        check_order(self.columns)
        if self.scenario is not None:
            check_fields(self.columns, self.scenario)
        check_places(self.columns, self.n_candidates, len(self.about.get("policies", [""])))

    @classmethod
    def of(
        cls,
        steps: LoggedSteps,
        scenario: Scenario | None = None,
        *,
        needs_propensities: bool = True,
    ) -> "PolicyLog":
        """Returns logged steps in order; the scenario is that which they name.

        Args:
          steps: what was logged.
          scenario: where; by default that which the log names, if any.
          needs_propensities: whether a log that does not tell them is refused.

        Raises:
          ValueError: as in the class; or there are no propensities.
        """
        check_propensities(steps.columns)
        known = {} if "propensity" in steps.columns else {"propensity": np.ones(len(steps))}
        LoggedSteps(dict(steps.columns) | known).check()
        if not len(steps):
            raise ValueError("the log is empty; it needs at least one step")
        order = np.lexsort((steps["step"], steps["session_number"]))
        columns = {name: values[order] for name, values in steps.columns.items()}
        log = cls(columns, steps.about, scenario or _scenario_of(steps.about), order)
        if needs_propensities:
            log.require_propensities()
        return log

    @classmethod
    def read(cls, path: str | os.PathLike[str], *, needs_propensities: bool = True) -> "PolicyLog":
        """Returns the log in a file that `recsim-env log` wrote, .npz or .parquet.

        Args:
          path: of the file.
          needs_propensities: as of `of`.

        Raises:
          FileNotFoundError, ValueError: as of `log_file.read_steps`; or as in `of`.
        """
        steps = read_steps(path)
        try:
            return cls.of(steps, needs_propensities=needs_propensities)
        except ValueError as error:
            text = str(error)
            raise ValueError(text if str(path) in text else f"{path}: {text}") from error

    def __len__(self) -> int:
        return len(self.columns["reward"])

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def require_propensities(self) -> None:
        """Raises ValueError unless it tells how likely each slate was shown."""
        if "propensity" not in self.columns:
            raise ValueError(_PROPENSITIES_NEEDED)

    def select(self, rows: np.ndarray) -> "PolicyLog":
        """Returns the log of some rows, whole sessions in order."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        order = None if self.file_order is None else self.file_order[rows]
        return PolicyLog(columns, self.about, self.scenario, order)

    @property
    def slate_size(self) -> int:
        """How many places slates have."""
        return int(self["slate"].shape[1])

    @property
    def n_candidates(self) -> int:
        """Among how many candidates slates choose."""
        if self.scenario is not None:
            return self.scenario.n_candidates
        if "n_candidates" not in self.about:
            raise ValueError("the log names neither a scenario nor n_candidates; add one of them")
        return int(self.about["n_candidates"])

    @cached_property
    def starts(self) -> np.ndarray:
        """The row of each session's first step."""
        return np.flatnonzero(np.diff(self["session_number"], prepend=-1) != 0)

    @cached_property
    def lengths(self) -> np.ndarray:
        """How many steps each session has."""
        return np.diff(self.starts, append=len(self))

    @cached_property
    def people(self) -> np.ndarray:
        """(n,), whom each step was of: people where they have ids, otherwise sessions."""
        return self.columns.get("user_id", self["session_number"])

    @cached_property
    def is_complete(self) -> np.ndarray:
        """(n,), whether a step is of a session whose end the log holds."""
        ends = self.starts + self.lengths - 1
        return np.repeat(self["is_over"][ends].astype(bool), self.lengths)

    @cached_property
    def place_rewards(self) -> np.ndarray:
        """(n, slate_size), what each place earned: known, or see `log_steps.place_rewards`."""
        known = self.columns.get("place_reward")
        return place_rewards(self.columns) if known is None else known

    def n_folds(self, rows: np.ndarray | slice = slice(None)) -> int:
        """Returns in how many parts the people of some rows are dealt, to fit models to others.

        Raises:
          ValueError: there are too few.
        """
        n = len(np.unique(self.people[rows]))
        if n < 2:
            raise ValueError(
                "sessions of the log that end are of one person; models and intervals need two or "
                "more people"
            )
        return min(_MOST_FOLDS, n)

    def places(self, name: str) -> np.ndarray | None:
        """Returns a propensity of places, "place" or "prefix", (n, slate_size); None if unknown."""
        if self.slate_size == 1:
            return self["propensity"][:, None]
        return self.columns.get(f"{name}_propensity")

    def candidate_propensity(self) -> np.ndarray | None:
        """Returns how likely each place shows each candidate, (n, slate_size, n_candidates)."""
        return self.columns.get("candidate_propensity")

    def observation(self, rows: np.ndarray | slice = slice(None)) -> Observation:
        """Returns what was seen before some steps, as agents take it."""
        return {name: self[name][rows] for name in self._seen}

    @cached_property
    def _seen(self) -> tuple[str, ...]:
        assert self.scenario is not None
        return tuple(name for name in self.scenario.schema.spaces if name in self.columns)


def _scenario_of(about: Mapping[str, Any]) -> Scenario | None:
    """Returns the scenario that a log names, as it was set."""
    if "scenario" not in about:
        return None
    settings = dict(about["scenario_settings"])
    if isinstance(settings.get("reward"), dict):
        raise ValueError(
            "the log is of people who are paid by a function of somebody's own; log with the "
            "scenario's reward"
        )
    return resolve_scenario(about["scenario"], **settings)
