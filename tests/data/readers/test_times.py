"""Times come out as seconds, or are refused by their line."""

import re

import numpy as np
import pytest

from recsim_env.data import read_log


def log_of(folder, *times, name="time", **options):
    lines = [f"u{k}\ti\t{k}\t{time}" for k, time in enumerate(times)]
    (folder / "log.csv").write_text("\n".join([f"user\titem\trating\t{name}", *lines]))
    return read_log(folder / "log.csv", **options)


@pytest.mark.parametrize(
    ("written", "seconds", "told"),
    [
        ("1970-01-02", 86400.0, "days, without the time of day, 1970-01-02 to 1970-01-02"),
        ("1970-01-01T01:00:00Z", 3600.0, "dates"),
        ("1970-01-01 01:00:00 UTC", 3600.0, "dates"),
        ("1970-01-01 01:00:00+01:00", 0.0, ""),
        ("19700103", 172800.0, "days, without the time of day, 1970-01-03 to 1970-01-03"),
        ("Thu Jan 01 01:00:00 -0100 1970", 7200.0, "dates"),
        ("1500000000", 1.5e9, "seconds since 1970, 2017-07-14"),
        ("1500000000.5", 1.5e9 + 0.5, "seconds since 1970"),
        ("1.5e9", 1.5e9, "seconds since 1970"),
        ("1500000000000", 1.5e9, "milliseconds since 1970"),
        ("1500000000000000", 1.5e9, "microseconds since 1970"),
        ("1500000000000000000", 1.5e9, "nanoseconds since 1970, 2017-07-14"),
        ("2127-01-01", 4954435200.0, "days, without the time of day, 2127-01-01 to 2127-01-01, in"),
        ("7", 7.0, "seconds from a start of their own, 7 to 7"),
    ],
)
def test_times_become_seconds(written, seconds, told, tmp_path):
    log = log_of(tmp_path, written, written)
    assert log.time.tolist() == [seconds, seconds]
    assert told in log.reading.values["time"]


@pytest.mark.parametrize(
    ("written", "order", "told"),
    [
        (("11/1/2000", "1/11/2000", "1/13/2000"), "month-first", "month first (the other order"),
        (("11/1/2000", "1/11/2000", "13/1/2000"), "day-first", "day first (the other order"),
        (
            ("1.11.2000", "2.11.2000"),
            "day-first",
            "as usual in this form; else dates='month-first'",
        ),
        (("1/11/2000 9:05 AM", "1/11/2000 9:05 PM"), "month-first", "else dates='day-first'"),
        (("1-11-2000 09:05", "1-31-2000 10:05"), "month-first", "dates"),
    ],
)
def test_of_dates_with_numbers_the_order_that_suits_all_is_read(written, order, told, tmp_path):
    log = log_of(tmp_path, *written)
    assert told in log.reading.values["time"]
    assert log.time.tolist() == log_of(tmp_path, *written, dates=order).time.tolist()
    first = np.datetime64(int(log.time[0]), "s").item()
    number = int(re.split("[/.-]", written[0])[0])
    assert number == (first.month if order == "month-first" else first.day)


def test_an_order_of_dates_may_be_asked_for(tmp_path):
    of_april = [log_of(tmp_path, "03/04/2011", "05/04/2011", dates="day-first")]
    of_april += [
        log_of(tmp_path, "2011/4/3", "2011/4/5"),
        log_of(tmp_path, "2011-04-03", "2011-04-05"),
    ]
    of_april += [
        log_of(tmp_path, "3 Apr 2011", "5 Apr 2011"),
        log_of(tmp_path, "Apr 3, 2011", "Apr 5, 2011"),
    ]
    assert len({tuple(log.time.tolist()) for log in of_april}) == 1
    march = log_of(tmp_path, "03/04/2011", "05/04/2011", dates="month-first").time
    assert march.tolist() == log_of(tmp_path, "2011-03-04", "2011-05-04").time.tolist()
    with pytest.raises(ValueError, match=r"line 3: .* is '13/04/2011', not a date with the month"):
        log_of(tmp_path, "03/04/2011", "13/04/2011", dates="month-first")
    with pytest.raises(ValueError, match=r"dates='ymd' must be 'day-first' or 'month-first'"):
        log_of(tmp_path, "03/04/2011", "13/04/2011", dates="ymd")


