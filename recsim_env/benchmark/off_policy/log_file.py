"""Files of logs that `recsim-env log` wrote, as steps that nobody has checked."""

import json
import os
from pathlib import Path

import numpy as np

from recsim_env.agents.core.step_log import LoggedSteps
from recsim_env.benchmark.log_steps import steps_of
from recsim_env.benchmark.training import description_file
from recsim_env.formats.columns import read_parquet

_CANDIDATES_NEEDED = (
    "holds no candidates that were not shown, so that nobody can say what another policy would "
    "have shown; write the log with --out FILE.npz or FILE.parquet"
)

# Columns that rows of whole steps have, whatever else is known.
_OF_ROWS = ("session", "slate", "place", "shown_index", "clicked", "reward", "policy", "step")


def read_steps(path: str | os.PathLike[str]) -> LoggedSteps:
    """Returns the steps in a file that `recsim-env log` wrote, .npz or .parquet.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: the file cannot be read, or holds no candidates.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such file; recsim-env log writes one")
    if path.suffix == ".csv":
        raise ValueError(f"{path} {_CANDIDATES_NEEDED}")
    try:
        return _rows_of(path) if path.suffix == ".parquet" else LoggedSteps.unchecked(path)
    except ValueError as error:
        text = str(error)
        raise ValueError(text if str(path) in text else f"{path}: {text}") from error


def is_described(path: Path) -> bool:
    """Returns whether the settings of `recsim-env log` stand beside a file."""
    return description_file(path).is_file()


def _rows_of(path: Path) -> LoggedSteps:
    """Returns the steps in a Parquet file of rows, with the settings beside it."""
    beside = description_file(path)
    if not beside.is_file():
        raise FileNotFoundError(
            f"{beside}: no such file; it says what made {path}, keep both; or name the columns of "
            "a table of your own (--columns)"
        )
    try:
        about = json.loads(beside.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{beside} is no JSON: {error}") from error
    columns = read_parquet(path)
    if "candidate_ids" not in columns:
        raise ValueError(f"{path} {_CANDIDATES_NEEDED}")
    lacking = [name for name in _OF_ROWS if name not in columns]
    if lacking:
        raise ValueError(f"{path} has no {', '.join(lacking)}; log with this version of recsim-env")
    names = np.unique(columns["policy"]).tolist()
    known = about.get("policies", ()) if isinstance(about, dict) else ()
    if not set(names) <= set(known) or "shapes" not in about:
        raise ValueError(
            f"{beside} tells of policies {list(known)}, and {path} of {names}; the settings are "
            "those of another log"
        )
    return steps_of(columns, about)
