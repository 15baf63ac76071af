"""Numbers are read as people write them, and misspelt names are answered with the nearest."""

import argparse

import pytest

from recsim_env.agents import AGENTS
from recsim_env.cli.arguments import count, jobs, seed
from recsim_env.envs.registry import ENVIRONMENTS
from recsim_env.inputs.spelling import did_you_mean, whole_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5000", 5_000),
        ("5_000", 5_000),
        ("5,000", 5_000),
        ("1,234,567", 1_234_567),
        ("1e5", 100_000),
        ("1E+5", 100_000),
        ("1.5e3", 1_500),
        ("100k", 100_000),
        ("100K", 100_000),
        ("1.5k", 1_500),
        ("2M", 2_000_000),
        (" 7 ", 7),
        ("7.0", 7),
        ("+7", 7),
        ("1000e-3", 1),
        (str(2**63 - 1), 2**63 - 1),
    ],
)
def test_whole_numbers_are_read_as_people_write_them(text, number):
    assert whole_number(text) == count(text) == seed(text) == number
    assert whole_number(f"-{text.strip().lstrip('+')}") == -number


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "1.5", "-3", "0", "nan", "inf", "1e400", "1e9999", "1e99999", "5,00", "1,5"),
        *("0,500", "5_", "_5", "5__0", "1,0000", "5 000", "5k5", "1e5k", "5kk", "1.0001k", "0x10"),
        *("1" * 5000, "1." + "0" * 40 + "1", str(2**63), "--5", "5%", "1/2", "5\0", "True", "five"),
        *("５", "None", "1_000,000", "-", "+", ".", "e5", "k"),
    ],
)
def test_other_texts_are_no_count(text):
    with pytest.raises(argparse.ArgumentTypeError, match=r"is not a whole number"):
        count(text)


def test_jobs_are_minus_one_or_a_count():
    assert [jobs(text) for text in ("-1", "1", "4")] == [-1, 1, 4]
    for text in ("0", "-2", "1.5", "", "1e9"):
        with pytest.raises(argparse.ArgumentTypeError):
            jobs(text)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("musicstreaming", "MusicStreaming-v0"),
        ("MUSICSTREAMING-V0", "MusicStreaming-v0"),
        ("music_streaming", "MusicStreaming-v0"),
        ("MusicStreaming-v7", "MusicStreaming-v0"),
        ("recsim_env/musicstreaming", "MusicStreaming-v0"),
        ("Musicstreming", "MusicStreaming-v0"),
        ("LinUCB", "linucb"),
        ("lin-ucb", "linucb"),
        ("Far Sighted", "far_sighted"),
        ("pop", "popularity"),
        ("thomson", "thompson"),
    ],
)
def test_a_name_that_is_nearly_known_is_proposed(name, meant):
    known = [*ENVIRONMENTS, *AGENTS]
    assert did_you_mean(name, known) == f"; did you mean {meant!r}?"


@pytest.mark.parametrize("name", ["", "x", "Nowhere", "n" * 10_000, 5, None, "🙂"])
def test_nothing_is_proposed_where_nothing_is_near(name):
    assert did_you_mean(name, [*ENVIRONMENTS, *AGENTS]) == ""
    assert did_you_mean("linucb", []) == ""
