"""Pictures as a film: a GIF by Pillow, or an MP4 by the program ffmpeg where there is one."""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from recsim_env.formats.files import replacing

SUFFIXES = (".gif", ".mp4")

#: Players are made for about so many pictures a second; slower films repeat theirs.
_PLAYED_RATE = 25


def checked_film(path: str | os.PathLike[str]) -> Path:
    """Returns where a film can be written.

    Raises:
      ValueError: another suffix than one of `SUFFIXES`, or .mp4 where there is no ffmpeg.
      ImportError: a GIF without Pillow.
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise ValueError(f"cannot write {path}: its name must end with {' or '.join(SUFFIXES)}")
    if path.suffix == ".mp4" and shutil.which("ffmpeg") is None:
        raise ValueError(
            f"cannot write {path}: the program ffmpeg is not installed; install it, or name a .gif"
        )
    if path.suffix == ".gif" and importlib.util.find_spec("PIL") is None:
        raise ImportError('a .gif needs Pillow: pip install "recsim-env[plots]"')
    return path


def write_film(
    path: str | os.PathLike[str], frames: Iterable[np.ndarray], *, seconds_per_frame: float
) -> None:
    """Writes frames as a film, each as it comes; the file is complete or as it was before.

    Args:
      path: a .gif, which repeats, or .mp4 file; its folder is made.
      frames: (height, width, 3) uint8 pictures of one size, at least one.
      seconds_per_frame: how long each is shown.

    Raises:
      ValueError, ImportError: as of `checked_film`.
      RuntimeError: ffmpeg failed; the message is its own.
    """
    path = checked_film(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft:
        write = _write_gif if path.suffix == ".gif" else _write_mp4
        write(draft, iter(frames), seconds_per_frame)


def _write_gif(path: Path, frames: Iterator[np.ndarray], seconds_per_frame: float) -> None:
    from PIL import Image

    pictures = (Image.fromarray(frame).quantize(128) for frame in frames)
    next(pictures).save(
        path,
        format="gif",
        save_all=True,
        append_images=pictures,
        duration=round(1_000 * seconds_per_frame),
        loop=0,
        optimize=False,
    )


def _write_mp4(path: Path, frames: Iterator[np.ndarray], seconds_per_frame: float) -> None:
    first = next(frames)
    height, width, _ = first.shape
    given = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}"]
    given += ["-r", f"{1 / seconds_per_frame:.6f}", "-i", "-"]
    # Players want even sizes, and this form of colour.
    made = ["-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p"]
    made += ["-r", str(_PLAYED_RATE), "-movflags", "+faststart", "-f", "mp4", str(path)]
    command = ["ffmpeg", "-loglevel", "error", "-nostdin", "-y", *given, *made]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdin is not None and program.stderr is not None
        try:
            for frame in itertools.chain([first], frames):
                program.stdin.write(np.ascontiguousarray(frame).tobytes())
            program.stdin.close()
        except BrokenPipeError:
            pass  # what it says follows
        said = program.stderr.read().decode(errors="replace")
    if program.returncode:
        raise RuntimeError(f"ffmpeg could not write the film: {said.strip()[-500:]}; name a .gif")
