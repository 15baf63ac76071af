"""Every command of the documents works as it is written there, and so do the examples of help.

All are read by the real parser, word for word, and what they name is looked up. A slow test runs
those that are done within minutes, as written, in a folder of their own.
"""

import argparse
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from recsim_env import cli
from recsim_env.agents import agent_class
from recsim_env.cli.comparing import benchmark_settings
from recsim_env.data.movielens import movielens_100k_path
from recsim_env.envs.resolving import scenario_id

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
TABLES = sorted(ROOT.glob("docs/**/*.toml"))
PROGRAMS = ("recsim-env", "make", "pip", "python", ".venv/bin/python", ".ci/run", ".")

# What is not run as written: it takes hours, is run elsewhere, or is no work of ours.
LONG = {
    "recsim-env benchmark --config": "hours; the settings of the file are read",
    "recsim-env benchmark --backend": "tests/benchmark/runs/test_cluster.py has clusters",
    "recsim-env benchmark MusicStreaming --agents linucb popularity": "many minutes; "
    "tests/cli/test_sweeping.py sweeps over less",
    "recsim-env compare": "tests/cli/test_contrasting.py compares folders and files that it makes",
    "recsim-env simulate": "minutes of measuring; tests/benchmark/simulation runs it small",
    "recsim-env ablate": "an hour; tests/benchmark/test_ablation.py runs it small",
    "recsim-env credit Boredom": "minutes; tests/benchmark/test_credit.py runs it small",
    "recsim-env feedback": "minutes; tests/benchmark/test_feedback.py runs it small",
    "recsim-env plot docs/results": "tests/test_pages.py writes these reports elsewhere",
    "recsim-env ope --study": "many minutes; tests/cli/test_judging.py runs it small",
    "recsim-env speed": "tens of minutes of measuring; tests/cli/test_speed.py runs it small",
}
NOT_RUN = {
    "recsim-env": "it names the program only",
    "recsim-env calibrate": "it names the command only",
    "recsim-env credit": "it names the command only",
    "recsim-env export": "it names the command only",
    "recsim-env log": "it names the command only",
    "recsim-env ope": "it names the command only",
    "recsim-env benchmark MusicStreaming --agents linucb rules.py:first_feature": "rules.py is "
    "anybody's own; tests/cli/test_foreign.py runs another",
    "recsim-env plot .": "it stands in the folder of a report, where test_commands.py runs it",
    "recsim-env plot FOLDER": "FOLDER stands for one",
    "recsim-env scenarios NAME": "NAME stands for one",
    "recsim-env agents NAME": "NAME stands for one",
    "recsim-env ablate NAME": "NAME stands for one",
}


