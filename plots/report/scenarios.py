"""Each scenario by itself: its leaderboard and figures."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from recsim_env.plots import style
from recsim_env.plots.captions import number, with_interval
from recsim_env.plots.curves import draw_learning_curves, draw_online_reward, draw_regret
from recsim_env.plots.leaderboard import draw_leaderboard, leaderboard_caption, unscored
from recsim_env.plots.pairs import draw_pairs
from recsim_env.plots.report.left_out import why_no_oracle
from recsim_env.plots.report.page import Page, Section, markdown_table
from recsim_env.results.standings import BASELINE, REFERENCE, Standing, standings
from recsim_env.results.table import ResultTable
from recsim_env.results.verdicts import verdicts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FIGURES: tuple[tuple[str, str, Callable[[ResultTable, str], Axes]], ...] = (
    (
        "leaderboard",
        "Agents by return in the final evaluation",
        draw_leaderboard,
    ),
    (
        "learning",
        "Return in frozen evaluations, on common random numbers",
        draw_learning_curves,
    ),
    ("pairs", "How much better each agent that learns is than each other", draw_pairs),
    ("online", "Reward per interaction while learning", draw_online_reward),
    (
        "regret",
        "Cumulative regret while learning, against the oracle's run on common random numbers",
        draw_regret,
    ),
)
_SCALE = f", from {BASELINE} (0) to {REFERENCE} (1)"

_COLUMNS = (
    "rank",
    "agent",
    "return [interval]",
    "score [interval]",
    "click rate",
    "lead over the next [interval]",
    "seconds per run",
)


def _scenarios(page: Page) -> str:
    return "\n\n".join(_scenario(page, scenario) for scenario in page.table.scenarios())


def _scenario(page: Page, scenario: str) -> str:
    table, heading = page.table, f"## {style.short_name(scenario)}"
    if not table.rows(phase="final", scenario=scenario):
        return f"{heading}\n\nNo run finished."
    ranked = standings(table, scenario)
    parts = [heading, _leaderboard(ranked), f"*{leaderboard_caption(ranked)}*"]
    is_scored, has_oracle = all(each.score for each in ranked), not why_no_oracle(table, scenario)
    parts += unscored(ranked, has_oracle=has_oracle)
    parts += verdicts(table, scenario)
    for name, meaning, draw in _FIGURES:
        if name == "regret" and not has_oracle:
            continue
        if name in page.figures:
            meaning += _SCALE if is_scored and draw is draw_leaderboard else ""
            file = f"{name}-{style.file_name(scenario)}.png"
            try:
                parts.append(page.figure(file, meaning, draw(table, scenario)))
            except ValueError as error:
                parts.append(f"No figure *{name}*: {error}.")
    return "\n\n".join(parts)


def _leaderboard(ranked: list[Standing]) -> str:
    rows = [
        [
            str(place),
            each.agent,
            with_interval(each.episode_return),
            with_interval(each.score) if each.score else "–",
            number(each.click_rate),
            with_interval(each.lead) if each.lead else "–",
            "–" if math.isnan(each.wall_seconds) else f"{each.wall_seconds:.1f}",
        ]
        for place, each in enumerate(ranked, start=1)
    ]
    return markdown_table(_COLUMNS, rows, ["---:", "---", *["---:"] * (len(_COLUMNS) - 2)])


SECTION = Section(_scenarios, tuple(name for name, _, _ in _FIGURES))
