"""A user's mistake, a disk's, and one of a program are told apart."""

import errno

import numpy as np
import pytest

from recsim_env import cli
from recsim_env.agents.references.uniform import Uniform
from recsim_env.cli.faults import fault_of
from recsim_env.inputs.spelling import whole_number


def caught(call, *arguments, **names):
    try:
        call(*arguments, **names)
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def run_as_ours(source, **names):
    """Runs a few lines as if they stood in a module of this project."""
    exec(compile(source, "ours.py", "exec"), {"__name__": "recsim_env.ours", **names})


def test_what_a_raise_of_ours_says_is_a_wrong_request():
    fault = fault_of(caught(whole_number, "x"))
    assert fault.status == 2
    assert fault.message.startswith("'x' is not a whole number")
    fault = fault_of(caught(run_as_ours, "raise RuntimeError('no\\n network')"))
    assert fault == ("no network", 1)


@pytest.mark.parametrize(
    "source",
    [
        "int('x')",
        "None + 1",
        "[][0]",
        "{}['key']",
        "np.zeros(3) + np.zeros(4)",
        "list(zip([1], [], strict=True))",
        "a, b = 1, 2, 3",
        "assert False",
        "raise KeyError('key')",
    ],
)
def test_what_python_or_a_library_says_in_our_code_is_a_fault_of_ours(source):
    fault = fault_of(caught(run_as_ours, source, np=np))
    assert fault.status == 1
    assert "(ours.py, line 1); a fault of recsim-env, unless" in fault.message


@pytest.mark.parametrize(
    ("error", "said", "status"),
    [
        (MemoryError(), "not enough memory for this; ask for less", 1),
        (MemoryError("12 TiB"), "not enough memory for this (12 TiB)", 1),
        (OSError(errno.ENOSPC, "No space left on device", "x.csv"), "device; make room", 1),
        (OSError(errno.EIO, "Input/output error"), "standard output, or a file in use: Input", 1),
        (PermissionError(errno.EACCES, "Permission denied", "x"), "x: Permission denied; name", 2),
        (FileNotFoundError(errno.ENOENT, "No such file", "a", None, "b"), "a -> b: No such", 2),
        (UnicodeEncodeError("utf-8", "é\udcc3", 1, 2, "surrogates not allowed"), "no text here", 2),
    ],
)
def test_memory_and_files_speak_for_themselves(error, said, status):
    fault = fault_of(error)
    assert said in fault.message
    assert fault.status == status


def test_a_fault_of_ours_is_reported_and_with_traceback_shown(capsys, monkeypatch):
    def broken(*arguments, **settings):
        return np.zeros(3) + np.zeros(4)

    monkeypatch.setattr(Uniform, "recommend", broken)
    assert cli.main(["run", "BernoulliBandit"]) == 1
    assert "operands could not be broadcast" in capsys.readouterr().err
    for arguments in (["--traceback", "run", "Boredom"], ["run", "Boredom", "--traceback"]):
        with pytest.raises(ValueError, match="broadcast"):
            cli.main(arguments)


def test_a_mistake_in_a_class_of_ones_own_says_where(capsys, monkeypatch):
    def own(*arguments, **settings):
        return {}["key"]

    monkeypatch.setattr(Uniform, "recommend", own)
    assert cli.main(["run", "BernoulliBandit"]) == 1
    said = capsys.readouterr().err
    assert "KeyError: 'key' (test_faults.py, line" in said
    assert "a fault of recsim-env" not in said
