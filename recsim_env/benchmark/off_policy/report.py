"""The study of estimators as a page of tables, and figures."""

from collections.abc import Sequence
from pathlib import Path

from recsim_env.benchmark.off_policy.study_settings import StudySettings
from recsim_env.envs.resolving import scenario_id
from recsim_env.formats.files import replace_file
from recsim_env.results.estimator_quality import (
    Trial,
    choice_rows,
    described,
    qualities,
    quality_rows,
)
from recsim_env.results.off_policy import PER_SESSION, PER_SLATE
from recsim_env.results.wording import markdown_table, with_interval

_READING = """\
Errors are relative to the true value: an error of 0.1 is one tenth of it. Coverage is how often the
95 % interval holds the truth; "coverage then" counts only estimates that come without a warning.
Rank correlation compares the order of the policies by the estimates with the true one; regret is
what the policy with the highest estimate earns less than the best, as a share of what lies between
the best and the worst. Numbers are means over policies and logs."""


_CHOOSING = """\
What is lost by deploying the policy of which a log says the most: the regret, as above, by what is
estimated and how. 0 is the best policy in every log, 1 the worst; `chance` chooses any."""

_FIGURES = {"error": "Error of estimates", "regret": "Regret of choosing by them"}


def write_page(
    trials: Sequence[Trial], settings: StudySettings, folder: Path, *, command: str
) -> list[Path]:
    """Writes the page and figures of a study; returns their paths.

    Args:
      trials: of `run_study`.
      settings: of it.
      folder: where to; old files are replaced.
      command: with which the study is made again.
    """
    figures = _draw(trials, folder)
    page = folder / "study.md"
    text = study_page(trials, settings, command, figures=bool(figures))
    replace_file(page, text.encode())
    return [page, *figures]


def _draw(trials: Sequence[Trial], folder: Path) -> list[Path]:
    """Draws errors and regrets per slate and per session; without matplotlib nothing."""
    try:
        from recsim_env.plots import style
        from recsim_env.plots.estimators import draw_estimators
    except ModuleNotFoundError:
        return []
    found, files = qualities(trials), []
    for per, measure in _figures(trials):
        files.append(folder / f"{measure}-{per}.png")
        style.write_figure(draw_estimators(found, per, measure), files[-1])
    return files


def _figures(trials: Sequence[Trial]) -> list[tuple[str, str]]:
    """Returns what is drawn: per what, and which measure; nothing where all logs are alike."""
    kinds = {each.kind for each in trials}
    several = [per for per in (PER_SLATE, PER_SESSION) if sum(k[0] == per for k in kinds) > 1]
    return [(per, measure) for per in several for measure in _FIGURES]


def study_page(
    trials: Sequence[Trial], settings: StudySettings, command: str, *, figures: bool = True
) -> str:
    """Returns the page of a study; see `write_page`.

    Args:
      trials, settings, command: as there.
      figures: whether they stand beside it.
    """
    shown = _figures(trials) if figures else []
    name = scenario_id(settings.scenario).rpartition("/")[2]
    policies = list(dict.fromkeys(each.value.policy for each in trials))
    found = qualities(trials)
    parts = [
        f"# Estimators of policies' values on {name}",
        f"{settings.repeats} logs of each kind, written by `{settings.logger}` with a share of "
        f"{settings.exploration:g} uniform slates; {len(policies)} policies, which learned from "
        f"{settings.learn:,} interactions each: {', '.join(policies)}. The truth is what they earn "
        f"from the people of {settings.truths} of the logs.",
        f"```sh\n{command}\n```",
        _READING,
        *(f"![{_FIGURES[measure]}]({measure}-{per}.png)" for per, measure in shown),
        "## Which policy to deploy",
        _CHOOSING,
    ]
    for per in (PER_SLATE, PER_SESSION):
        if any(kind[0] == per for kind in found):
            parts += [
                f"By the estimated reward of a {per}:",
                markdown_table(choice_rows(found, per)),
            ]
    for kind, estimators in found.items():
        parts.append(f"## Reward of a {kind[0]}: {described(kind)}")
        parts.append(markdown_table(quality_rows(estimators)))
    return "\n\n".join([*parts, "## What the policies truly earn", _truths(trials)]) + "\n"


def _truths(trials: Sequence[Trial]) -> str:
    truths = {(each.value.policy, *each.kind[:3]): each.value.truth for each in trials}
    rows = [["policy", "per", "places", "horizon", "true value"]]
    for (policy, per, slate_size, horizon), truth in truths.items():
        assert truth is not None
        until = str(horizon) if horizon else "–"
        rows.append([policy, per, str(slate_size), until, with_interval(truth)])
    return markdown_table(rows)
