"""Every format gives the same log, and every mistake is named by file and line."""

import builtins
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsim_env.data import read_log

# user, item, rating, time; the ids are out of order and with a gap on purpose.
ROWS = [(7, 30, 4, 100), (2, 10, 5, 50), (7, 10, 1, 90), (2, 20, 3, 60), (11, 30, 2, 10)]


def write_rows(path, separator, header=None, rows=ROWS):
    lines = [] if header is None else [separator.join(header)]
    lines += [separator.join(map(str, row)) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="latin-1")
    return path


def times(log):
    """Returns the times of a log that has them."""
    assert log.time is not None
    return log.time.tolist()


def movielens_100k(folder):
    write_rows(folder / "u.data", "\t")
    flags = {10: "0|0|0|0|0|1" + "|0" * 13, 20: "0|1|1" + "|0" * 16, 30: "1" + "|0" * 18}
    titles = {10: "Amélie (2001)", 20: "Heat (1995)", 30: "unknown", 40: "Unseen (1950)"}
    flags[40] = flags[30]
    lines = [f"{i}|{titles[i]}|01-Jan-1995||http://x|{flags[i]}" for i in titles]
    (folder / "u.item").write_bytes("\n".join(lines).encode("latin-1"))
    people = ["2|20|M|artist|1", "7|60|F|doctor|2", "11|40|F|artist|3"]
    (folder / "u.user").write_text("\n".join(people))
    return folder


def movielens_1m(folder):
    write_rows(folder / "ratings.dat", "::")
    movies = ["10::Amélie (2001)::Comedy", "20::Heat: Again (1995)::Action|Adventure", "30::X::War"]
    (folder / "movies.dat").write_bytes("\n".join(movies).encode("latin-1"))
    (folder / "users.dat").write_text("2::M::20::1::x\n7::F::60::2::y\n11::F::40::1::z\n")
    return folder


def movielens_csv(folder):
    write_rows(folder / "ratings.csv", ",", ["userId", "movieId", "rating", "timestamp"])
    movies = [
        "movieId,title,genres",
        '10,"Amélie, or ""Fate"" (2001)",Comedy',
        "20,Heat (1995),Action|Adventure",
        "30,X,(no genres listed)",
    ]
    (folder / "movies.csv").write_text("\n".join(movies), encoding="utf-8")
    return folder


def recbole(folder):
    header = ["user_id:token", "item_id:token", "rating:float", "timestamp:float"]
    write_rows(folder / "tiny.inter", "\t", header)
    items = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"
    items += "10\tAmélie\t2001\tComedy\n20\tHeat\t1995\tAction Adventure\n30\tX\t\t\n"
    (folder / "tiny.item").write_text(items, encoding="utf-8")
    users = "user_id:token\tage:token\tgender:token\tzip_code:token\n"
    users += "2\t20\tM\t11111\n7\t60\tF\t22222\n11\t40\tF\t33333\n"
    (folder / "tiny.user").write_text(users)
    return folder


def plain_csv(folder):
    return write_rows(folder / "log.csv", ",", ["User ID", "product_id", "Stars", "unix_timestamp"])


def semicolon_csv(folder):
    return write_rows(folder / "log.csv", ";", ["user", "item", "rating", "time"])


def tsv(folder):
    return write_rows(folder / "log.tsv", "\t", ["user", "item", "rating", "time"])


def parquet(folder):
    pa = pytest.importorskip("pyarrow", reason='needs pip install "recsim-env[data]"')
    from pyarrow import parquet as pq

    names = ["user_id", "item_id", "rating", "timestamp"]
    columns = [list(column) for column in zip(*ROWS, strict=True)]
    pq.write_table(pa.table(columns, names=names), folder / "log.parquet")
    return folder / "log.parquet"


FORMATS = [
    movielens_100k,
    movielens_1m,
    movielens_csv,
    recbole,
    plain_csv,
    semicolon_csv,
    tsv,
    parquet,
]


@pytest.mark.parametrize("write", FORMATS)
def test_every_format_gives_the_same_log(write, tmp_path):
    log = read_log(write(tmp_path))
    assert log.user_labels.tolist() == ["2", "7", "11"]
    assert log.item_labels.tolist() == ["10", "20", "30"]
    assert log.user.tolist() == [1, 0, 1, 0, 2]
    assert log.item.tolist() == [2, 0, 0, 1, 2]
    assert log.rating.tolist() == [4, 5, 1, 3, 2]
    assert times(log) == [100, 50, 90, 60, 10]
    assert log.is_explicit


@pytest.mark.parametrize("write", [movielens_100k, movielens_1m, movielens_csv, recbole])
def test_genres_years_and_titles_become_item_features(write, tmp_path):
    log = read_log(write(tmp_path))
    names = log.item_feature_names.tolist()
    genre = "class" if write is recbole else "genre"
    heat = log.item_features[1]
    tagged = {name for name, value in zip(names, heat, strict=True) if "=" in name and value}
    assert tagged == {f"{genre}=Action", f"{genre}=Adventure"}
    year = names.index("release_year" if write is recbole else "year")
    np.testing.assert_allclose(log.item_features[:, year], [1.0, 0.0, 0.5])
    assert log.item_titles[0].startswith("Amélie")
    assert log.item_features.min() >= 0 and log.item_features.max() <= 1


