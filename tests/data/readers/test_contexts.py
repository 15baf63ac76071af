"""Columns become contexts, as do hour and weekday."""

import pytest

from recsim_env.data import read_log

ROWS = """user,item,click,device,hour,time
1,a,1,phone,9,2024-01-01 10:30:00
1,b,0,phone,9,2024-01-01 10:31:00
2,a,1,,21,2024-01-07 23:59:59
"""


def contexts(log):
    return {
        name: [labels[code] for code in log.context[:, k]]
        for k, (name, labels) in enumerate(log.context_labels.items())
    }


def test_contexts_are_read_said_and_kept_with_what_was_not_clicked(tmp_path):
    (tmp_path / "log.csv").write_text(ROWS)
    log = read_log(tmp_path / "log.csv", context="device,hour,weekday")
    assert contexts(log) == {
        "device": ["phone", "unknown"],
        "hour": ["9", "21"],
        "weekday": ["Monday", "Sunday"],
    }
    assert log.impressions.context[:, 0].tolist() == [0, 0, 1]
    told = str(log.reading)
    assert "context from 'device' (2 different); context from 'hour' (2 different)" in told
    assert "context from 'weekday' (of the time, UTC)" in told
    told = str(read_log(tmp_path / "log.csv").reading)
    assert "'device', 'hour' may be contexts" in told and "--context device,hour" in told


def test_hours_are_told_by_times_where_no_column_is(tmp_path):
    (tmp_path / "log.csv").write_text(ROWS.replace("hour", "spare"))
    log = read_log(tmp_path / "log.csv", context=["hour"])
    assert contexts(log) == {"hour": ["10", "23"]}
    with pytest.raises(ValueError, match="no column 'browser'"):
        read_log(tmp_path / "log.csv", context="browser")
    (tmp_path / "log.csv").write_text("user,item\n1,2\n")
    with pytest.raises(ValueError, match="'hour' is no column of .* and no times tell it"):
        read_log(tmp_path / "log.csv", context="hour")
