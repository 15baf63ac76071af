"""Logs of real people: files of the Open Bandit Dataset."""

import csv
from pathlib import Path

import numpy as np

from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.benchmark.off_policy.real_log import real_log

_NEEDED = ("item_id", "position", "click")
_PROPENSITY = "propensity_score"
_USER = "user_feature_"


def is_open_bandit(path: Path) -> bool:
    """Returns whether a .csv file has the columns of the Open Bandit Dataset."""
    with path.open(encoding="utf-8", errors="replace", newline="") as file:  # maybe no UTF-8
        head = set(next(csv.reader(line.replace("\0", "") for line in file), []))
    return set(_NEEDED) <= head and any(name.startswith(_USER) for name in head)


def read_open_bandit(path: str | Path, *, needs_propensities: bool = True) -> PolicyLog:
    """Returns a log of the Open Bandit Dataset: every row one item, at one of three positions.

    What was seen is the position and the person's four hashed features, a column for each value.
    Actions are items by id. People are not told apart, so that every row stands for somebody.

    Args:
      path: the table of a campaign, such as ``random/all/all.csv``.
      needs_propensities: whether one without `propensity_score` is refused.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: a column is missing, or a propensity cannot be.

    Source: Saito, Aihara, Matsutani and Narita 2021, "Open bandit dataset and pipeline" (arXiv
      2008.07146).
    """
    columns = open_bandit_columns(path, needs_propensities=needs_propensities)
    position = np.array(columns["position"], int)
    seen = [position == each for each in np.unique(position)]
    for name in sorted(name for name in columns if name.startswith(_USER)):
        codes = np.unique(columns[name], return_inverse=True)[1]
        seen += [codes == each for each in range(codes.max() + 1)]
    action = np.array(columns["item_id"], int)
    propensity = columns.get(_PROPENSITY)
    try:
        return real_log(
            name=f"Open Bandit {Path(path).stem}",
            action=action,
            n_actions=int(action.max()) + 1,
            seen=np.stack(seen, axis=1),
            reward=np.array(columns["click"], float),
            propensity=None if propensity is None else np.array(propensity, float),
        )
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def open_bandit_columns(
    path: str | Path, *, needs_propensities: bool = True
) -> dict[str, tuple[str, ...]]:
    """Returns the columns of a file of the Open Bandit Dataset, as text.

    Args:
      path: of the file.
      needs_propensities: as of `read_open_bandit`.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: a column is missing.
    """
    path = Path(path)
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        head = next(reader, [])
        rows = list(reader)
    needed = (*_NEEDED, *([_PROPENSITY] if needs_propensities else []))
    lacking = [name for name in needed if name not in head]
    if lacking or not rows:
        raise ValueError(f"{path} lacks {', '.join(lacking) or 'rows'} of the Open Bandit Dataset")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(head):
            raise ValueError(
                f"{path}, row {number}: {len(row)} values for {len(head)} columns; mend the row"
            )
    return dict(zip(head, zip(*rows, strict=True), strict=True))
