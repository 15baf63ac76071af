"""What is missing is named with its remedy; what is broken is not called missing."""

import sys

import pytest

from recsim_env.agents.core.requirements import extra


def test_a_missing_library_is_named_with_its_remedy(monkeypatch, tmp_path):
    (tmp_path / "needing.py").write_text("import some_library_nobody_has", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    remedy = r'An agent needs some_library_nobody_has, .*; pip install "recsim-env\[agents\]"'
    with pytest.raises(ImportError, match=remedy):
        extra("needing", needed_by="An agent")
    assert "needing" not in sys.modules


def test_a_broken_library_speaks_for_itself(monkeypatch, tmp_path):
    broken = "raise ImportError('libsomething.so: cannot open shared object file')"
    (tmp_path / "broken_library.py").write_text(broken, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match=r"^libsomething.so: cannot open shared object file$"):
        extra("broken_library", needed_by="An agent")
