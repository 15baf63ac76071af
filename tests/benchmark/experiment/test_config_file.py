"""A file that is written reads back to the same settings, and explains each of its keys."""

import dataclasses
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsim_env.benchmark import BenchmarkSettings
from recsim_env.benchmark.experiment.config_file import config_text, meanings_of_keys
from recsim_env.benchmark.experiment.toml_file import as_key, as_value
from recsim_env.cli.pages import benchmark_keys
from tests.checkout import REPOSITORY

VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('a "\\.\n-', max_size=5), inner),
    max_leaves=5,
)


@given(VALUES)
def test_any_value_reads_back(value):
    assert tomllib.loads(f"key = {as_value(value)}")["key"] == value


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_name_is_a_key(name):
    assert tomllib.loads(f"{as_key(name)} = 1") == {name: 1}


def test_what_has_no_way_into_a_file_is_named():
    settings = BenchmarkSettings.create(scenarios={"Boredom": {"reward": len}})
    with pytest.raises(ValueError, match="Boredom-v0: a file of settings has no way to write"):
        config_text(settings)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"seeds": [3, 7], "jobs": 2, "interactions": 1_000_000, "agents": []},
        {
            "scenarios": {
                "NewsFeed": {},
                'a "month"\\': {"scenario": "MusicStreaming", "n_days": 30, "reward": "clicks"},
            },
            "agents": {"linucb": {"alpha": 1e-5}, "blind": {"agent": "linucb", "context": False}},
            "sweep": {"n_candidates": [10, 20], "agent.blind.alpha": [0.1, 1.0]},
        },
    ],
)
def test_settings_read_back_equal(given, tmp_path):
    settings = BenchmarkSettings.create(**given)
    file = tmp_path / "benchmark.toml"
    file.write_text(config_text(settings, head="What it is.\n\nMore."), encoding="utf-8")
    assert BenchmarkSettings.from_toml(file) == settings
    assert file.read_text(encoding="utf-8").startswith("# What it is.\n#\n# More.\n\n# ")


def test_every_key_has_a_meaning_with_its_default():
    said = meanings_of_keys()
    for field in dataclasses.fields(BenchmarkSettings):
        assert said[field.name], field.name
        if isinstance(field.default, bool):
            assert f"({as_value(field.default)})" in said[field.name]
        elif isinstance(field.default, int):
            assert f"({field.default:,})" in said[field.name]


def test_the_page_lists_every_key():
    page = (REPOSITORY / "docs/reference/benchmark-file.md").read_text(encoding="utf-8")
    assert f"<!-- keys -->\n{benchmark_keys()}\n<!-- /keys -->" in page