@pytest.mark.parametrize("write", [movielens_100k, movielens_1m, recbole])
def test_people_become_user_features_without_their_zip_code(write, tmp_path):
    log = read_log(write(tmp_path))
    names = log.user_feature_names.tolist()
    np.testing.assert_allclose(log.user_features[:, names.index("age")], [0.0, 1.0, 0.5])
    assert log.user_features[:, names.index("gender=F")].tolist() == [0, 1, 1]
    assert not any("zip" in name for name in names)


def test_recbole_is_found_by_folder_prefix_and_file(tmp_path):
    folder = recbole(tmp_path)
    logs = [read_log(folder), read_log(folder / "tiny"), read_log(folder / "tiny.inter")]
    assert all(log.item_titles.tolist() == ["Amélie", "Heat", "X"] for log in logs)


def test_named_columns_win_over_guessed_ones(tmp_path):
    path = write_rows(tmp_path / "a.csv", ",", ["user_id", "item_id", "how", "rating"])
    assert times(read_log(path, rating="how", time="rating")) == [100, 50, 90, 60, 10]


def test_clicks_keep_only_what_was_clicked(tmp_path):
    rows = [(1, 10, 0), (1, 10, 1), (1, 20, 0), (2, 20, 1), (3, 10, 0)]
    log = read_log(write_rows(tmp_path / "a.csv", ",", ["user", "item", "click"], rows))
    assert not log.is_explicit and log.time is None
    assert log.user_labels.tolist() == ["1", "2"]
    assert log.rating.tolist() == [1.0, 1.0]


def test_log_of_pairs_alone_is_a_log_of_clicks(tmp_path):
    log = read_log(write_rows(tmp_path / "a.csv", ",", ["user", "item"], [("a", "x"), ("b", "y")]))
    assert not log.is_explicit and log.rating.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("1970-01-02", 86400.0),
        ("1970-01-01T01:00:00Z", 3600.0),
        ("1970-01-01 01:00:00+01:00", 0.0),
        ("1500000000", 1.5e9),
        ("1500000000000", 1.5e9),
        ("1500000000000000", 1.5e9),
    ],
)
def test_times_become_seconds(written, seconds, tmp_path):
    rows = [(1, 1, 3, written), (1, 2, 4, written)]
    log = read_log(write_rows(tmp_path / "a.csv", ",", ["user", "item", "rating", "time"], rows))
    assert times(log) == [seconds, seconds]


HEADER = "user,item,rating,time\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"bad\.csv is empty"),
        (HEADER, r"bad\.csv is empty"),
        ("who,item,rating\n1,2,3\n", r"no column .* name the user.*'who', 'item'.*user=<column>"),
        ("user,thing,rating\n1,2,3\n", r"no column .* name the item"),
        ("user,user,item\n1,2,3\n", r"bad\.csv, line 1: a column name appears twice"),
        (HEADER + "1,1,5,0\n1,2,good,0\n", r"bad\.csv, line 3: column 'rating' is 'good'"),
        (HEADER + "1,1,5,0\n\n1,2,nan,0\n", r"bad\.csv, line 4: column 'rating' is 'nan'"),
        (HEADER + "1,1,5,0\n1,2,inf,0\n", r"bad\.csv, line 3: column 'rating' is 'inf'"),
        (HEADER + "1,1,5,0\n1,2,,0\n", r"bad\.csv, line 3: column 'rating' is ''"),
        (HEADER + "1,1,5,-1\n1,2,4,0\n", r"bad\.csv, line 2: column 'time' is .*-1.*from 0 up"),
        (HEADER + "1,1,5,0\n1,2,4,nan\n", r"bad\.csv, line 3: column 'time' is 'nan'"),
        (HEADER + "1,1,5,2020-01-01\n1,2,4,today\n", r"line 3: column 'time' is 'today'"),
        (HEADER + "1,1,5,0\n1,2,4\n", r"bad\.csv, line 3: 3 fields .*expected 4"),
        (HEADER + "1,1,5,0\n,2,4,0\n", r"bad\.csv, line 3: column 'user' is empty"),
        (HEADER + "1,1,5,0\n2,1,4,0\n1,1,3,0\n", r"line 4: user '1' and item '1' repeat line 2"),
        (HEADER + "1,1,3,0\n1,2,3,0\n", r"every 'rating' is 3.*click='rating'"),
        ("user,item,click\n1,1,0\n", r"column 'click' holds no click"),
        ('user,item,rating\n1,"a\nb",3\n2,1,bad\n', r"bad\.csv, line 4: column 'rating' is 'bad'"),
    ],
)
def test_bad_tables_are_refused_by_file_and_line(text, message, tmp_path):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_log(tmp_path / "bad.csv")


def test_undecodable_text_is_refused_by_line(tmp_path):
    (tmp_path / "bad.csv").write_bytes(b"user,item,rating\n1,2,3\n1,\xff,3\n")
    with pytest.raises(ValueError, match=r"bad\.csv, line 3: not utf-8"):
        read_log(tmp_path / "bad.csv")


