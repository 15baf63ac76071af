"""Whatever a table is written with, every row comes back; what is damaged is refused or told."""

import csv
import gzip
import io
import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsim_env.data import LogWarning, read_log

NAMES = ["user", "item", "rating", "time", "title"]
TITLE = "abé,;|\t\"'\n :."  # no digits: a line end and a whole row in a title is a row
IDS = "abXé09_-.'\" ,;|:"


def is_id(text):
    return bool(text.strip()) and text == text.strip()


def tables(ids=IDS, title=TITLE):
    """Returns rows of different users and items, whose ratings differ."""
    name = st.text(ids, min_size=1, max_size=6).filter(is_id)
    # A line end and as many separators as a row has would be a row, too.
    title = st.text(title, max_size=8).filter(lambda text: max(map(text.count, ",;\t|")) < 4)
    second = st.integers(1_000_000_000, 1_000_000_500)
    row = st.tuples(name, name, st.integers(1, 5), second, title)
    rows = st.lists(row, min_size=2, max_size=12, unique_by=lambda row: row[:2])
    return rows.filter(lambda rows: len({row[2] for row in rows}) > 1)


def as_text(rows, *, delimiter, quoting, line_end, header=NAMES):
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=line_end)
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue()


def assert_same(log, rows):
    users, items = log.user_labels[log.user].tolist(), log.item_labels[log.item].tolist()
    read = zip(users, items, log.rating.tolist(), log.time.tolist(), strict=True)
    assert list(read) == [(u, i, float(r), float(t)) for u, i, r, t, _ in rows]
    assert log.reading.n_rows == log.reading.n_used == len(rows)


def read_quietly(path, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LogWarning)
        return read_log(path, **options)


@settings(max_examples=60)
@given(data=st.data(), rows=tables())
def test_every_dialect_of_csv_is_read_back(data, rows, tmp_path_factory):
    text = as_text(
        rows,
        delimiter=data.draw(st.sampled_from(",;\t|")),
        quoting=data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        line_end=data.draw(st.sampled_from(["\n", "\r\n", "\r"])),
    )
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]))
    raw = text.encode(encoding)
    is_packed = data.draw(st.booleans())
    path = tmp_path_factory.mktemp("csv") / ("log.csv.gz" if is_packed else "log.csv")
    path.write_bytes(gzip.compress(raw) if is_packed else raw)
    log = read_log(path, encoding="latin-1" if encoding == "latin-1" else None)
    assert_same(log, rows)
    assert log.name == "log"


@settings(max_examples=25)
@given(data=st.data(), rows=tables("abXé09_-.'\" ,;|:", "abé,;|\"' :."))
def test_tabs_without_quotes_are_read_as_they_stand(data, rows, tmp_path_factory):
    end = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    is_recbole = data.draw(st.booleans())
    kinds = [":token", ":token", ":float", ":float", ":token_seq"] if is_recbole else [""] * 5
    header = [name + kind for name, kind in zip(NAMES, kinds, strict=True)]
    lines = ["\t".join(map(str, row)) for row in [header, *rows]]
    path = tmp_path_factory.mktemp("tsv") / ("log.inter" if is_recbole else "log.tsv")
    path.write_bytes(
        end.join([*lines, *data.draw(st.sampled_from([[], [""], ["", " ", ""]]))]).encode()
    )
    assert_same(read_log(path), rows)


