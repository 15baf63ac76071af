"""The Python of the website's pages runs as written, each page from its first block to its last."""

import re

import gymnasium
import pytest

import recsim_env
from tests.checkout import REPOSITORY

pytestmark = pytest.mark.learns

#: What is tested elsewhere, or needs machines.
ELSEWHERE = ("results/", "tutorials/", "website/", "how-to/own-model.md", "cluster.md")

BLOCKS = {
    page.relative_to(REPOSITORY / "docs").as_posix(): re.findall(
        r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL
    )
    for page in sorted((REPOSITORY / "docs").rglob("*.md"))
}
PAGES = {
    name: blocks for name, blocks in BLOCKS.items() if blocks and not name.startswith(ELSEWHERE)
}


def learning_pays(names, lines):
    found = {name: each.return_mean for name, each in names["found"].items()}
    assert found["uniform"] + 3 * names["error"] < found["linucb"]


def the_log_is_learned_from(names, lines):
    returns = {name: float(value) for name, value in map(str.split, lines[-3:])}
    assert returns["uniform"] < returns["ials"] < returns["oracle"]


def the_candidates_are_the_same(names, lines):
    assert lines == ["True"]


def estimates_come_near_the_truth(names, lines):
    values = {line.split()[0]: float(line.split()[1]) for line in lines}
    assert all(line.endswith("True") for line in lines if line.startswith("snips"))
    assert abs(values["ips"] - 0.24) < 0.06


#: What pages say of their numbers.
CLAIMS = {
    "start/first-hour.md": learning_pays,
    "how-to/evaluate-offline.md": estimates_come_near_the_truth,
    "how-to/own-log.md": the_log_is_learned_from,
    "understand/randomness.md": the_candidates_are_the_same,
}


@pytest.mark.parametrize("name", PAGES)
def test_python_runs_as_written(name, tmp_path, monkeypatch, capsys):
    pytest.importorskip("stable_baselines3", reason='needs pip install "recsim-env[agents]"')
    (tmp_path / "docs").symlink_to(REPOSITORY / "docs")  # some read the results that are kept
    monkeypatch.chdir(tmp_path)
    recsim_env.register_all()
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
    lines = capsys.readouterr().out.splitlines()
    assert bool(lines) >= any("print(" in block for block in PAGES[name])
    if name in CLAIMS:
        CLAIMS[name](names, lines)


def test_pages_have_code_and_claims_are_of_pages():
    assert len(PAGES) >= 10 and set(CLAIMS) <= set(PAGES)
