"""docs/how-to/own-model.md: each library's lines are few, and do what they say."""

import ast
import importlib.util
import re
import warnings

import pytest

from tests.checkout import REPOSITORY

PAGE = (REPOSITORY / "docs" / "how-to" / "own-model.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
SETUP, *OTHERS = BLOCKS

#: What the libraries are installed by, where they are not among the extras.
INSTALLED_BY = {
    "sklearn": "pip install scikit-learn",
    "lenskit": "pip install lenskit",
    "cornac": "pip install cornac",
}

#: What needs files, and an environment of its own.
APART = ("rectools", "recbole")


def needed(block):
    """The libraries, other than ours, that a block imports."""
    nodes = [node for node in ast.walk(ast.parse(block)) if isinstance(node, ast.ImportFrom)]
    names = [node.module for node in nodes]
    names += [
        alias.name
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.Import)
        for alias in node.names
    ]
    return dict.fromkeys(name.partition(".")[0] for name in names)


@pytest.fixture(scope="module")
def names():
    """What the first block makes, which the others use."""
    made = {}
    exec(compile(SETUP, "own-model.md", "exec"), made)
    return made


def test_each_library_takes_at_most_8_lines_to_an_agent():
    assert len(OTHERS) >= 9
    for block in OTHERS:
        lines = block.split("print(")[0].splitlines()
        code = [line for line in lines if line.strip() and "import" not in line]
        assert len(code) <= 8, block


@pytest.mark.parametrize("block", OTHERS, ids=lambda block: "-".join(needed(block)) or "plain")
def test_a_block_makes_an_agent_that_serves(block, names, capsys):
    if set(APART) & set(needed(block)):
        pytest.skip("it needs files, and an environment of its own, which has an older NumPy")
    for library in needed(block):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"needs {INSTALLED_BY.get(library, f'pip install {library}')}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own
        exec(compile(block, "own-model.md", "exec"), dict(names))
    what, _, value = capsys.readouterr().out.strip().rpartition(" ")
    assert what and float(value) > 0.0