@settings(max_examples=15)
@given(data=st.data(), rows=tables("0123456789", ""))
def test_movielens_files_are_read_back(data, rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ml")
    name, separator, header = data.draw(
        st.sampled_from(
            [
                ("u.data", "\t", []),
                ("ratings.dat", "::", []),
                ("ratings.csv", ",", ["userId,movieId,rating,timestamp"]),
            ]
        )
    )
    lines = header + [separator.join(map(str, row[:4])) for row in rows]
    (folder / name).write_text("\n".join(lines))
    assert_same(read_log(folder), rows)
    assert_same(read_log(folder / name), rows)


@settings(max_examples=25)
@given(data=st.data(), rows=tables("0123456789"))
def test_every_type_of_parquet_is_read_back(data, rows, tmp_path_factory):
    pa = pytest.importorskip("pyarrow", reason='needs pip install "recsim-env[data]"')
    from decimal import Decimal

    from pyarrow import parquet

    ids = {
        "text": pa.array,
        "large": lambda ids: pa.array(ids, pa.large_string()),
        "bytes": lambda ids: pa.array([i.encode() for i in ids], pa.binary()),
        "dictionary": lambda ids: pa.array(ids).dictionary_encode(),
        "int": lambda ids: pa.array([int(i) for i in ids]),
        "float": lambda ids: pa.array([float(i) for i in ids]),
        "decimal": lambda ids: pa.array([Decimal(i) for i in ids], pa.decimal128(12, 2)),
    }
    numbers = {
        "int8": pa.int8(),
        "uint64": pa.uint64(),
        "float": pa.float32(),
        "decimal": pa.decimal128(22, 1),
    }
    times = {
        "int": pa.array,
        "second": lambda t: pa.array(t, pa.timestamp("s")),
        "nanosecond": lambda t: pa.array([s * 10**9 for s in t], pa.timestamp("ns", "Asia/Tokyo")),
        "number": lambda t: pa.array([s * 10**9 for s in t]),
    }
    user, item, rating, time, title = zip(*rows, strict=True)
    kind = data.draw(st.sampled_from(sorted(ids)))
    rows = [(u, i, r, t, "") for u, i, r, t, _ in rows]
    if kind in ("int", "float", "decimal"):
        rows = [(str(int(u)), str(int(i)), r, t, "") for u, i, r, t, _ in rows]
        if len({row[:2] for row in rows}) < len(rows):
            return
    number = numbers[data.draw(st.sampled_from(sorted(numbers)))]
    columns = {
        "user": ids[kind](user),
        "item": ids[kind](item),
        "rating": pa.array(rating).cast(number),
        "time": times[data.draw(st.sampled_from(sorted(times)))](time),
        "title": pa.array([[each] for each in title]),
    }
    path = tmp_path_factory.mktemp("parquet") / "log.parquet"
    parquet.write_table(pa.table(columns), path)
    assert_same(read_log(path), rows)


HEADER = "user,item,rating,title\n"


@pytest.mark.parametrize(
    ("text", "n_rows", "told"),
    [
        (HEADER + '1,1,3,"Heroes\n1,2,4,x\n1,3,5,y\n', 3, "line 2; it was|quote .* line 2"),
        (HEADER + '1,1,3,"Heroes\n1,2,4,x"\n1,3,5,"y"\n', 3, "1 rows have a quote"),
        (HEADER + '1,1,3,"The "Matrix" trilogy"\n1,2,4,x\n', 2, "1 rows have a quote"),
        (HEADER + '1,1,3,The "Matrix"\n1,2,4,5\' 11"\n', 2, ""),
        (HEADER + '1,1,3,"a\nb, or\n\nc"\n1,2,4,x\n', 2, "1 rows have line ends within quotes"),
        ("user, item, rating\n1, 1, 3\n1, 2,4\n", 2, "blanks after separators"),
        ('user, item, rating, title\n1, 1, 3, "a, b"\n1, 2, 4, "c"\n', 2, "blanks after"),
        ("'user','item','rating'\n'1','a,b','3'\n'1','c''d','4'\n", 2, ""),
        ('user;item;rating;"title, or, if, none, that"\n1;1;3;x\n1;2;4;y\n', 2, ""),
        ("user item rating\n1 1 3\n1 2 4\n", 2, "blanks"),
        ("user::item::rating\n1::1::3\n1::2::4\n", 2, "'::'"),
        ("\n\nuser,item,rating\n\n1,1,3\n  \n1,2,4", 2, ""),
        ("user,item,rating,\n1,1,3,\n1,2,4,\n", 2, "not read: ''"),
    ],
)
def test_stray_quotes_and_odd_dialects_lose_no_row(text, n_rows, told, tmp_path):
    (tmp_path / "log.csv").write_text(text)
    log = read_log(tmp_path / "log.csv")
    assert len(log) == log.reading.n_rows == n_rows
    assert re.search(told, str(log.reading))
    assert not any("'" in label for label in log.user_labels)


def test_tsv_that_has_no_tabs_is_read_by_its_data(tmp_path):
    (tmp_path / "log.tsv").write_text('user;item;rating\n1;"a;b";3\n1;c;4\n')
    assert read_log(tmp_path / "log.tsv").item_labels.tolist() == ["a;b", "c"]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (HEADER.encode() + b'1,"1,3,x\n1,2,4,y\n', r"line 2: column 'item' is '\"1', with a quote"),
        (HEADER.encode() + b'1,1,3,"a,b\n1,2,4,y\n', r"line 2: 5 fields .* opens a field and does"),
        (HEADER.encode() + b"1,1,3,x\n1,2,4,y,\n", r"line 3: 5 fields"),
        (HEADER.encode() + b"1,1,3,x\n1,2,\x004,y\n", r"line 3: holds a NUL"),
        (HEADER.encode() + b"1,1,3,x\n1,2,4_0,y\n", r"line 3: column 'rating' is '4_0'"),
        (HEADER.encode() + b"1,1,3,x\n,,,\n", r"line 3: column 'rating' is ''"),
        (HEADER.encode() + b"1,1,3,x\nnan,2,4,y\n", r"line 3: column 'user' is 'nan', a missing"),
        (HEADER.encode() + b"1,1,3,x\n \t,2,4,y\n", r"line 3: column 'user' is empty"),
        (HEADER.encode("utf-16-le") + "1,1,3,é\n".encode("utf-16-le"), "utf-16-le"),
        (HEADER.encode() + b"1,1,3,\xe9\n", r"line 2: not utf-8.*--encoding latin-1"),
        (
            b'user,item,text\na,b,"so\nc, d, e\nf, g, h"\n',
            r"line 2: a quote opens .* ends in line 4",
        ),
        (gzip.compress(HEADER.encode() + b"1,1,3,x\n", mtime=0)[:-9], "damaged gzip"),
        (b"PK\x03\x04rest", "zip archive or a spreadsheet"),
        (b"useritem\n1\n", r"line 1: no separator stands in the header 'useritem'"),
        (b"ann,x\nbob,y\n", r"name the user.*where the first line is a row.*--no-header"),
        (HEADER.encode(), "it needs at least one row"),
    ],
)
def test_what_cannot_be_read_is_refused_by_line(raw, message, tmp_path):
    (tmp_path / "log.csv").write_bytes(raw)
    with pytest.raises(ValueError, match=message):
        read_log(tmp_path / "log.csv")


