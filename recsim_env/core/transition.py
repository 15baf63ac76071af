"""Observations that a scenario describes by spaces, and writes by numbers of columns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

from recsim_env.core.schema import Part, Schema, copy_shown, observation_dtype


@dataclass(frozen=True)
class OldSchema(Schema):
    """Until no scenario has `observation_fields`."""

    scenario: Any

    @property
    def parts(self) -> dict[str, Part]:
        """None: the scenario writes all."""
        return {}

    @property
    def boxes(self) -> dict[str, spaces.Box]:
        """The entries of the observation."""
        return dict(self.scenario.observation_fields())

    @property
    def column_names(self) -> dict[str, tuple[str, ...]]:
        """The names of columns, where there are any."""
        found: Mapping[str, tuple[str, ...]] = getattr(self.scenario, "column_names", dict)()
        return dict(found)

    @property
    def dtypes(self) -> dict[str, np.dtype]:
        """The dtypes of records."""
        plain = observation_dtype(self.spaces)
        return super().dtypes | {"observation": plain, "columns": plain}

    @property
    def copy_shown(self) -> Callable[..., None]:
        """Copies nothing."""
        return copy_shown
