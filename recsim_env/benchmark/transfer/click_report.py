"""What was predicted of clicks under another policy, as a table and a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recsim_env.benchmark.transfer.click_log import PLACE
from recsim_env.benchmark.transfer.clicks import (
    ALL,
    METHODS,
    MODEL,
    ClickTransfer,
    Prediction,
)
from recsim_env.formats.columns import write_columns
from recsim_env.formats.files import replace_file
from recsim_env.results.intervals import Estimate
from recsim_env.results.wording import markdown_table, number, with_interval

#: What `write_clicks` writes.
CLICK_FILES = ("predictions.csv", "errors.csv", "transfer.md")

_READING = """\
Each line takes the log of one policy (*from*), and predicts clicks under another (*of*) on the same
days, whose own log then tells. Three ways predict: the click rate of the log, whatever is shown; a
model of clicks with regularised effects of item, place and context, told what the other policy
showed and to whom; and importance weighting by the propensities of both (SNIPS), which is told
nothing of the other log but its propensities. Brackets are 95 % intervals: Wilson for own figures,
bootstrap over impressions for predictions."""

_ERRORS = """\
Mean distance of predicted and own click rates over impressions, as a share of the other log's click
rate; in parentheses what a right method would be off by the luck of so few clicks in both logs, and
how often it would be at least as far off (p). **Bold** is refuted: p below 0.01."""

_SCORES = """\
Log-likelihood of the other log's clicks under the model, above that under the one click rate of the
log that it was fitted to, per 1,000 impressions; area under the curve of clicked impressions
against others (0.5 is chance); and the spread of effects on the log-odds that the model found."""


def click_tables(found: Sequence[ClickTransfer]) -> list[tuple[str, str, list[list[str]]]]:
    """Returns a title, how to read it, and rows of text, the head first, for each table."""
    predictions = [each for transfer in found for each in transfer.predictions]
    return [
        ("Click rate per 1,000 impressions", _READING, _rates(predictions, ALL)),
        ("By place", "Click rates per 1,000 impressions, as above.", _rates(predictions, PLACE)),
        ("Errors by place, item and context", _ERRORS, _errors(found)),
        ("Single impressions", _SCORES, _scores(found)),
    ]


def _rates(predictions: Sequence[Prediction], group: str) -> list[list[str]]:
    """Returns predicted and own click rates of the labels of a group."""
    label = [] if group == ALL else [group]
    rows = [["campaign", "from", "of", *label, "own", *METHODS]]
    lines: dict[tuple[str, str, str, str], list[Prediction]] = {}
    for each in predictions:
        if each.group == group:
            key = each.campaign, each.fitted_to, each.other, each.label
            lines.setdefault(key, []).append(each)
    for key, found in lines.items():
        rows.append([*(key if label else key[:3]), _rate(found[0].own)])
        rows[-1] += [_rate(each.predicted) for each in found]
    return rows


def _rate(found: Estimate) -> str:
    return found.text(lambda value: number(1_000 * value, 1))


def _errors(found: Sequence[ClickTransfer]) -> list[list[str]]:
    rows = [["campaign", "from", "of", "over", *METHODS]]
    for transfer in found:
        groups = list(dict.fromkeys(each.group for each in transfer.errors))
        for group in groups:
            lines = [each for each in transfer.errors if each.group == group]
            first = lines[0]
            cells = [first.campaign, first.fitted_to, first.other, group]
            for each in lines:
                error = number(each.error, 2)
                shown = f"**{error}**" if each.p_value < 0.01 else error
                cells.append(f"{shown} ({number(each.chance.mean, 2)}, p {each.p_value:.2f})")
            rows.append(cells)
    return rows


def _scores(found: Sequence[ClickTransfer]) -> list[list[str]]:
    columns = list(found[0].score.spread)
    rows = [["campaign", "from", "of", "gain", "AUC", *(f"sd {each}" for each in columns)]]
    for transfer in found:
        score = transfer.score
        rows.append([score.campaign, score.fitted_to, score.other])
        rows[-1] += [with_interval(score.gain), score.auc.text(lambda value: f"{value:.2f}")]
        rows[-1] += [number(score.spread[each], 2) for each in columns]
    return rows


def summary(found: Sequence[ClickTransfer]) -> str:
    """Returns in a sentence how often the model and the log's rate agree with the other log."""
    whole = [e for each in found for e in each.predictions if e.group == ALL]
    said = []
    for method in METHODS:
        own = [e for e in whole if e.method == method]
        inside = sum(e.own.low <= e.predicted.mean <= e.own.high for e in own)
        said.append(f"by {method} in {inside} of {len(own)}")
    tests = [e for each in found for e in each.errors if e.group != ALL and e.method == MODEL]
    refuted = sum(e.p_value < 0.01 for e in tests)
    better = sum(each.score.gain.low > 0.0 for each in found)
    return (
        f"The predicted click rate lies within the interval of the other log's own: "
        f"{', '.join(said)}. Over labels the model is refuted in {refuted} of {len(tests)} cases "
        f"(p below 0.01). It tells single impressions apart better than one rate for all does, "
        f"beyond chance, in {better} of {len(found)}."
    )


def write_clicks(
    found: Sequence[ClickTransfer], folder: Path, *, title: str, command: str, about: str = ""
) -> list[Path]:
    """Writes predictions and errors as tables, and a page; returns their paths."""
    files = [folder / name for name in CLICK_FILES]
    predictions = [each for transfer in found for each in transfer.predictions]
    names = ("campaign", "fitted_to", "other", "group", "label", "n", "method")
    columns = {name: np.array([getattr(e, name) for e in predictions]) for name in names}
    for side in ("own", "predicted"):
        for end, key in (("", "mean"), ("_low", "low"), ("_high", "high")):
            values = [getattr(getattr(e, side), key) for e in predictions]
            columns[side + end] = np.array(values)
    write_columns(files[0], columns)
    errors = [each for transfer in found for each in transfer.errors]
    names = ("campaign", "fitted_to", "other", "group", "method", "error", "p_value")
    columns = {name: np.array([getattr(e, name) for e in errors]) for name in names}
    write_columns(files[1], columns | {"chance": np.array([e.chance.mean for e in errors])})
    parts = [f"# {title}", *([about] if about else []), f"```sh\n{command}\n```", summary(found)]
    for heading, reading, rows in click_tables(found):
        parts += [f"## {heading}", reading, markdown_table(rows)]
    replace_file(files[2], ("\n\n".join(parts) + "\n").encode())
    return files
