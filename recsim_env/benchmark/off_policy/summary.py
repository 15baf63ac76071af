"""Kept studies of estimators side by side: in which scenario each errs how much."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from recsim_env.benchmark.off_policy.estimating import check_estimators
from recsim_env.results.estimator_quality import Kind, Quality, described, qualities, told_apart
from recsim_env.results.estimator_words import estimator_words
from recsim_env.results.off_policy import PER_SESSION, PER_SLATE
from recsim_env.results.table import ResultTable
from recsim_env.results.trials import TRIALS, trials_of
from recsim_env.results.wording import markdown_table, number

#: Estimators that are shown: of each family the ones that a page on them compares.
_SHOWN = {
    PER_SLATE: ("dm", "ips", "snips", "dr", "sndr", "iips", "rips", "cascade-dr", "pseudo-inverse"),
    PER_SESSION: ("sn-tis", "sn-pdis", "seq-dr", "sn-seq-dr", "fqe", "sn-mis", "sn-mis-hidden"),
}

_READING = """\
Each row is a kind of log of a kept study, whose page says how it was made and tells the rest. The
error is the root of the mean squared error over logs and policies, relative to the true value;
behind it stands how often the 95 % interval holds the truth. Bold is the least error of a row. The
regret is what the policy with the highest estimate earns less than the best, as a share of what
lies between the best and the worst; `chance` chooses any."""

Studies = Mapping[str, Mapping[Kind, list[Quality]]]
Cells = Callable[[Mapping[str, Quality], Sequence[str]], list[str]]


def summary_page(folder: str | Path, *, command: str, estimators: Sequence[str] = ()) -> str:
    """Returns a page of the studies in the folders of one folder, side by side.

    Args:
      folder: of folders that `run_study` filled.
      command: with which the page is made again.
      estimators: that are shown; by default of each family the ones that are compared.

    Raises:
      ValueError: there is no study, or an estimator is unknown, or has no estimate in any.
    """
    check_estimators(estimators)
    studies = {}
    for each in sorted(Path(folder).iterdir()):
        if (each / "rows.csv").is_file():
            found = qualities(trials_of(ResultTable(each, TRIALS).rows()))
            studies[f"[{each.name.replace('-', ' ')}]({each.name}/study.md)"] = found
    if not studies:
        raise ValueError(f"{folder} holds no study; recsim-env ope --study writes one")
    kinds = [kind for found in studies.values() for kind in found.values()]
    known = dict.fromkeys(each.estimator for kind in kinds for each in kind)
    _check_kept(estimators, known, folder)
    parts = ["# Studies of estimators, side by side", f"```sh\n{command}\n```", _READING]
    for per in (PER_SLATE, PER_SESSION):
        names = [name for name in estimators or _SHOWN[per] if any(_by_name(studies, per, name))]
        if names:
            parts.append(f"## Reward of a {per}: error and coverage")
            parts.append(_table(studies, per, names, _errors))
            parts.append(f"## Reward of a {per}: regret of choosing by it")
            parts.append(_table(studies, per, names, _regrets, last="chance"))
    return "\n\n".join(parts) + "\n"


def study_errors(folder: str | Path, *, command: str, estimators: Sequence[str] = ()) -> str:
    """Returns the errors of one study's estimators, by what its logs differ in, as tables.

    Args:
      folder: that `run_study` filled.
      command: with which the tables are made again.
      estimators: that are shown, in this order; all by default.

    Raises:
      ValueError: an estimator is unknown, or has no estimate there.
    """
    check_estimators(estimators)
    found = qualities(trials_of(ResultTable(folder, TRIALS).rows()))
    known = dict.fromkeys(each.estimator for kind in found.values() for each in kind)
    _check_kept(estimators, known, folder)
    parts = [f"# Errors of estimators, {Path(folder).name}", f"```sh\n{command}\n```"]
    for per in (PER_SLATE, PER_SESSION):
        table = _errors_by_kind({k: v for k, v in found.items() if k[0] == per}, estimators)
        if table:
            parts += [f"Reward of a {per}:", table]
    return "\n\n".join(parts) + "\n"


def _check_kept(names: Iterable[str], known: Collection[str], folder: str | Path) -> None:
    """Raises ValueError for the first estimator that kept studies have no estimate of."""
    for name in names:
        if name not in known:
            raise ValueError(f"{folder} has no estimates of {name}; it has {', '.join(known)}")


def _errors_by_kind(found: Mapping[Kind, list[Quality]], estimators: Sequence[str]) -> str:
    """Returns a row for each estimator, a column for each kind of log; empty without rows."""
    errors: dict[str, dict[Kind, float]] = {}
    for kind, several in found.items():
        for each in several:
            errors.setdefault(each.estimator, {})[kind] = each.error
    names = [name for name in estimators or errors if name in errors]
    rows = [["estimator", "in full", "assumes", *told_apart(list(found))]]
    for name in names:
        cells = [number(errors[name][kind], 3) if kind in errors[name] else "" for kind in found]
        rows.append([f"`{name}`", *estimator_words(name), *cells])
    return markdown_table(rows) if names else ""


def _table(studies: Studies, per: str, names: Sequence[str], cells: Cells, last: str = "") -> str:
    rows = [["logs", *names, *([last] if last else [])]]
    for study, kinds in studies.items():
        for kind, found in kinds.items():
            if kind[0] == per:
                known = {each.estimator: each for each in found}
                rows.append([f"{study}, {described(kind)}", *cells(known, names)])
    return markdown_table(rows)


def _by_name(studies: Studies, per: str, name: str) -> Iterator[bool]:
    for kinds in studies.values():
        for kind, found in kinds.items():
            yield kind[0] == per and any(each.estimator == name for each in found)


def _errors(known: Mapping[str, Quality], names: Sequence[str]) -> list[str]:
    least = min((each.error for name, each in known.items() if name in names), default=0.0)
    cells = []
    for name in names:
        if name not in known:
            cells.append("")
            continue
        each = known[name]
        error = number(each.error, 2)
        shown = f"**{error}**" if each.error == least else error
        cells.append(f"{shown} ({each.coverage:.0%})")
    return cells


def _regrets(known: Mapping[str, Quality], names: Sequence[str]) -> list[str]:
    regrets = [number(known[name].regret, 2) if name in known else "" for name in names]
    return [*regrets, number(next(iter(known.values())).regret_by_chance, 2)]
