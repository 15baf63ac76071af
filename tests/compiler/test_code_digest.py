"""A digest of code changes with what the code does, and with nothing else."""

import sys
import types

import numpy as np
import pytest

from recsim_env.compiler.code_digest import code_digest

SCRIPT = """
import numpy as np
import math
from dataclasses import dataclass
PRICES = np.array([1.0, 2.0])
UNREAD = 1
class Fares:
    night: float = 2.0
    @staticmethod
    def fare(value): return 3.0 * value
def helper(value): return [PRICES[i] * value for i in range(2)]
def paid(own_reward, scale=4.0): return math.exp(Fares.fare(own_reward)) + scale
class Shop:
    served = staticmethod(paid)
    def respond(self): return helper(5.0)
"""


def digest_in(script, name, monkeypatch):
    """Returns the digest of what a script, as typed into a notebook, calls by a name."""
    module = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    exec(compile(script, "<typed>", "exec"), module.__dict__)
    return code_digest(getattr(module, name))


@pytest.mark.parametrize(
    ("name", "edit", "changes"),
    [
        ("paid", ("3.0", "3.5"), True),
        ("paid", ("4.0", "4.5"), True),
        ("paid", ("night: float", "night: int"), True),
        ("paid", ("math.exp", "math.sin"), True),
        ("paid", ("[1.0", "[1.5"), False),
        ("helper", ("[1.0", "[1.5"), True),
        ("Shop", ("[1.0", "[1.5"), True),
        ("Shop", ("5.0", "5.5"), True),
        ("Shop", ("4.0", "4.5"), True),
        ("Shop", ("UNREAD = 1", "UNREAD = 2"), False),
    ],
)
def test_typed_code_changes_with_what_it_reaches(name, edit, changes, monkeypatch):
    before, again, after = (
        digest_in(script, name, monkeypatch) for script in (SCRIPT, SCRIPT, SCRIPT.replace(*edit))
    )
    assert before == again
    assert (before != after) == changes


def test_code_that_names_itself_and_installed_packages_has_one():
    def odd(n):
        return n > 0 and even(n - 1)

    def even(n):
        return n == 0 or odd(n - 1) or bool(np.sum(pytest.approx))

    assert code_digest(odd) == code_digest(odd) != code_digest(even)
