"""What fitted worlds predict of other policies, beside the truth, as a table and a page."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recsim_env.benchmark.transfer.known_values import (
    KnownValue,
    PredictionQuality,
    TruthSettings,
    qualities,
)
from recsim_env.formats.columns import write_columns
from recsim_env.formats.files import replace_file
from recsim_env.results.intervals import estimate
from recsim_env.results.wording import markdown_table, number, with_interval

#: What `write_known` writes.
KNOWN_FILES = ("values.csv", "transfer.md")

_QUALITIES = {
    "error": "error",
    "bias": "bias",
    "rank_correlation": "rank correlation",
    "regret": "regret",
    "session_bias": "bias per session",
}

_READING = """\
Means over worlds [95 % Student t]. Error and bias: of click rates, as shares of the true ones, over
policies. Rank correlation: Spearman's, of predicted and true click rates. Regret: what the policy
that is predicted to be best truly loses, as a share of what lies between the best and the worst.
Bias per session: of clicks per session, which depend on how long people stay."""


def known_tables(values: Sequence[KnownValue]) -> list[tuple[str, str, list[list[str]]]]:
    """Returns a title, how to read it, and rows of text, the head first, for each table."""
    return [
        ("How well the log of one policy tells of the others", _READING, _qualities(values)),
        (
            "Click rates, predicted and true",
            "Clicks per slate, means over worlds [95 % Student t].",
            _rates(values),
        ),
    ]


def _qualities(values: Sequence[KnownValue]) -> list[list[str]]:
    """Returns a row for every logging policy and method."""
    rows = [["log of", "predicted by", *_QUALITIES.values()]]
    found: dict[tuple[str, str], list[PredictionQuality]] = {}
    for each in qualities(values):
        found.setdefault((each.logger, each.method), []).append(each)
    for (logger, method), of_seeds in found.items():
        cells = [_mean([getattr(each, name) for each in of_seeds]) for name in _QUALITIES]
        rows.append([logger, method, *cells])
    return rows


def _rates(values: Sequence[KnownValue]) -> list[list[str]]:
    """Returns a row for every logging policy and policy."""
    methods = list(dict.fromkeys(each.method for each in values))
    rows = [["log of", "policy", "true", *methods]]
    for logger, policy in dict.fromkeys((each.logger, each.policy) for each in values):
        mine = [each for each in values if (each.logger, each.policy) == (logger, policy)]
        true = [each.true_click_rate for each in mine if each.method == methods[0]]
        said = [[each.click_rate for each in mine if each.method == name] for name in methods]
        rows.append([logger, policy, *map(_mean, (true, *said))])
    return rows


def _mean(values: Sequence[float]) -> str:
    known = [each for each in values if math.isfinite(each)]
    if not known:
        return "–"
    if len(known) == 1:
        return number(known[0], 3)
    return with_interval(estimate(known))


def write_known(
    values: Sequence[KnownValue], settings: TruthSettings, folder: Path, *, command: str
) -> list[Path]:
    """Writes every value as a table, and a page; returns their paths."""
    files = [folder / name for name in KNOWN_FILES]
    names = [each.name for each in dataclasses.fields(KnownValue)]
    write_columns(files[0], {n: np.array([getattr(each, n) for each in values]) for n in names})
    scenario = settings.scenario.rpartition(":")[2]
    parts = [
        f"# {scenario}: other policies by the log of one",
        f"Logs of {settings.interactions:,} slates by {', '.join(settings.loggers)}, with a share "
        f"of {settings.exploration:g} uniform slates; {len(settings.policies)} policies, which "
        f"learned from {settings.learn:,} slates of their own; {len(settings.seeds)} worlds. Truth "
        f"and predictions are of {settings.sessions:,} sessions each.",
        f"```sh\n{command}\n```",
    ]
    for heading, reading, rows in known_tables(values):
        parts += [f"## {heading}", reading, markdown_table(rows)]
    replace_file(files[1], ("\n\n".join(parts) + "\n").encode())
    return files
