"""Whoever lacks a framework is told how to install it."""

import importlib
import importlib.util

import pytest

pytest.importorskip("torch", reason='needs pip install "recsim-env[agents]"')


@pytest.mark.parametrize(
    ("name", "framework", "install"),
    [
        ("torchrl", "torchrl", "pip install torchrl"),
        ("rllib", "ray", 'pip install "ray[rllib]"'),
        ("tianshou", "tianshou", "pip install tianshou"),
    ],
)
def test_a_missing_framework_is_named_with_the_remedy(name, framework, install):
    if importlib.util.find_spec(framework) is not None:
        pytest.skip(f"{framework} is installed")
    with pytest.raises(ImportError, match="is not installed; install it with") as raised:
        importlib.import_module(f"recsim_env.agents.frameworks.{name}")
    assert install in str(raised.value)
