"""What tests of commands share."""

import pytest


@pytest.fixture
def undrawn(monkeypatch):
    """Lets `benchmark` write and print its table alone: a report takes longer than small runs."""
    monkeypatch.setattr("recsim_env.cli.comparing._write_report", lambda folder: None)
