"""Which columns of a table are what."""

from __future__ import annotations

from dataclasses import dataclass

from recsim_env.data.reading import ROLES


@dataclass(frozen=True)
class Columns:
    """Which columns of a table are user, item, rating, click, time and so on.

    Attributes:
      user, item: ids of any kind.
      rating: finite numbers, or None.
      click: numbers from 0 up, or true and false; rows with 0 were shown, not clicked. None where
        there is a rating.
      time: see `seconds`; or None.
      slate: ids; rows of one slate were shown together. Or None.
      place: numbers from 0 up, where in the slate an item stood; or None.
      context: values of any kind, or "hour" and "weekday" of the time.
      named: the roles whose columns were asked for by name, so that there is no doubt about them.
    """

    user: str
    item: str
    rating: str | None = None
    click: str | None = None
    time: str | None = None
    slate: str | None = None
    place: str | None = None
    context: tuple[str, ...] = ()
    named: frozenset[str] = frozenset()

    def by_role(self) -> dict[str, str]:
        """Returns the columns that there are; those of contexts by the contexts' names."""
        columns = {role: getattr(self, role) for role in ROLES}
        columns |= {f"context {name}": name for name in self.context}
        return {role: name for role, name in columns.items() if name is not None}
