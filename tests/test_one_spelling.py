"""Each tool names a file once: the links in `recsim_env/` show some of them a second time."""

import io
import json
import subprocess
import sys

import pytest
from mypy.config_parser import parse_config_file
from mypy.find_sources import create_source_list
from mypy.options import Options

from tests.checkout import REPOSITORY, module_files

pytestmark = pytest.mark.processes

SPELLED = {str(file.relative_to(REPOSITORY)) for file in module_files().values()}
BESIDE = {
    str(file.relative_to(REPOSITORY))
    for folder in ("docs", "examples", "tests")
    for file in (REPOSITORY / folder).rglob("*.py")
}
#: Files to copy, whose libraries mypy does not find, and what measured kept results.
COPIED = {
    file for file in BESIDE if file.startswith(("docs/how-to/", "docs/results/", "examples/"))
}


def said(*command):
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_ruff_checks_each_file_once():
    prefix = f"{REPOSITORY}/"
    files = [
        line.removeprefix(prefix) for line in said("ruff", "check", "--show-files").split("\n")
    ]
    assert sorted(file for file in files if file.endswith(".py")) == sorted(SPELLED | BESIDE)


def test_mypy_checks_each_file_once_by_the_name_of_its_module(monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    options = Options()
    parse_config_file(options, lambda: None, "pyproject.toml", io.StringIO(), io.StringIO())
    sources = create_source_list(options.files, options)
    files = [
        str((REPOSITORY / source.path).resolve().relative_to(REPOSITORY)) for source in sources
    ]
    assert sorted(files) == sorted((SPELLED | BESIDE) - COPIED)
    assert {source.module for source in sources} >= set(module_files())


def test_make_check_respells_what_mypy_says():
    recipe = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    (respell,) = [line.split("| ")[1] for line in recipe.split("\n") if "/mypy |" in line]
    for name, spelled in (
        ("recsim_env/agents/core/agent.py", "agents/core/agent.py"),
        ("recsim_env/core/scenario.py", "recsim_env/core/scenario.py"),
    ):
        done = subprocess.run(
            ["bash", "-c", respell.replace("$$", "$")],
            input=f"{name}:1: error: recsim_env/agents/\n",
            capture_output=True,
            text=True,
        )
        assert done.stdout == f"{spelled}:1: error: recsim_env/agents/\n"


def test_coverage_lists_each_file_once(tmp_path):
    data = f"--data-file={tmp_path / 'coverage'}"
    said("coverage", "run", data, "-m", "recsim_env", "agents")
    said("coverage", "json", data, "-o", str(tmp_path / "report.json"))
    files = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["files"]
    assert {name for name in SPELLED if (REPOSITORY / name).stat().st_size} <= {*files} <= SPELLED


def test_pytest_collects_no_file_through_a_link(request):
    through = {str(item.path) for item in request.session.items if item.path != item.path.resolve()}
    assert not through
    assert not [path for path in (REPOSITORY / "tests").rglob("*") if path.is_symlink()]
    assert request.config.getini("testpaths") == ["tests"]
