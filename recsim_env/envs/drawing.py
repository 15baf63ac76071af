"""One step as a picture: what was shown, what was clicked, and the person's true state.

Most of the time of a picture is Matplotlib's: making axes, finding room for their labels, and
writing text. A `StepPainter` therefore keeps its figure from one step to the next, with a picture
of what stays in it, draws what differs over that, and looks for room again only where labels beside
the axes take another.
"""

import textwrap
from typing import Any

import numpy as np

from recsim_env.envs.render import Scene, view_of

_WIDE, _NARROW = 90, 55
"""Letters of what is said of an item, alone and beside the state."""


def draw_step(scene: Scene) -> np.ndarray:
    """Returns the step as a (400, 800, 3) uint8 picture.

    Raises:
      ImportError: Matplotlib is missing.
    """
    return StepPainter().draw(scene)


class StepPainter:
    """Draws one step after the other of one scenario.

    Raises:
      ImportError: Matplotlib is missing.
    """

    def __init__(self) -> None:
        try:
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure
        except ImportError as error:
            raise ImportError(
                'render_mode="rgb_array" needs Matplotlib: pip install "recsim-env[plots]"'
            ) from error
        self._new_figure, self._new_canvas = Figure, FigureCanvasAgg
        self._figure: Any = None

    def draw(self, scene: Scene) -> np.ndarray:
        """Returns the step as a (400, 800, 3) uint8 picture."""
        draw_state = getattr(view_of(scene.scenario), "draw_state", None)
        if self._figure is None or len(self._figure.axes) > 2:  # axes that a view added stay odd
            self._begin(scene, has_state=draw_state is not None)
        self._slate.show(scene)
        if draw_state is not None:
            self._state.clear()
            draw_state(scene.scenario, self._state, scene.state, scene.items)
        self._title.set_text(_heading(scene))
        if self._find_room():
            self._keep_what_stays()
        self._canvas.restore_region(self._background)
        for artist in (*self._slate.changing, *self._figure.axes[1:], self._title):
            self._figure.draw_artist(artist)
        return np.asarray(self._canvas.buffer_rgba())[:, :, :3].copy()

    def _begin(self, scene: Scene, *, has_state: bool) -> None:
        """Makes a figure for steps like this one."""
        self._figure = self._new_figure(figsize=(8, 4), dpi=100)
        self._canvas = self._new_canvas(self._figure)
        self._title = self._figure.suptitle("", fontsize=9, x=0.01, horizontalalignment="left")
        self._state: Any = None
        self._labels: list[object] = []
        if has_state:
            axes, self._state = self._figure.subplots(1, 2, width_ratios=(5, 4))
            self._slate = _SlateArtists(axes, scene, _NARROW)
        else:
            self._slate = _SlateArtists(self._figure.subplots(), scene, _WIDE)

    def _find_room(self) -> bool:
        """Lets the figure find room where labels take another than in the last step.

        Of ticks that depends on what is written there, of all else on the number of lines alone.

        Returns:
          whether anything moved.
        """
        labels: list[object] = [self._title.get_text().count("\n")]
        for axes in self._figure.axes[1:]:
            ticks = [*axes.get_xticklabels(), *axes.get_yticklabels()]
            labels += [text.get_text() for text in ticks]
            named = [axes.xaxis.label, axes.yaxis.label, axes.title, axes._left_title]
            labels += [len(text.get_text().splitlines()) for text in named]
        if labels == self._labels:
            return False
        self._figure.set_layout_engine("constrained")
        self._figure.get_layout_engine().execute(self._figure)
        self._figure.set_layout_engine("none")
        self._labels = labels
        return True

    def _keep_what_stays(self) -> None:
        """Draws what does not change from step to step, and keeps it as the background."""
        changing = [*self._slate.changing, *self._figure.axes[1:], self._title]
        for artist in changing:
            artist.set_visible(False)
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(self._figure.bbox)
        for artist in changing:
            artist.set_visible(True)


class _SlateArtists:
    """What was shown, how likely a click was, and what was clicked, as artists that change.

    Args:
      axes: Matplotlib axes to draw into.
      scene: a step of the scenario.
      n_letters: of what is said of an item that fit.

    Attributes:
      changing: artists that are drawn at every step, in this order.
    """

    def __init__(self, axes: Any, scene: Scene, n_letters: int) -> None:
        places = np.arange(len(scene.shown))
        n_rows = max(3, len(places))  # a single bar would fill the picture
        self._n_letters = n_letters
        self._bars = axes.barh(places, np.zeros(len(places)), height=0.5)
        self._phrases = [axes.text(0.01, p - 0.38, "", fontsize=8, va="center") for p in places]
        axes.set(xlim=(0, 1), ylim=(n_rows - 0.4, -0.6), yticks=places)
        axes.set_yticklabels([f"place {place + 1}" for place in places])
        axes.tick_params(labelsize=8)
        axes.set_xlabel("chance of a click before the choice (blue: clicked)", fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        # Bars, then the lines at their ends, then what is written on them.
        lines = [axes.spines["left"], axes.spines["bottom"]]
        self.changing = [*self._bars, *lines, *self._phrases]

    def show(self, scene: Scene) -> None:
        """Shows another step."""
        chances = np.nan_to_num(scene.probabilities)
        for bar, chance, clicked in zip(self._bars, chances, scene.clicked, strict=True):
            bar.set(width=chance, color="#0072b2" if clicked else "#bbbbbb")
        for text, phrase in zip(self._phrases, scene.shown, strict=True):
            text.set_text(textwrap.shorten(phrase, self._n_letters))


def _heading(scene: Scene) -> str:
    end = ", then leaves" if scene.is_over else ""
    title = f"step {scene.step}: {scene.outcome}{end}" if scene.step else "before the first slate"
    return "\n".join([*textwrap.wrap(scene.user, 115)[:2], *textwrap.wrap(title, 115)[:2]])
