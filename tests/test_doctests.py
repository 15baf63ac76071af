"""The examples in docstrings say what comes out."""

import doctest
import importlib

import pytest

from tests.checkout import module_files

WITH_EXAMPLES = [
    name for name, file in module_files().items() if ">>> " in file.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted and not found.failed


def test_there_are_examples():
    assert len(WITH_EXAMPLES) >= 11
