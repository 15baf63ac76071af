"""Figures and the report of a benchmark, drawn from its result table alone.

Each `draw_*` takes data and returns the Axes it drew on; it saves nothing and changes no global
style. `write_report` puts all figures of a table and a short text into its folder; `write_page`
puts there a page to look at in a browser.
"""

from recsim_env.plots.aggregates import draw_aggregates, draw_ranks
from recsim_env.plots.curves import draw_learning_curves, draw_online_reward, draw_regret
from recsim_env.plots.fidelity import draw_fidelity
from recsim_env.plots.ladder import draw_ladder, ladder_table
from recsim_env.plots.leaderboard import draw_leaderboard
from recsim_env.plots.matrix import draw_improvement_matrix
from recsim_env.plots.page import write_page
from recsim_env.plots.pairs import draw_pairs
from recsim_env.plots.profiles import draw_profiles
from recsim_env.plots.report import write_report
from recsim_env.plots.sweep import draw_sweep
from recsim_env.plots.training import draw_training
from recsim_env.plots.visit import draw_visit

__all__ = [
    "draw_aggregates",
    "draw_fidelity",
    "draw_improvement_matrix",
    "draw_ladder",
    "draw_leaderboard",
    "draw_learning_curves",
    "draw_online_reward",
    "draw_pairs",
    "draw_profiles",
    "draw_ranks",
    "draw_regret",
    "draw_sweep",
    "draw_training",
    "draw_visit",
    "ladder_table",
    "write_page",
    "write_report",
]