def test_a_first_row_is_not_taken_for_a_header(tmp_path):
    (tmp_path / "log.csv").write_text("ann,x,3\nann,y,4\nbob,x,5\n")
    with pytest.raises(ValueError, match=r"line 1: the user's column is called 'ann'"):
        read_log(tmp_path / "log.csv", user="ann", item="x", rating="3")


def test_a_file_without_header_is_recognised_and_said(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("7,10,4,1300000100\n8,10,5,1300000050\n7,11,5,1300000060\n")
    with pytest.warns(LogWarning, match="no header: .* 1 was taken for the user, 2 .* the item"):
        log = read_log(path)
    assert log.reading.columns == {"user": "1", "item": "2", "rating": "3", "time": "4"}
    assert log.reading.n_rows == 3 and log.rating.tolist() == [4, 5, 5]
    swapped = read_log(path, user="2", item="1", rating="3", time="4")
    assert swapped.user_labels.tolist() == ["10", "11"]
    with pytest.raises(ValueError, match="line 1: the user's column is called '7'"):
        read_log(path, has_header=True, user="7", item="10")
    path.write_text("ann,x\nbob,y\n")
    with pytest.warns(LogWarning, match="no header"):
        assert len(read_log(path, has_header=False)) == 2
    with pytest.raises(ValueError, match=r"no column '1'; where the first line is a row, say so"):
        read_log(path, user="1", item="2")


def test_a_date_in_the_first_line_tells_a_file_without_header(tmp_path):
    rows = ["u1\t2009-05-04T23:08:57Z\ta1\tDeep Dish\t\tSay Hello"]
    rows += ["u2\t2009-05-05T01:00:00Z\ta2\tUnderworld\t\tBoy, Boy, Boy"]
    (tmp_path / "plays.tsv").write_text("\n".join(rows))
    with pytest.warns(LogWarning, match="no header: .* 3 was taken for the item, 2 .* the time"):
        assert read_log(tmp_path / "plays.tsv").time.tolist() == [1241478537, 1241485200]


def damaged(lines, line_end, rng):
    """Returns a text after a few accidents."""
    text = line_end.join([*lines, ""])
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(len(text)))
        what = rng.integers(5)
        put = str(rng.choice(list('""""\',;\t\n\r 0a.é-\0')))
        if what <= 1:
            text = text[:at] + put + text[at:]
        elif what == 2:
            text = text[:at] + put + text[at + 1 :]
        elif what == 3:
            text = text[:at] + text[at + 1 :]
        else:
            end = at + int(rng.integers(1, 40))
            text = text[:at] + text[at:end] * 2 + text[end:] if rng.random() < 0.7 else text[:at]
        if not text:
            break
    return text


