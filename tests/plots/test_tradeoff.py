"""The figure of what returns cost: its points, and what it refuses."""

import pytest

from recsim_env.plots.report import write_report
from recsim_env.plots.style import caption_of, new_axes
from recsim_env.plots.tradeoff import draw_tradeoff
from recsim_env.results.metrics import metric_table
from recsim_env.results.tradeoffs import DIVERSITY, UNEVENNESS

MEASURED = {
    "uniform": (0.8, 0.2),
    "ials": (0.4, 0.6),
    "popularity": (0.6, 0.8),
    "oracle": (0.5, 0.5),
}


def measured(table):
    metrics = metric_table(table.folder)
    for row in table.rows(phase="final"):
        keys = ("scenario", "agent", "seed", "config_hash", "phase", "interactions")
        diversity, gini = MEASURED[row["agent"]]
        own = {DIVERSITY: diversity, UNEVENNESS: gini}
        metrics.append_run([{key: row[key] for key in keys} | own])
    return metrics


def test_every_agent_is_a_point_of_both_panels(table):
    panels = draw_tradeoff(table, measured(table))
    for ax, unit in zip(panels, (0.8, 0.8), strict=True):
        points = {
            line.get_label(): (line.get_xdata()[0], line.get_ydata()[0])
            for line in ax.lines
            if line.get_label() in MEASURED
        }
        assert set(points) == set(MEASURED)
        assert points["uniform"] == pytest.approx((1, 0))
        assert points["ials"] == pytest.approx((0.4 / unit, 0.4))
    assert "3 seeds" in caption_of(panels[0])
    assert panels[0].get_ylim() == panels[1].get_ylim()


def test_the_report_shows_it_where_something_was_measured(table):
    assert "What returns cost" not in write_report(table.folder, ["tradeoff"]).read_text()
    measured(table)
    assert "](tradeoff.png)" in write_report(table.folder, ["tradeoff"]).read_text()
    assert (table.folder / "tradeoff.png").is_file()


def test_a_folder_without_metrics_is_refused(table):
    with pytest.raises(ValueError, match="--measure"):
        draw_tradeoff(table, metric_table(table.folder))


def test_one_panel_is_too_few(table):
    with pytest.raises(ValueError, match="1 Axes"):
        draw_tradeoff(table, measured(table), [new_axes()])
