"""Names that are on their way out."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces

from recsim_env.core.schema import Schema, copy_shown, observation_dtype


class OldNames:
    """Base class of `Scenario` until all code calls `schema`."""

    schema: Any
    category: ClassVar[str | None]
    n_users: int
    n_items: int
    n_candidates: int

    def observation_fields(self) -> Mapping[str, spaces.Box]:
        """Returns the entries of the observation that hold numbers."""
        schema: Schema = self.schema
        return {name: part.space for name, part in schema.parts.items()}

    def space_fields(self) -> dict[str, spaces.Space]:
        """Returns all entries of the observation."""
        fields: dict[str, spaces.Space] = dict(self.observation_fields())
        if self.n_users:
            fields["user_id"] = spaces.Discrete(self.n_users)
        if self.n_items:
            fields["item_id"] = spaces.MultiDiscrete(np.full(self.n_candidates, self.n_items))
        return fields

    def dtypes(self) -> dict[str, np.dtype]:
        """Returns the dtypes of records."""
        found: dict[str, np.dtype] = self.schema.dtypes
        if type(self).observation_fields is not OldNames.observation_fields:
            found["columns"] = found["observation"] = observation_dtype(self.space_fields())
        return found

    def copying(self) -> Any:
        """Returns the function that copies what is shown."""
        if type(self).observation_fields is not OldNames.observation_fields:
            return copy_shown
        return self.schema.copy_shown

    def column_names(self) -> Mapping[str, tuple[str, ...]]:
        """Returns the names of columns."""
        names: Mapping[str, tuple[str, ...]] = self.schema.column_names
        return {} if type(self).observation_fields is not OldNames.observation_fields else names

    def category_columns(self) -> slice:
        """Returns which columns of `candidates` show an item's category."""
        names = self.column_names().get("candidates", ())
        if self.category is None or "candidates" not in self.space_fields():
            return slice(0, 0)
        places = [place for place, name in enumerate(names) if name.startswith(f"{self.category}_")]
        return slice(places[0], places[-1] + 1) if places else slice(0, 0)
