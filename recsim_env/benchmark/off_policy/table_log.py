"""Tables of one's own as logs: a row for each choice, or for each place of a slate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from recsim_env.agents.core.step_log import LoggedSteps
from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.benchmark.off_policy.table_rows import PROPENSITIES, TableRows
from recsim_env.data.readers.formats import read_table
from recsim_env.data.readers.names import plain_name
from recsim_env.data.readers.tables import Table
from recsim_env.data.reading import listed
from recsim_env.inputs.spelling import check_known, split_names

#: What a column may tell, and what such columns are usually called.
ROLES = {
    "action": "action actionid arm item itemid",
    "reward": "reward click clicks clicked",
    "propensity": "propensity propensityscore pscore",
    "session": "session sessionid",
    "step": "step",
    "user": "user userid",
    "policy": "policy",
    "slate": "slate slateid",
    "place": "place position",
    "place_propensity": "placepropensity pscoreitemposition",
    "prefix_propensity": "prefixpropensity pscorecascade",
}
CONTEXT = "context"


def read_table_log(
    path: str | Path,
    columns: Mapping[str, str] | None = None,
    *,
    needs_propensities: bool = True,
    encoding: str | None = None,
) -> PolicyLog:
    """Returns the log in a table: CSV, TSV, JSON lines or Parquet.

    Each row is a choice, or with `slate` and `place` what one place of a slate showed. Actions are
    all that the log has, the same in every row. Without `session` each choice is a session of its
    own; sessions are taken to be whole, and steps in the order of `step`, or of the file.

    Args:
      path: of the table.
      columns: by `ROLES`, the columns that are not called as usual; and by "context" those, with
        commas between, that hold what was seen.
      needs_propensities: whether a table without them is refused.
      encoding: of a text; UTF-8, or what its byte order mark says, if None.

    Raises:
      FileNotFoundError: there is no such file.
      ValueError: an unknown role or column, one that is lacking, or a bad value, by its line.
      ImportError: a Parquet file without pyarrow.
    """
    given = dict(columns or {})
    check_known("a log", given, (*ROLES, CONTEXT))
    table = read_table(Path(path), encoding, is_known=lambda name: name in given.values())
    chosen = _chosen(table, given)
    if needs_propensities and "propensity" not in chosen:
        raise ValueError(
            f"{path} has no column that is known to hold propensities, how likely each choice was; "
            "name it (--columns propensity=COLUMN), or estimate them (--estimate-propensities)"
        )
    rows = TableRows(table, chosen, split_names(given.get(CONTEXT, ())))
    about = {
        "name": Path(path).stem,
        "n_candidates": len(rows.actions),
        "actions": rows.actions,
        "context": rows.context_names,
        "policies": rows.policies,
        "reading": rows.reading,
    }
    return PolicyLog.of(LoggedSteps(rows.steps(), about), needs_propensities=False)


def _chosen(table: Table, given: Mapping[str, str]) -> dict[str, str]:
    """Returns the column of each role that has one."""
    chosen = {role: name for role, name in given.items() if role != CONTEXT}
    for name in (*chosen.values(), *split_names(given.get(CONTEXT, ()))):
        table[name]
    if len(set(chosen.values())) < len(chosen):
        raise ValueError(f"a column has one role only, but these were asked for: {chosen}")
    taken = {*chosen.values(), *split_names(given.get(CONTEXT, ()))}
    for role, usual in ROLES.items():
        free = [name for name in table.columns if name not in taken]
        found = [name for word in usual.split() for name in free if plain_name(name) == word]
        if role not in chosen and found:
            chosen[role] = found[0]
    for role in ("action", "reward"):
        if role not in chosen:
            raise ValueError(
                f"{table.path} has no column that is known to be the {role}; its columns are "
                f"{listed(table.columns, 30)}: name it (--columns {role}=COLUMN)"
            )
    if "slate" not in chosen:  # places alone are no slates
        for role in ("place", *PROPENSITIES[1:]):
            if role in given:
                raise ValueError(f"{role} is of slates; name their column too (--columns slate=…)")
            chosen.pop(role, None)
    elif "place" not in chosen:
        raise ValueError(f"{table.path} has slates; name the place (--columns place=COLUMN)")
    return chosen
