"""The study of estimators as a folder: trials, settings, a page of tables, and figures."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from recsim_env.benchmark.off_policy.study import StudySettings
from recsim_env.benchmark.provenance import versions
from recsim_env.envs.resolving import scenario_id
from recsim_env.formats.columns import write_columns
from recsim_env.formats.files import replace_file
from recsim_env.results.estimator_quality import (
    Trial,
    qualities,
    quality_rows,
    trial_columns,
)
from recsim_env.results.off_policy import PER_SLATE
from recsim_env.results.wording import markdown_table, with_interval

_READING = """\
Errors are relative to the true value: an error of 0.1 is one tenth of it. Coverage is how often the
95 % interval holds the truth; "coverage then" counts only estimates that come without a warning.
Rank correlation compares the order of the policies by the estimates with the true one; regret is
what the policy with the highest estimate earns less than the best, as a share of what lies between
the best and the worst. Numbers are means over policies and logs."""


def write_study(
    trials: Sequence[Trial], settings: StudySettings, folder: Path, *, command: str
) -> list[Path]:
    """Writes a study; returns the paths of its files.

    Args:
      trials: of `run_study`.
      settings: of it.
      folder: where to; it is made, and old files are replaced.
      command: with which the study is made again.
    """
    files = [folder / name for name in ("trials.csv", "study.json", "study.md")]
    write_columns(files[0], trial_columns(trials))
    about = dataclasses.asdict(settings) | {"command": command, "versions": versions()}
    replace_file(files[1], (json.dumps(about, indent=2) + "\n").encode())
    replace_file(files[2], _page(trials, settings, command).encode())
    try:
        from recsim_env.plots import style
        from recsim_env.plots.off_policy import draw_errors
    except ModuleNotFoundError:
        return files
    for per in dict.fromkeys(each.value.per for each in trials):
        files.append(folder / f"error-{per}.png")
        style.write_figure(draw_errors(qualities(trials), per), files[-1])
    return files


def _page(trials: Sequence[Trial], settings: StudySettings, command: str) -> str:
    name = scenario_id(settings.scenario).rpartition("/")[2]
    policies = list(dict.fromkeys(each.value.policy for each in trials))
    parts = [
        f"# Estimators of policies' values on {name}",
        f"{settings.repeats} logs of each kind, written by `{settings.logger}` with a share of "
        f"{settings.exploration:g} uniform slates; {len(policies)} policies, which learned from "
        f"{settings.learn:,} interactions each: {', '.join(policies)}. The truth is what they earn "
        f"from the people of {settings.truths} of the logs.",
        f"```sh\n{command}\n```",
        _READING,
    ]
    for (per, slate_size, horizon, n_sessions), found in qualities(trials).items():
        what = "a slate" if per == PER_SLATE else "a session"
        until = f", horizon {horizon}" if horizon else ""
        items = f"slates of {slate_size}" if slate_size > 1 else "one item at a time"
        parts.append(f"## Reward of {what}: {n_sessions} sessions, {items}{until}")
        parts.append(markdown_table(quality_rows(found)))
    parts.append("## What the policies truly earn")
    truths = {(each.value.policy, *each.kind[:3]): each.value.truth for each in trials}
    rows = [["policy", "per", "places", "horizon", "true value"]]
    for (policy, per, slate_size, horizon), truth in truths.items():
        assert truth is not None
        until = str(horizon) if horizon else "–"
        rows.append([policy, per, str(slate_size), until, with_interval(truth)])
    parts.append(markdown_table(rows))
    return "\n\n".join(parts) + "\n"
