"""Bars show on terminals and in notebooks, and nowhere else."""

import io
import sys
import types

import pytest

from recsim_env.progress import is_notebook, progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def printed(monkeypatch, stream, **about):
    monkeypatch.setattr(sys, "stderr", stream)
    with progress(total=3, unit="step", **about) as bar:
        bar.update(3)
    return stream.getvalue()


@pytest.fixture
def notebook(monkeypatch):
    """As if this were a kernel, without ipywidgets."""
    shell = types.SimpleNamespace(config={"IPKernelApp": {}})
    known = types.SimpleNamespace(get_ipython=lambda: shell, version_info=(9,), display=None)
    monkeypatch.setitem(sys.modules, "IPython", known)


def test_a_bar_is_for_a_terminal(monkeypatch):
    assert not is_notebook()
    assert "3/3" in printed(monkeypatch, Terminal())
    assert printed(monkeypatch, io.StringIO()) == ""
    assert printed(monkeypatch, Terminal(), shown=False) == ""


def test_a_notebook_is_told_apart_and_shows_a_bar(monkeypatch, notebook):
    assert is_notebook()
    assert "3/3" in printed(monkeypatch, io.StringIO())
    assert printed(monkeypatch, io.StringIO(), shown=False) == ""


def test_tqdm_s_own_variable_keeps_bars_away(monkeypatch, notebook):
    monkeypatch.setenv("TQDM_DISABLE", "1")
    assert printed(monkeypatch, io.StringIO()) == ""
