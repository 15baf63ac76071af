"""Films hold every picture, in order, and are whole or absent."""

import shutil
import subprocess

import numpy as np
import pytest

from recsim_env.formats.video import checked_film, write_film

Image = pytest.importorskip("PIL.Image", reason='needs pip install "recsim-env[plots]"')


def frames(n=4):
    for grey in np.linspace(0, 255, n):
        yield np.full((40, 61, 3), grey, np.uint8)


def test_a_gif_has_every_frame_for_its_time(tmp_path):
    file = tmp_path / "new" / "film.gif"
    write_film(file, frames(), seconds_per_frame=0.5)
    with Image.open(file) as film:
        assert film.n_frames == 4
        greys = []
        for number in range(4):
            film.seek(number)
            assert film.info["duration"] == 500
            greys.append(np.asarray(film.convert("RGB")).mean())
    assert greys == pytest.approx([0, 85, 170, 255], abs=1)


def test_a_frame_that_fails_leaves_what_was_there(tmp_path):
    file = tmp_path / "film.gif"
    file.write_bytes(b"mine")

    def failing():
        yield from frames(2)
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        write_film(file, failing(), seconds_per_frame=1.0)
    assert file.read_bytes() == b"mine"
    assert [path.name for path in tmp_path.iterdir()] == ["film.gif"]


def test_other_names_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must end with \.gif or \.mp4"):
        checked_film(tmp_path / "film.avi")


def test_an_mp4_without_ffmpeg_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ValueError, match="ffmpeg is not installed; install it, or name a .gif"):
        write_film(tmp_path / "film.mp4", frames(), seconds_per_frame=1.0)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_an_mp4_lasts_as_long_as_its_frames(tmp_path):
    write_film(tmp_path / "film.mp4", frames(), seconds_per_frame=0.5)
    asked = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"]
    said = subprocess.run([*asked, tmp_path / "film.mp4"], capture_output=True, text=True).stdout
    assert float(said) == pytest.approx(2.0, abs=0.1)


def test_what_ffmpeg_says_is_told(tmp_path, monkeypatch):
    program = tmp_path / "ffmpeg"
    program.write_text("#!/bin/sh\necho 'no such codec' >&2\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(RuntimeError, match="no such codec; name a .gif"):
        write_film(tmp_path / "film.mp4", frames(), seconds_per_frame=1.0)
    assert not (tmp_path / "film.mp4").exists()
