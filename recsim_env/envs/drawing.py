"""One step as a picture: what was shown, what was clicked, and the person's true state.

Most of the time of a picture is Matplotlib's: making axes, finding room for their labels, and
writing text. A `StepPainter` therefore keeps its figure from one step to the next, with a picture
of what stays in it, draws what differs over that, and looks for room again only where labels beside
the axes take another. What differs and is text is written by Pillow, in Matplotlib's font and at
its places, which takes a tenth of the time.
"""

import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from recsim_env.envs.render import Scene, view_of

_WIDE, _NARROW = 90, 55
"""Letters of what is said of an item, alone and beside the state."""

_DPI = 100

_LINE, _BASELINE = 1.2, 0.8
"""Height of a line in sizes of its font, and how far down it the letters stand."""


class StepPainter:
    """Draws one step after the other of one scenario.

    Raises:
      ImportError: Matplotlib is missing.
    """

    def __init__(self) -> None:
        try:
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure
            from matplotlib.text import Text
        except ImportError as error:
            raise ImportError(
                'render_mode="rgb_array" needs Matplotlib: pip install "recsim-env[plots]"'
            ) from error
        self._new_figure, self._new_canvas, self._text_type = Figure, FigureCanvasAgg, Text
        self._figure: Any = None
        self._update: Any = None
        self._pen = _Pen(_DPI)

    def draw(self, scene: Scene) -> np.ndarray:
        """Returns the step as a (400, 800, 3) uint8 picture."""
        draw_state = getattr(view_of(scene.scenario), "draw_state", None)
        if self._figure is None or (self._update is None and len(self._figure.axes) > 2):
            self._begin(scene, draw_state)  # axes that a view added would stay, and pile up
        elif draw_state is not None and self._update is None:
            self._state.clear()
            draw_state(scene.scenario, self._state, scene.state, scene.items)
        self._slate.show(scene)
        self._title.set_text(_heading(scene))
        changing = [*self._slate.changing, *self._changing_state(scene), self._title]
        if self._takes_other_room():
            self._keep_what_stays(changing)
        self._canvas.restore_region(self._background)
        texts = [artist for artist in changing if isinstance(artist, self._text_type)]
        for artist in changing:
            if artist not in texts:
                self._figure.draw_artist(artist)
        return self._pen.write(np.asarray(self._canvas.buffer_rgba()), texts)

    def _begin(self, scene: Scene, draw_state: Callable[..., Any] | None) -> None:
        """Makes a figure for steps like this one."""
        self._figure = self._new_figure(figsize=(8, 4), dpi=_DPI)
        self._canvas = self._new_canvas(self._figure)
        self._title = self._figure.suptitle("", fontsize=9, x=0.01, horizontalalignment="left")
        self._state: Any = None
        self._room: list[object] = []
        if draw_state is not None:
            axes, self._state = self._figure.subplots(1, 2, width_ratios=(5, 4))
            self._slate = _SlateArtists(axes, scene, _NARROW)
            self._update = draw_state(scene.scenario, self._state, scene.state, scene.items)
        else:
            self._slate = _SlateArtists(self._figure.subplots(), scene, _WIDE)

    def _changing_state(self, scene: Scene) -> Sequence[Any]:
        """Returns what differs from step to step beside the slate, as it is in this step."""
        if self._update is None:
            return tuple(self._figure.axes[1:])
        return tuple(self._update(scene.state, scene.items))

    def _takes_other_room(self) -> bool:
        """Returns whether what stays in the picture must be drawn anew.

        Of ticks that depends on what is written there, of all else on the number of lines alone.
        """
        room: list[object] = [self._title.get_text().count("\n")]
        for axes in self._figure.axes[1:]:
            if self._update is None:
                ticks = [*axes.get_xticklabels(), *axes.get_yticklabels()]
                room += [text.get_text() for text in ticks]
            else:
                room += [axes.get_xlim(), axes.get_ylim()]
            named = [axes.xaxis.label, axes.yaxis.label, axes.title, axes._left_title]
            room += [len(text.get_text().splitlines()) for text in named]
        is_other, self._room = room != self._room, room
        return is_other

    def _keep_what_stays(self, changing: Sequence[Any]) -> None:
        """Finds room for everything, and keeps a picture of what does not change with steps."""
        self._figure.set_layout_engine("constrained")
        self._figure.get_layout_engine().execute(self._figure)
        self._figure.set_layout_engine("none")
        for artist in changing:
            artist.set_animated(True)  # takes room, and is drawn only when asked
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(self._figure.bbox)


class _Pen:
    """Writes Matplotlib's texts with Pillow.

    Args:
      dpi: of the figure whose texts they are.
    """

    def __init__(self, dpi: float) -> None:
        from matplotlib.font_manager import findfont
        from PIL import ImageFont

        self._path, self._dpi = findfont("DejaVu Sans"), dpi
        self._fonts: dict[float, ImageFont.FreeTypeFont] = {}

    def write(self, picture: np.ndarray, texts: Sequence[Any]) -> np.ndarray:
        """Returns the (height, width, 4) picture without its fourth part, with texts on it.

        Lines are placed by their font's height, where Matplotlib measures their letters.
        """
        from matplotlib.colors import to_hex
        from PIL import Image, ImageDraw

        image = Image.fromarray(picture[:, :, :3])
        drawing = ImageDraw.Draw(image)
        for text in texts:
            x, y = text.get_transform().transform(text.get_unitless_position())
            size = text.get_fontsize() * self._dpi / 72.0
            font = self._font(size)
            lines = text.get_text().split("\n")
            above = {"top": 0.0, "center": 0.5}.get(text.get_verticalalignment(), 1.0)
            top = len(picture) - y - above * len(lines) * _LINE * size
            anchor = {"left": "ls", "center": "ms"}.get(text.get_horizontalalignment(), "rs")
            for row, line in enumerate(lines):
                baseline = top + (row + _BASELINE) * _LINE * size
                drawing.text((x, baseline), line, to_hex(text.get_color()), font, anchor)
        return np.array(image)

    def _font(self, size: float) -> Any:
        from PIL import ImageFont

        if size not in self._fonts:
            self._fonts[size] = ImageFont.truetype(self._path, size)
        return self._fonts[size]


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
    """Returns who it is and what happened, in three lines at least: more take other room."""
    end = ", then leaves" if scene.is_over else ""
    title = f"step {scene.step}: {scene.outcome}{end}" if scene.step else "before the first slate"
    lines = [*textwrap.wrap(scene.user, 115)[:2], *textwrap.wrap(title, 115)[:2]]
    return "\n".join(lines + [""] * (3 - len(lines)))
