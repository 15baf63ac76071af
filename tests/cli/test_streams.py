"""Output goes to terminals of any encoding, and what cannot take it is told in one line."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from recsim_env.cli import process

pytestmark = pytest.mark.processes

COMMAND = f"{sys.executable} -m recsim_env"


def ended(shell, **environment):
    """Returns how a line of the shell ends, in which `recsim-env` is this project's command."""
    line = shell.replace("recsim-env", COMMAND)
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        env=os.environ | {"PYTHONUNBUFFERED": ""} | environment,
        timeout=120,
    )


WAYS = [
    ("recsim-env --help >/dev/full", 1, b"No space left on device"),
    ("recsim-env run --help >/dev/full", 1, b"No space left on device"),
    ("recsim-env nothing >/dev/full", 2, b"'nothing' is unknown"),
    ("recsim-env nothing 2>/dev/full", 2, b""),
    ("recsim-env nothing >/dev/full 2>&1", 2, b""),
    ("recsim-env --version >&-", 2, b"standard output is closed"),
    ("recsim-env --version 2>&-", 0, b""),
    ("recsim-env nothing 2>&-", 2, b""),
    ("recsim-env --version <&-", 0, b""),
    ("recsim-env --version >&- 2>&- <&-", 2, b""),
    ("recsim-env --help | true; exit ${PIPESTATUS[0]}", 141, b""),
]


def check_way(shell, status, said, **environment):
    done = ended(shell, **environment)
    if status == 141 and done.returncode == 0:
        return  # it was done before the reader left
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    assert done.stderr.count(b"\n") == (1 if said else 0), done.stderr


@pytest.mark.parametrize("way", [WAYS[0], WAYS[3], WAYS[5]], ids=lambda way: way[0])
def test_output_that_cannot_be_written_is_told(way):
    check_way(*way)


@pytest.mark.slow
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way[0])
def test_no_stream_that_is_full_or_closed_makes_a_traceback(way, unbuffered):
    check_way(*way, PYTHONUNBUFFERED=unbuffered)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp932", "latin-1", "utf-16", "utf-8"])
def test_any_text_is_written_in_any_encoding(encoding, monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    process.take_any_text()
    text = "−0.78 ± 3 × 10² … Györgyfalvy 🙂 \udcff"
    print(text, flush=True)
    written = raw.getvalue().decode(encoding)
    if encoding == "ascii":
        assert written == "-0.78 +- 3 x 10^2 ... Gy\\xf6rgyfalvy \\U0001f642 \\udcff\n"
    assert written.rstrip().endswith("\\udcff")
    assert all(sign in written for sign in ("0.78", "3", "10", "rgyfalvy"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "cp932"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=str,
)
def test_pages_are_printed_on_any_terminal(environment):
    for page in ("scenarios NewsFeed", "agents ucb", "agents Györgyfalvy"):
        done = ended(f"recsim-env {page}", **environment)
        assert done.returncode == (2 if "Gy" in page else 0), done.stderr
        assert b"Traceback" not in done.stderr


@pytest.mark.slow
def test_files_are_read_and_written_as_utf_8_whatever_the_place(tmp_path):
    """Also where the name of the folder is not ASCII, and Python says where UTF-8 is not named."""
    place = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    folder = tmp_path / "café"
    folder.mkdir()
    config = folder / "config.toml"
    config.write_text('# café\nseeds = 1\n[agents."é"]\nagent = "ucb"\n', encoding="utf-8")
    command = "recsim-env benchmark BernoulliBandit --config config.toml --out résultats"
    command += " --interactions 64 --bins 2 --checkpoints 1 --episodes 4 --jobs 1"
    done = ended(f"cd {folder} && {command}", **place, PYTHONWARNDEFAULTENCODING="1")
    assert done.returncode == 0, done.stderr
    warned = [line for line in done.stderr.splitlines() if b"EncodingWarning" in line]
    assert not [line for line in warned if b"site-packages" not in line], done.stderr
    report = Path(folder / "résultats" / "report.md").read_text(encoding="utf-8")
    assert "é" in report
