"""The Python of the website's pages runs as written, each page from its first block to its last."""

import re
import warnings

import gymnasium
import pytest

from tests.checkout import REPOSITORY

pytestmark = pytest.mark.learns

#: Folders whose pages have tests of their own.
ELSEWHERE = ("results", "tutorials", "website")

PAGES = {
    str(page.relative_to(REPOSITORY / "docs")): re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    for page in sorted((REPOSITORY / "docs").rglob("*.md"))
    for text in [page.read_text(encoding="utf-8")]
    if "```python\n" in text and page.relative_to(REPOSITORY / "docs").parts[0] not in ELSEWHERE
}


@pytest.mark.parametrize("name", PAGES)
def test_python_runs_as_written(name, tmp_path, monkeypatch, capsys):
    pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')
    (tmp_path / "docs").symlink_to(REPOSITORY / "docs")  # some read the results that are kept
    monkeypatch.chdir(tmp_path)
    known = set(gymnasium.registry)
    names = {"__name__": "page"}
    try:
        for block in PAGES[name]:
            exec(compile(block, name, "exec"), names)
    except ModuleNotFoundError as error:
        pytest.skip(f"{name} needs {error.name}, which make interop installs")
    finally:
        for each in set(gymnasium.registry) - known:  # other tests list what is registered
            del gymnasium.registry[each]
    has_print = any("print(" in block for block in PAGES[name])
    assert bool(capsys.readouterr().out) >= has_print


def test_the_first_hour_shows_that_learning_pays(tmp_path, monkeypatch, capsys):
    names = {"__name__": "page"}
    for block in PAGES["start/first-hour.md"]:
        exec(compile(block, "first-hour.md", "exec"), names)
    found = {name: each.return_mean for name, each in names["found"].items()}
    assert found["uniform"] + 3 * names["error"] < found["linucb"]


def test_the_made_up_log_is_learned_from(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        for block in PAGES["how-to/own-log.md"]:
            exec(compile(block, "own-log.md", "exec"), {"__name__": "page"})
    last = [line.split() for line in capsys.readouterr().out.splitlines()[-3:]]
    returns = {name: float(value) for name, value in last}
    assert returns["uniform"] < returns["ials"] < returns["oracle"]


def test_pages_beside_the_readme_have_code():
    assert len(PAGES) >= 10