def test_missing_named_column_lists_the_columns(tmp_path):
    path = write_rows(tmp_path / "a.csv", ",", ["user", "item", "rating", "time"])
    with pytest.raises(ValueError, match=r"no column 'score'; its columns are 'user', 'item'"):
        read_log(path, rating="score")


@pytest.mark.parametrize(("keep", "ratings"), [("first", [5, 4, 1]), ("last", [4, 1, 2])])
def test_duplicates_keep_the_chosen_row(keep, ratings, tmp_path):
    rows = [(1, 1, 5), (2, 1, 4), (1, 2, 1), (1, 1, 2)]
    path = write_rows(tmp_path / "a.csv", ",", ["user", "item", "rating"], rows)
    assert read_log(path, duplicates=keep).rating.tolist() == ratings
    with pytest.raises(ValueError, match="duplicates='some'"):
        read_log(path, duplicates="some")


def test_unknown_formats_list_the_known_ones(tmp_path):
    (tmp_path / "notes.doc").write_text("x")
    for path in (tmp_path / "notes.doc", tmp_path):
        with pytest.raises(ValueError, match=r"MovieLens folder.*RecBole.*\.csv.*\.parquet"):
            read_log(path)
    with pytest.raises(FileNotFoundError, match="absent"):
        read_log(tmp_path / "absent")


def test_bad_side_tables_are_refused_by_file_and_line(tmp_path):
    folder = recbole(tmp_path)
    items = folder / "tiny.item"
    items.write_text("item_id:token\tclass:token_seq\n10\tA\n20\tB\n10\tC\n")
    with pytest.raises(ValueError, match=r"tiny\.item, line 4: item_id '10' repeats line 2"):
        read_log(folder)
    items.write_text("item_id:token\tclass\n10\tA\n")
    with pytest.raises(ValueError, match=r"tiny\.item, line 1: column 'class' lacks its type"):
        read_log(folder)
    items.write_text("id:token\tclass:token_seq\n10\tA\n")
    with pytest.raises(ValueError, match=r"tiny\.item has no column 'item_id'"):
        read_log(folder)


def test_movielens_columns_cannot_be_renamed(tmp_path):
    with pytest.raises(ValueError, match="leave out 'user'"):
        read_log(movielens_100k(tmp_path), user="x")


def test_parquet_rows_with_missing_values_are_named(tmp_path):
    pa = pytest.importorskip("pyarrow", reason='needs pip install "recsim-env[data]"')
    from pyarrow import parquet as pq

    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"user": ["a", "b"], "item": [1, 2], "rating": [3.0, None]}), path)
    with pytest.raises(ValueError, match=r"a\.parquet, row 2: column 'rating' is .*nan"):
        read_log(path)
    pq.write_table(pa.table({"user": ["a", None], "item": [1, 2], "rating": [3.0, 4.0]}), path)
    with pytest.raises(ValueError, match=r"a\.parquet, row 2: column 'user' is empty"):
        read_log(path)
    path.write_text("no parquet")
    with pytest.raises(ValueError, match=r"a\.parquet is not a Parquet file"):
        read_log(path)


def test_parquet_timestamps_become_seconds(tmp_path):
    pa = pytest.importorskip("pyarrow", reason='needs pip install "recsim-env[data]"')
    from pyarrow import parquet as pq

    time = np.array(["1970-01-01T00:01", "1970-01-02"], "datetime64[ms]")
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"user": [1, 1], "item": [1, 2], "time": time}), path)
    assert times(read_log(path)) == [60.0, 86400.0]


def test_parquet_without_pyarrow_says_how_to_install_it(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    usual = builtins.__import__

    def without_pyarrow(name, *args, **kwargs):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return usual(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_pyarrow)
    monkeypatch.delitem(sys.modules, "pyarrow", raising=False)
    with pytest.raises(ImportError, match=r'pip install "recsim-env\[data\]"'):
        read_log(tmp_path / "a.parquet")


@settings(max_examples=40, deadline=None)
@given(
    pairs=st.lists(
        st.tuples(st.integers(0, 10**12), st.text("abcXYZ,\"' é", min_size=1, max_size=6)),
        min_size=2,
        max_size=20,
        unique=True,
    ),
    data=st.data(),
)
def test_whatever_csv_writes_is_read_back(pairs, data, tmp_path_factory):
    import csv

    pairs = [(user, item) for user, item in pairs if item.strip()]
    ratings = [data.draw(st.floats(-1e6, 1e6)) for _ in pairs]
    if not pairs or min(ratings) == max(ratings):
        return
    path = tmp_path_factory.mktemp("csv") / "log.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["user", "item", "rating"])
        writer.writerows([(*pair, r) for pair, r in zip(pairs, ratings, strict=True)])
    log = read_log(path)
    assert log.rating.tolist() == ratings
    read = zip(log.user_labels[log.user], log.item_labels[log.item], strict=True)
    assert [(int(user), item) for user, item in read] == pairs