def snippets(text):
    """Returns what a page shows as typed: shell blocks, indented blocks and code in a sentence."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    lines += re.findall(r"^    (?=\S)(.*)$", prose, flags=re.MULTILINE)
    lines += [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose)]
    return [line.strip() for line in lines if line.split()[:1] and line.split()[0] in PROGRAMS]


def commented(text):
    """Returns the commands in the comments of a TOML file."""
    lines = re.sub(r"\\\n#\s*", " ", text).splitlines()
    return [line.lstrip("# ") for line in lines if re.match(r"#\s+recsim-env ", line)]


def written():
    """Returns (page, command) for all that the documents show."""
    found = [(page, each) for page in PAGES for each in snippets(page.read_text(encoding="utf-8"))]
    found += [(file, each) for file in TABLES for each in commented(file.read_text("utf-8"))]
    return list(dict.fromkeys((str(page.relative_to(ROOT)), each) for page, each in found))


WRITTEN = written()
OURS = sorted({command for _, command in WRITTEN if command.startswith("recsim-env")})
OTHERS = sorted({command for _, command in WRITTEN if not command.startswith("recsim-env")})


def words_of(command):
    """Returns the words after `recsim-env`, without a comment and what the shell redirects."""
    words = shlex.split(command, comments=True)[1:]
    return words[: words.index(">")] if ">" in words else words


def parsed(words):
    return cli._parser().parse_args(words)


def look_up(options):
    """Raises where scenarios, agents or settings that a command names are not there."""
    if options.run.__name__ == "benchmark":
        benchmark_settings(options)
        return
    if options.run.__name__ == "scenarios" and options.name not in (None, "NAME"):
        scenario_id(options.name)
    if isinstance(getattr(options, "scenario", None), str) and ".py" not in options.scenario:
        scenario_id(options.scenario)
    agents = [getattr(options, "agent", None), *(getattr(options, "agents", None) or ())]
    for name in agents:
        if (
            name
            and name != "all"
            and not name.endswith((".agent", ".zip", ".py"))
            and ":" not in name
        ):
            agent_class(name)


def test_the_documents_are_read_whole():
    """The patterns find every place where a page names a command of ours."""
    commands = "|".join(subcommands())
    for page in PAGES[:2]:
        text = page.read_text(encoding="utf-8")
        mentions = len(re.findall(rf"recsim-env\s+(?:{commands})\b", text))
        found = sum(each.startswith("recsim-env ") for each in snippets(text))
        assert found == mentions, page
    assert len(OURS) >= 30 and len(OTHERS) >= 6


def subcommands():
    actions = cli._parser()._actions
    return next(a for a in actions if isinstance(a, argparse._SubParsersAction)).choices


@pytest.mark.parametrize("command", OURS)
def test_a_command_is_understood_as_written(command, monkeypatch):
    monkeypatch.chdir(ROOT)
    words = words_of(command)
    if len(words) < 2 and command in NOT_RUN:
        assert set(words) <= set(subcommands())
        return
    look_up(parsed(words))


@pytest.mark.parametrize("command", OTHERS)
def test_what_is_not_ours_is_there(command):
    words = shlex.split(command, comments=True)
    if words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
        assert set(words[1:]) <= set(targets)
    elif words[0] == "pip":
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        asked = re.findall(r"\[(.*)\]", words[-1])
        assert words[1] == "install" and set(asked) <= set(extras["optional-dependencies"])
    elif words[0] == ".ci/run":
        assert (ROOT / ".ci" / "run").exists()
    elif "-m" in words and words[words.index("-m") + 1].startswith("recsim_env"):
        module = words[words.index("-m") + 1]
        assert (ROOT / f"{module.replace('.', '/')}.py").exists()


@pytest.mark.parametrize("name", sorted(subcommands()))
def test_help_says_every_option_with_its_default_and_ends_with_examples(name, monkeypatch):
    monkeypatch.chdir(ROOT)
    parser = subcommands()[name]
    text = parser.format_help()
    for action in parser._actions:
        assert action.help, action
        known = action.default not in (None, argparse.SUPPRESS, [])
        if known and not isinstance(action.default, bool):
            assert "(" in parser._get_formatter()._get_help_string(action)
        named = action.option_strings or [action.metavar or action.dest]
        assert all(each in text for each in named)
    _, _, examples = text.partition("examples:\n")
    lines = [line.strip() for line in examples.splitlines()]
    assert lines
    for line in lines:
        assert line.startswith(f"recsim-env {name}")
        look_up(parsed(words_of(line)))


def test_the_examples_of_the_program_are_understood():
    lines = cli._EXAMPLES.splitlines()[1:]
    shown = [re.split(r"\s{2,}", line.strip())[0] for line in lines if line.startswith("  ")]
    assert len(shown) >= 5
    for line in shown:
        look_up(parsed(words_of(line)))


@pytest.mark.slow
def test_commands_run_as_they_are_written(tmp_path):
    """In the order of the pages, in one folder: some go on with what others wrote."""
    pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')
    try:
        ratings = movielens_100k_path()
    except FileNotFoundError:
        pytest.skip("MovieLens-100K was not fetched; make data")
    (tmp_path / "docs").mkdir()
    programs = tmp_path / "bin"
    programs.mkdir()
    program = programs / "recsim-env"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m recsim_env "$@"\n')
    program.chmod(0o755)
    place = os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "RECSIM_ENV_DATA": str(Path(ratings).resolve().parent),
        "PYTHONPATH": str(ROOT),
    }
    with contextlib.chdir(tmp_path):
        write_files()
    once = {tuple(shlex.split(command, comments=True)): command for _, command in WRITTEN}
    run = list(filter(is_run, once.values()))
    assert len(run) >= 9
    for command in run:
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env=place, capture_output=True, timeout=3_600
        )
        assert done.returncode == 0, (command, done.stderr[-2_000:])
    shutil.rmtree(tmp_path)
    print(f"{len(run)} commands run as written: {run}")


def write_files():
    """Writes what pages have written before their commands read it."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    (coffee,) = re.findall(r"```python\n((?:(?!```).)*class CoffeeShop.*?)```", page, re.DOTALL)
    Path("coffee.py").write_text(coffee, encoding="utf-8")
    page = (ROOT / "docs" / "how-to" / "own-log.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(block.partition("log = read_log")[0], "own-log.md", "exec"), {})
    assert Path("clicks.csv").exists() and Path("items.csv").exists()


def is_run(command):
    return (
        command.startswith("recsim-env")
        and command not in NOT_RUN
        and not any(command.startswith(start) for start in LONG)
        and "--out docs/results" not in command
    )