def test_a_clock_of_its_own_may_run_for_years(tmp_path):
    times = [0, 7_200, *range(10**6, 10**9, 10**6)]
    assert log_of(tmp_path, *times).time.tolist() == times


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ((1.3e9, 1.3e9, 1.3e12), r"line 4: .* is '1300000000000\.0', but line 2 has 1300000000\.0"),
        ((1_300_000_000_000, 1_300_000_001_000, 1_300_000_002), r"line 4: .* no unit fits both"),
        ((1_300_000_000, 1_300_000_001, 0), r"line 4: column 'time' is '0', but line 2"),
        ((0, 0, 1_300_000_001), r"line 4: .* but line 2 has 0"),
        (("1970-01-01", "2011-03-14", "2011-03-14"), r"line 2: column 'time' is '1970-01-01'"),
        ((1_300_000_000, -1, 5), r"line 3: column 'time' is '-1', not a number from 0 up"),
        ((1_300_000_000, "2011-03-14"), r"line 3: column 'time' is '2011-03-14', not a number"),
        (("2011-03-14", 1_300_000_000), r"line 3: column 'time' is '1300000000', not a time"),
        (("2011-03-14", "2011-03-14T12:00Z"), r"line 3: .* some times state their zone and some"),
        (("03/04/2011", "05/04/2011"), r"line 2: .* is '03/04/2011', and all dates here suit both"),
        (
            ("03/14/2011", "03/15/2011", "14/03/2011"),
            r"line 4: .* is '14/03/2011', not a date with the month f",
        ),
        (("30/02/2011", "01/03/2011"), r"line 2: column 'time' is '30/02/2011', not a time"),
        (("12:30", "12:40"), r"line 2: column 'time' is '12:30', not a time"),
        (("2011-02-30", "2011-03-01"), r"line 2: column 'time' is '2011-02-30', not a time"),
        (("9999-12-31", "2011-03-01"), r"line 2: .* not a time between 1970 and 2128"),
        (("1901-01-01", "2011-03-01"), r"line 2: .* not a time between 1970 and 2128"),
        ((2011, 2012), r"line 2: column 'time' is '2011', which looks like a year"),
        ((40_616.5, 40_617), r"line 2: .* number of days, as spreadsheets"),
        ((201011, 201012, 201101), r"line 2: .* looks like a date without separators"),
        ((110314, 110315, 110401), r"line 2: .* looks like a date without separators"),
        ((14102100, 14102123, 14103107), r"line 2: .* looks like a date without separators"),
        ((2011031423, 2011031500, 2011031501), r"line 2: .* looks like a date without separators"),
        ((1103142359, 1103150000, 1103150001), r"line 2: .* looks like a date without separators"),
        ((20110314123000, 20110315123000), r"line 2: .* as milliseconds since 1970, lies outside"),
        ((634356000000000000, 634357000000000000), r"line 2: .* as nanoseconds since 1970"),
        ((13_000_000_000, 13_000_000_001), r"line 2: .* as seconds since 1970, lies outside"),
        (("1_300_000_000", "1_300_000_001"), r"line 2: .* '1_300_000_000', not a time"),
        (("inf", 5), r"line 2: column 'time' is 'inf'"),
    ],
)
def test_times_that_cannot_be_told_are_refused_by_line(times, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        log_of(tmp_path, *times)


def test_parquet_times_become_seconds(tmp_path):
    pa = pytest.importorskip("pyarrow", reason='needs pip install "recsim-env[data]"')
    from pyarrow import parquet

    def read(time):
        table = pa.table({"user": [1, 1], "item": [1, 2], "rating": [1, 2], "time": time})
        parquet.write_table(table, tmp_path / "a.parquet")
        return read_log(tmp_path / "a.parquet").time.tolist()

    moments = np.array(["1970-01-01T00:01", "1970-01-02"], "datetime64[ms]")
    assert read(moments) == [60.0, 86400.0]
    assert read(pa.array([1, 2], pa.date32())) == [86400.0, 172800.0]
    at = pa.array([1_300_000_000_123_456_789] * 2, pa.timestamp("ns", "America/New_York"))
    assert read(at) == [1_300_000_000.123456] * 2
    read(pa.array([1.3e9, 1.3e9 + 128], pa.float32()))
    told = read_log(tmp_path / "a.parquet").reading.values["time"]
    assert told.endswith(", as float32 rounded to 128 seconds")
    for kind, value in ((pa.time64("us"), 5), (pa.duration("s"), 5), (pa.list_(pa.int8()), [1])):
        with pytest.raises(ValueError, match=r"a\.parquet, row 1: column 'time' is .*not a number"):
            read(pa.array([value, value], kind))
    with pytest.raises(ValueError, match=r"a\.parquet, row 2: column 'time' is"):
        read(pa.array([1_300_000_000, None], pa.timestamp("s")))
