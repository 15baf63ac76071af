"""Agents look the same everywhere and are told apart in grey, and nothing global changes."""

import itertools
import math
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from recsim_env import agent_registry
from recsim_env.agent_registry import names_of
from recsim_env.agents import AGENTS
from recsim_env.plots import style
from recsim_env.results.intervals import Estimate

FAMILIES = (
    *(tuple(names_of(family)) for family in agent_registry.FAMILIES),
    *((name,) for name in names_of(agent_registry.REFERENCES)),
)
KNOWN = tuple(itertools.chain(*FAMILIES))


def luminance(color: str) -> float:
    channels = np.array(to_rgb(color))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def lab(color: str) -> np.ndarray:
    """Returns a colour's place in CIELAB, where distances are about as seen, white under D65."""
    channels = np.array(to_rgb(color))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    mixes = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    share = np.array(mixes) @ linear / [0.9505, 1.0, 1.089]
    x, y, z = np.where(share > 0.008856, np.cbrt(share), 7.787 * share + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_every_agent_has_a_style_of_its_own() -> None:
    assert [name for name in AGENTS if not style.is_known(name)] == []


def test_every_family_has_a_look_for_its_next_agent() -> None:
    assert list(style._LOOKS) == list(agent_registry.FAMILIES)
    looks = [look for _, listed in style._LOOKS.values() for look in listed.split()]
    assert len(set(looks)) == len(looks)
    for family, (_, listed) in style._LOOKS.items():
        assert len(listed.split()) > len(names_of(family)), family


def test_a_family_shares_its_colour_and_no_other_has_a_similar_one() -> None:
    """A difference of 20 in CIELAB is seen at a glance; about 2 are just noticeable."""
    colors: list[str] = []
    for family in FAMILIES:
        found = {style.agent_style(agent).color for agent in family}
        assert len(found) == 1, family
        colors += found
    for a, b in itertools.combinations(colors, 2):
        assert np.linalg.norm(lab(a) - lab(b)) > 20.0


def test_agents_of_a_family_have_markers_of_their_own() -> None:
    for family in FAMILIES:
        assert len({style.agent_style(agent).marker for agent in family}) == len(family)


def test_no_two_agents_have_both_marker_and_line_in_common() -> None:
    looks = [style.agent_style(agent) for agent in KNOWN]
    assert len({(look.marker, look.linestyle) for look in looks}) == len(KNOWN)


@pytest.mark.parametrize("agent", KNOWN)
def test_every_colour_stands_out_from_white_paper(agent: str) -> None:
    contrast = 1.05 / (luminance(style.agent_style(agent).color) + 0.05)
    assert contrast > 2.0


def test_an_unknown_agent_has_the_same_style_in_every_process() -> None:
    code = "from recsim_env.plots.style import agent_style; print(agent_style('my_agent'))"
    fresh = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert fresh.stdout.strip() == repr(style.agent_style("my_agent"))


@given(st.text(min_size=1, max_size=30).filter(lambda name: name not in KNOWN))
def test_an_unknown_agent_is_never_taken_for_a_known_one(name: str) -> None:
    found = style.agent_style(name)
    assert found == style.agent_style(name)
    for known in map(style.agent_style, KNOWN):
        assert found.color != known.color
        assert found.marker != known.marker


def test_unknown_agents_spread_over_the_styles() -> None:
    """All 126 styles are about equally likely: of 1,000 names, all appear (miss < 0.05)."""
    styles = {style.agent_style(f"agent_{number}") for number in range(1_000)}
    assert len(styles) == 126


def test_limits_hold_all_means_and_cut_intervals_that_dwarf_them() -> None:
    steady = Estimate(1.0, 0.9, 1.1, 3, "")
    wild = Estimate(2.0, -50.0, math.inf, 3, "")
    assert style.limits([steady, wild]) == pytest.approx((1.0 - 0.64, 2.0 + 0.04))
    wilder = Estimate(2.0, -50.0, 50.0, 3, "")
    assert style.limits([steady, wilder]) == pytest.approx((1.0 - 0.64, 2.0 + 0.64))
    assert style.limits([steady], [0.0]) == pytest.approx((-0.04, 1.1 + 0.04))


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ((10.0, 4_000.0), ["10", "100", "1,000"]),
        ((1_300.0, 70_000.0), ["2,000", "5,000", "10,000", "20,000", "50,000"]),
        ((120.0, 700.0), ["200", "500"]),
    ],
)
def test_a_logarithmic_axis_of_few_decades_is_labelled_between_them(
    limits: tuple[float, float], expected: list[str]
) -> None:
    ax = style.new_axes()
    ax.set(xscale="log", yscale="log", xlim=limits, ylim=limits)
    style.count_interactions_by_tens(ax)
    FigureCanvasAgg(ax.figure.get_figure(root=True)).draw()
    ticks = zip(ax.get_yticks(), ax.get_yticklabels(), strict=True)
    assert [text.get_text() for at, text in ticks if limits[0] <= at <= limits[1]] == expected
    n_found = sum(limits[0] <= at <= limits[1] for at in ax.get_xticks())
    assert n_found == len(expected)


@pytest.mark.parametrize("mean", [0.0, -3.0])
def test_limits_of_equal_means_are_apart(mean: float) -> None:
    low, high = style.limits([Estimate(mean, math.nan, math.nan, 1, "")])
    assert low < mean < high


def test_house_style_is_gone_after_the_with_and_after_an_error() -> None:
    before = dict(matplotlib.rcParams)
    with style.house_style():
        assert matplotlib.rcParams["savefig.dpi"] == 160
    with pytest.raises(KeyError), style.house_style():
        raise KeyError
    assert dict(matplotlib.rcParams) == before


def test_a_figure_is_written_whole_and_small_in_its_own_colours(tmp_path: Path) -> None:
    ax = Figure().add_subplot()
    colours = {to_rgb(style.agent_style(name).color) for name in AGENTS}
    for height, colour in enumerate(colours):
        ax.axhspan(height, height + 0.9, color=colour)
    (tmp_path / "figure.png").write_bytes(b"of before")
    style.write_figure(ax, tmp_path / "figure.png")
    assert [file.name for file in tmp_path.iterdir()] == ["figure.png"]
    written = Image.open(tmp_path / "figure.png")
    assert written.mode == "P"
    pixels = np.unique(np.asarray(written.convert("RGB")).reshape(-1, 3), axis=0)
    for colour in colours:
        assert np.abs(pixels - np.round(np.array(colour) * 255)).max(axis=1).min() <= 1


def test_a_missing_matplotlib_is_one_sentence_with_the_command() -> None:
    code = "import sys; sys.modules['matplotlib'] = None; import recsim_env.plots"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode != 0
    last = found.stderr.strip().splitlines()[-1]
    assert last.endswith('figures need matplotlib: pip install "recsim-env[plots]"')


def test_drawing_loads_no_window_system() -> None:
    code = "import recsim_env.plots, sys; print('matplotlib.pyplot' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_tuned_agents_look_as_by_default_but_for_the_line():
    for agent in style.known_agents():
        plain, tuned = style.agent_style(agent), style.agent_style(f"{agent} (tuned)")
        assert (plain.color, plain.marker) == (tuned.color, tuned.marker)
        assert plain.linestyle != tuned.linestyle
    assert style.family_of("linucb (tuned)") == style.family_of("linucb") == "contextual bandits"
    assert style.is_known("linucb (tuned)") and not style.is_known("mine (tuned)")
