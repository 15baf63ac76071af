"""Logs as files: of ours, and as other libraries of offline learning and evaluation keep them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from recsim_env.benchmark.off_policy.as_mdp import (
    from_scope_rl,
    read_mdp,
    scope_rl_dataset,
    write_mdp,
)
from recsim_env.benchmark.off_policy.as_minari import from_minari, minari_dataset
from recsim_env.benchmark.off_policy.as_obp import from_obp, obp_feedback
from recsim_env.benchmark.off_policy.log_file import is_described
from recsim_env.benchmark.off_policy.open_bandit import is_open_bandit, read_open_bandit
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.benchmark.off_policy.table_log import read_table_log
from recsim_env.formats.files import replacing

#: What a file for each library ends with; Minari's data sets have names instead.
SUFFIXES = {"obp": ".npz", "scope-rl": ".npz", "d3rlpy": ".h5", "minari": ""}

#: Whose logs are read.
LIBRARIES = (*SUFFIXES, "open-bandit", "table")

#: What names of tables end with, beside .parquet, which our logs do too.
_TABLES = (".csv", ".tsv", ".tab", ".txt", ".dat", ".json", ".jsonl", ".ndjson", ".gz")


def read_log(
    path: str | Path,
    library: str | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    needs_propensities: bool = True,
    encoding: str | None = None,
) -> PolicyLog:
    """Returns the log in a file of ours, of another library, or in a table of one's own.

    Args:
      path: of the file, or the name of a data set of Minari.
      library: one of `LIBRARIES`; by default it is ours, a .csv file of the Open Bandit Dataset,
        or by its suffix another table.
      columns: of a table; as of `read_table_log`.
      needs_propensities: whether a log that does not tell them is refused.
      encoding: of a table; as of `read_table_log`.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: it holds no log, or lacks propensities.
      ImportError: the library is needed, and is not there.
    """
    file = Path(path)
    library = library or _guessed(file, has_columns=bool(columns))
    if columns and library != "table":
        raise ValueError(f"{path} is no table of one's own; leave out the names of its columns")
    if encoding and library != "table":
        raise ValueError(f"{path} is no table of one's own; leave out encoding={encoding!r}")
    if library is None:
        return PolicyLog.read(file, needs_propensities=needs_propensities)
    if library != "minari" and not file.is_file():
        raise FileNotFoundError(f"{file}: no such file")
    if library == "table":
        return read_table_log(
            file, columns, needs_propensities=needs_propensities, encoding=encoding
        )
    try:
        log = _READERS[library](path)
        if needs_propensities:
            log.require_propensities()
    except ValueError as error:
        text = str(error)
        raise ValueError(
            text if str(path) in text else f"{path}, read as a log of {library}: {text}"
        ) from error
    return log


def _guessed(file: Path, *, has_columns: bool) -> str | None:
    """Returns whose a file is; None if ours."""
    if has_columns:
        return "table"
    if not file.is_file() or file.suffix.lower() not in _TABLES or is_described(file):
        return None
    return "open-bandit" if file.suffix == ".csv" and is_open_bandit(file) else "table"


def _read_minari(name: str | Path) -> PolicyLog:
    try:
        from minari import load_dataset
    except ImportError as error:
        raise ImportError("data sets of Minari need it: pip install minari h5py pillow") from error
    try:
        data = load_dataset(str(name))
    except (FileNotFoundError, ValueError) as error:
        raise ValueError(f"Minari has no data set {name} here: {error}") from error
    return from_minari(data)


def _read_dict(path: str | Path) -> dict[str, Any]:
    """Returns the entries of a dict that `export_steps` wrote, or anybody with `numpy.savez`."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: values[()] for name, values in file.items() if not _is_none(values)}
    except (ValueError, OSError, EOFError) as error:
        raise ValueError(f"{path} holds no dict of arrays; write it by numpy.savez") from error


def _is_none(values: np.ndarray) -> bool:
    """Returns whether an entry stands for None."""
    return values.ndim == 0 and values.dtype.kind == "f" and bool(np.isnan(values))


_READERS: dict[str, Callable[[str | Path], PolicyLog]] = {
    "obp": lambda path: from_obp(_read_dict(path), name=Path(path).stem, needs_propensities=False),
    "scope-rl": lambda path: from_scope_rl(_read_dict(path), name=Path(path).stem),
    "d3rlpy": lambda path: read_mdp(Path(path)),
    "minari": _read_minari,
    "open-bandit": lambda path: read_open_bandit(path, needs_propensities=False),
}


def export_steps(log: PolicyLog, library: str, out: str) -> str:
    """Writes a log for another library; returns what was written, and what was left out.

    Args:
      log: of steps.
      library: one of `SUFFIXES`.
      out: a file with its suffix, or the name of a data set of Minari. A .npz file holds the
        entries of the dict, `{k: v[()] for k, v in np.load(file, allow_pickle=False).items()}`:
        NaN stands for None, and what is a dict itself is left out.

    Raises:
      ValueError: another suffix, or the log does not suit.
      ImportError: the library is needed, and is not there.
    """
    if library == "minari":
        minari_dataset(log, out)
        return f"data set {out}"
    path = Path(out)
    if path.suffix != SUFFIXES[library]:
        raise ValueError(f"cannot write {out}: its name must end with {SUFFIXES[library]}")
    path.parent.mkdir(parents=True, exist_ok=True)
    if library == "d3rlpy":
        write_mdp(log, path)
        return str(path)
    found = obp_feedback(log) if library == "obp" else scope_rl_dataset(log)
    plain: dict[str, Any] = {
        k: np.nan if v is None else v for k, v in found.items() if not isinstance(v, dict)
    }
    with replacing(path) as draft, draft.open("wb") as file:
        np.savez_compressed(file, **plain)
    n_lost = len(log) - int(found["size"]) if library == "scope-rl" else 0
    lost = f", without {n_lost:,} steps of sessions whose end the log lacks" if n_lost else ""
    return f"{path}{lost}"