def some_log(rng):
    """Returns the name of a file, its lines, what separates their fields, and what ends them."""
    kinds = [("log.csv", ","), ("log.csv", ","), ("log.csv", ";"), ("log.tsv", "\t")]
    name, separator = [*kinds, ("log.inter", "\t")][rng.integers(5)]
    header = ["user:token", "item:token", "rating:float", "title:token_seq"]
    header = header if name == "log.inter" else [each.partition(":")[0] for each in header]
    lines = [separator.join(header)]
    for row in range(rng.integers(3, 40)):
        word = "".join(rng.choice(list("abc "), 4))
        titles = [word, f'"{word}{separator} or ""{word}"""', f'The "{word}"', f'"{word}"']
        title = titles[rng.integers(4)] if name == "log.csv" else word
        lines.append(separator.join(map(str, (row // 5, row % 5, 1 + row % 4, title))))
    return name, lines, separator, str(rng.choice(["\n", "\r\n", "\r"], p=[0.6, 0.3, 0.1]))


def try_damaged_logs(n, folder, seed=0):
    """Returns how many damaged logs were tried, refused, read, and read wrongly.

    What is read is right when there is a row for every line that is not blank (or it is told that
    rows have several lines), and every line that was not damaged is a row.
    """
    rng = np.random.default_rng(seed)
    counts = {"tries": n, "refused": 0, "read": 0, "faults": 0}
    wrong = []
    for k in range(n):
        name, lines, separator, line_end = some_log(rng)
        text = damaged(lines, line_end, rng)
        path = folder / f"{k}" / name
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8", newline="")
        try:
            log = read_quietly(path, repeats="first")
        except ValueError as error:
            counts["refused"] += 1
            if str(path.parent) not in str(error):
                counts["faults"] += 1
                wrong.append((text, repr(error)))
            continue
        except Exception as error:  # whatever it is, people cannot read it
            counts["faults"] += 1
            wrong.append((text, repr(error)))
            continue
        counts["read"] += 1
        reading = getattr(log, "reading", None)
        if "line ends within" in str(reading):
            continue
        first = re.search("\r\n|\n|\r", text)
        found = text.split("\r" if first and first[0] == "\r" else "\n")
        found = [line.strip("\r") for line in found if line.strip(" \r\n")]
        n_rows = len(log) if reading is None else reading.n_rows
        labels = log.user_labels[log.user], log.item_labels[log.item]
        whole = {tuple(line.split(separator)[:2]) for line in set(lines[1:]) & set(found[1:])}
        if n_rows != len(found) - 1 or not whole <= set(zip(*labels, strict=True)):
            counts["faults"] += 1
            wrong.append((text, n_rows))
    return counts, wrong


def test_damaged_logs_lose_no_row(tmp_path):
    counts, wrong = try_damaged_logs(200, tmp_path)
    assert not counts["faults"], wrong[:2]
    assert min(counts["refused"], counts["read"]) > 20


@pytest.mark.slow
def test_many_damaged_logs_lose_no_row(tmp_path):
    counts, wrong = try_damaged_logs(20_000, tmp_path, seed=1)
    print("damaged logs:", counts)
    assert not counts["faults"], wrong[:2]
