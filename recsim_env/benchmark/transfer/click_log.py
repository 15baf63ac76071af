"""Logs of impressions: what was shown, where and to whom, whether it was clicked, how likely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsim_env.benchmark.off_policy.open_bandit import open_bandit_columns

#: Columns that every log of impressions has; all others are context.
ITEM, PLACE = "item", "place"

_USER, _AFFINITY = "user_feature_", "user-item_affinity_"


@dataclass(frozen=True, eq=False, kw_only=True)
class ClickLog:
    """Impressions, one a row, by one policy.

    Attributes:
      name: of the policy.
      columns: name to (n,) labels, as text: the item, the place, and each context.
      click: (n,), 0 or 1.
      propensity: (n,), how likely the policy showed this item at this place, in (0, 1].

    Raises:
      ValueError: no rows, columns of several lengths, or a number out of its range.
    """

    name: str
    columns: Mapping[str, NDArray[np.str_]]
    click: NDArray[np.float64]
    propensity: NDArray[np.float64]

    def __post_init__(self) -> None:
        sizes = {len(each) for each in (*self.columns.values(), self.click, self.propensity)}
        if len(sizes) > 1 or not len(self.click):
            raise ValueError(f"{self.name}: columns have {sorted(sizes)} rows; use one number, > 0")
        if not set(np.unique(self.click)) <= {0.0, 1.0}:
            raise ValueError(f"{self.name}: click holds other numbers than 0 and 1")
        wrong = ~((self.propensity > 0.0) & (self.propensity <= 1.0))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ValueError(
                f"{self.name}: propensity={self.propensity[row]:g} of row {row} is not in (0, 1]; "
                "leave such rows out"
            )

    def __len__(self) -> int:
        return len(self.click)

    @property
    def click_rate(self) -> float:
        """Clicks per impression."""
        return float(self.click.mean())

    def select(self, rows: NDArray[Any]) -> ClickLog:
        """Returns the log of some rows, by a mask or by positions."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return ClickLog(
            name=self.name,
            columns=columns,
            click=self.click[rows],
            propensity=self.propensity[rows],
        )


def read_click_log(path: str | Path, *, name: str = "") -> ClickLog:
    """Returns the impressions in a file of the Open Bandit Dataset.

    Context is the person's four hashed features, whether the shop knew an affinity of the person
    with the item that was shown, and the quarter of the day.

    Args:
      path: the table of a campaign, such as ``random/all/all.csv``.
      name: of the policy; by default the name of the folder that holds the campaign's.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: a column is missing, or as in `ClickLog`.
    """
    path = Path(path)
    found = open_bandit_columns(path)
    item = np.array(found["item_id"])
    columns = {ITEM: item, PLACE: np.array(found["position"])}
    columns |= {each: np.array(found[each]) for each in found if each.startswith(_USER)}
    if affinity := [each for each in found if each.startswith(_AFFINITY)]:
        table = np.array([found[each] for each in affinity], np.float64)
        number = {each.removeprefix(_AFFINITY): row for row, each in enumerate(affinity)}
        row = np.array([number.get(each, -1) for each in item])
        is_known = (row >= 0) & (table[row, np.arange(len(item))] > 0.0)
        columns["affinity"] = np.where(is_known, "some", "none")
    if "timestamp" in found:
        hour = np.array([int(each[11:13] or 0) for each in found["timestamp"]])
        columns["hours"] = np.array(["0-5", "6-11", "12-17", "18-23"])[hour // 6]
    return ClickLog(
        name=name or path.parent.parent.name or path.stem,
        columns=columns,
        click=np.array(found["click"], np.float64),
        propensity=np.array(found["propensity_score"], np.float64),
    )


def policy_chances(log: ClickLog) -> dict[tuple[str, str], float]:
    """Returns how likely the policy of a log shows each item at each place, whoever comes.

    Propensities that vary with time are averaged so that times at which an item was likely, and
    thus shown more often, do not count more: of what was shown, the mean of 1 / propensity is 1
    over the mean propensity. Items that the log never shows at a place share what is left there.
    """
    chances: dict[tuple[str, str], float] = {}
    items, item = np.unique(log.columns[ITEM], return_inverse=True)
    for place in np.unique(log.columns[PLACE]):
        rows = log.columns[PLACE] == place
        n = np.bincount(item[rows], minlength=len(items))
        inverse = np.bincount(item[rows], 1.0 / log.propensity[rows], minlength=len(items))
        mean = np.where(n > 0, n / np.where(n > 0, inverse, 1.0), 0.0)
        left, n_unseen = max(1.0 - mean.sum(), 0.0), int((n == 0).sum())
        mean[n == 0] = left / max(n_unseen, 1)
        mean /= mean.sum()
        chances |= {(str(name), str(place)): float(p) for name, p in zip(items, mean, strict=True)}
    return chances
