"""The figure and the section of a sweep show every agent at every value."""

import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from recsim_env.plots import draw_sweep, style, write_report
from recsim_env.results.sweeps import SWEPT, sweeps

GAINS = {"uniform": 10.0, "oracle": 20.0, "popularity": 12.0}


def made(base, **points):
    return {f"{base} {k}": {"of": base, "settings": v} for k, v in points.items()}


@pytest.fixture
def swept(fill):
    """Returns a function that gives a table with a sweep of these values."""

    def filled(scenarios, agents=()):
        noted = {"scenarios": {}, "agents": {}}
        for point in scenarios or [{}]:
            label = "Toy" + "".join(f" {k}={v}" for k, v in point.items())
            noted["scenarios"] |= {label: {"of": "Toy", "settings": point}} if point else {}
            table = fill(GAINS, scenario=label)
            for place, own in enumerate(agents):
                name = "linucb" + "".join(f" {k}={v}" for k, v in own.items())
                noted["agents"][name] = {"of": "linucb", "settings": own}
                table = fill({name: 13.0 + place}, scenario=label)
        table.write_settings({SWEPT: noted}, {})
        return table

    return filled


def lines(ax):
    return {line.get_label(): line for line in ax.lines if not line.get_label().startswith("_")}


def test_each_agent_is_a_line_over_the_values_of_a_scenario_s_setting(swept):
    (sweep,) = sweeps(swept([{"n": 100}, {"n": 10}, {"n": 1_000}]))
    (ax,) = draw_sweep(sweep, "n")
    assert ax.get_xscale() == "log"
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["10", "100", "1000"]
    drawn = lines(ax)
    assert set(drawn) == set(GAINS)
    assert list(drawn["popularity"].get_xdata()) == [10, 100, 1_000]
    assert np.allclose(drawn["popularity"].get_ydata(), 0.2)
    assert style.caption_of(ax) == "after 1,000 interactions, mean of 3 seeds, bands: 95 % Fieller"


def test_against_a_setting_of_an_agent_the_others_are_levels(swept):
    (sweep,) = sweeps(swept([], [{"alpha": 1.0}, {"alpha": 2.0}, {"alpha": 3.0}]))
    (ax,) = draw_sweep(sweep, "linucb.alpha")
    assert ax.get_xscale() == "linear"
    drawn = lines(ax)
    assert set(drawn) == {*GAINS, "linucb"}
    assert np.allclose(drawn["linucb"].get_ydata(), [0.3, 0.4, 0.5])
    assert np.allclose(drawn["popularity"].get_ydata(), 0.2)


def test_another_setting_of_the_scenario_makes_panels_and_of_the_agent_lines(swept):
    scenarios = [{"n": n, "m": m} for n in (10, 20, 30) for m in (1, 2)]
    agents = [{"alpha": a, "context": c} for a in (1.0, 2.0) for c in (True, False)]
    (sweep,) = sweeps(swept(scenarios, agents))
    axes = draw_sweep(sweep, "linucb.alpha")
    titles = [ax.get_title(loc="left") for ax in axes]
    assert titles[0] == "Toy: n=10, m=1" and titles[-1] == "n=30, m=2" and len(axes) == 6
    assert {"linucb context=true", "linucb context=false"} <= set(lines(axes[0]))
    assert len(draw_sweep(sweep, "m")) == 3
    given = Figure().subplots(1, 3)
    assert draw_sweep(sweep, "m", given) == list(given)
    with pytest.raises(ValueError, match="axes holds 3 Axes; give 6"):
        draw_sweep(sweep, "linucb.alpha", given)
    with pytest.raises(ValueError, match="'alpha' is not swept; known are n, m, linucb.alpha"):
        draw_sweep(sweep, "alpha")


def test_words_stand_side_by_side(swept):
    (sweep,) = sweeps(swept([{"reward": "own"}, {"reward": "clicks"}]))
    (ax,) = draw_sweep(sweep, "reward")
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["own", "clicks"]
    starts = [line.get_xdata()[0] for line in lines(ax).values()]
    assert len(set(starts)) == len(starts) and max(map(abs, starts)) < 0.5


def test_too_many_panels_are_no_figure_and_the_report_says_so(swept):
    table = swept([{"n": n, "m": m} for n in (1, 2) for m in range(13)])
    text = write_report(table.folder, ["sweep"]).read_text(encoding="utf-8")
    assert "No figure of `n`: the other settings have 13 combinations" in text
    assert "(sweep-Toy-m.png)" in text


def test_the_report_has_a_row_for_each_agent_and_value(swept):
    table = swept([{"n": 100}, {"n": 10}])
    text = write_report(table.folder, ["sweep"]).read_text(encoding="utf-8")
    section = text.split("## Toy by n\n")[1].split("\n## ")[0]
    rows = re.findall(r"\| ([\w*]+) \| (\d+) \| [^|]* \| ([^|]*) \|", section)
    assert [row[:2] for row in rows] == [
        (agent, n) for agent in ("**popularity**", "oracle", "uniform") for n in ("10", "100")
    ]
    assert {row[2].split()[0] for row in rows[:2]} == {"0.2000"}
    assert "paired by seed" not in section.split("Returns:")[0]
    assert (table.folder / "sweep-Toy-n.png").exists()


def test_variants_of_an_agent_have_its_colour():
    found = [style.agent_style(f"linucb alpha={a}") for a in (0.3, 1, 3)]
    assert {each.color for each in found} == {style.agent_style("linucb").color}
    assert style.agent_style("linucb alpha=1") == found[1]
