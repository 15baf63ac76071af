"""What the documents import is public, and all that is said to be public is there."""

import ast
import fnmatch
import importlib
import re

import pytest

from docs.website.api import listed, public_names
from tests.checkout import REPOSITORY, module_files

PAGES = [REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md")]
PAGES += sorted((REPOSITORY / "docs").rglob("*.md"))

#: Public modules; some stand for all that match them.
LISTED = listed(REPOSITORY)


def imports(page):
    """Pairs of module and name, of which every block of Python imports ours."""
    for block in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "recsim_env":
                yield from ((node.module, alias.name) for alias in node.names)


def is_public(module, name):
    if module in LISTED:
        return name in public_names(module)
    is_file = any(fnmatch.fnmatchcase(module, pattern) for pattern in LISTED)
    kind = getattr(importlib.import_module(module), name, None) if is_file else None
    stem = module.rpartition(".")[2].replace("_", "")
    return getattr(kind, "__module__", None) == module and name.lower() == stem


def test_documents_import_public_names_only():
    found = {each for page in PAGES for each in imports(page)}
    assert len(found) >= 8
    assert {each for each in found if not is_public(*each)} == set()


@pytest.mark.parametrize("name", LISTED)
def test_what_is_listed_is_there(name):
    if "*" in name:
        assert fnmatch.filter(module_files(), name)
        return
    names = public_names(name)
    module = importlib.import_module(name)
    assert names and [each for each in names if not hasattr(module, each)] == []


def test_what_is_private_is_told_from_it():
    assert is_public("recsim_env.core.choice", "multinomial_logit")
    assert is_public("recsim_env.scenarios.news_feed", "NewsFeed")
    assert not is_public("recsim_env.core.choice", "RESPONSE_FIELDS_")
    assert not is_public("recsim_env.scenarios.news_feed", "NewsCalendar")
    assert not is_public("recsim_env.engine.simulator", "Simulator")
