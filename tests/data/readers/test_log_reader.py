"""Every format gives the same log, and every mistake is named by file and line."""

import builtins
import itertools
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recsim_env.data
from recsim_env.data import LogWarning, read_log

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


def test_clicks_keep_what_was_shown_and_not_clicked(tmp_path):
    rows = [(1, 10, 0), (1, 10, 1), (1, 20, 0), (2, 20, 1), (3, 10, 0)]
    log = read_log(write_rows(tmp_path / "a.csv", ",", ["user", "item", "click"], rows))
    assert not log.is_explicit and log.time is None
    assert log.user_labels.tolist() == ["1", "2", "3"] and log.item_labels.tolist() == ["10", "20"]
    assert log.user.tolist() == [0, 1] and log.item.tolist() == [0, 1]
    assert log.rating.tolist() == [1.0, 1.0]
    shown = log.impressions
    assert shown.user.tolist() == [0, 0, 0, 1, 2] and shown.item.tolist() == [0, 0, 1, 1, 0]
    assert shown.row.tolist() == [-1, 0, -1, 1, -1]


def test_log_of_pairs_alone_is_a_log_of_clicks(tmp_path):
    log = read_log(write_rows(tmp_path / "a.csv", ",", ["user", "item"], [("a", "x"), ("b", "y")]))
    assert not log.is_explicit and log.rating.tolist() == [1.0, 1.0]


HEADER = "user,item,rating,time\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"bad\.csv is empty"),
        (HEADER, r"bad\.csv is empty"),
        ("who,item,rating\n1,2,3\n", r"no column .* name the user.*'who', 'item'.*--user COLUMN"),
        ("user,thing,rating\n1,2,3\n", r"no column .* name the item"),
        ("user,user,item\n1,2,3\n", r"bad\.csv, line 1: a column name appears twice"),
        (HEADER + "1,1,5,0\n1,2,good,0\n", r"bad\.csv, line 3: column 'rating' is 'good'"),
        (HEADER + "1,1,5,0\n\n1,2,nan,0\n", r"bad\.csv, line 4: column 'rating' is 'nan'"),
        (HEADER + "1,1,5,0\n1,2,inf,0\n", r"bad\.csv, line 3: column 'rating' is 'inf'"),
        (HEADER + "1,1,5,0\n1,2,,0\n", r"line 3: column 'rating' is '', not.*--missing drop"),
        ("# made in 2020\n" + HEADER + "1,1,5,0\n", r"line 1: begins with '#' and is no header"),
        ("sep=,\n" + HEADER + "1,1,5,0\n", r"line 1: 'sep=,' is for spreadsheets; delete"),
        ("user,item,click\n1,1,yes\n1,2,no\n", r"line 2: column 'click' is 'yes'.*write 1 and 0"),
        (HEADER + "1,1,5,-1\n1,2,4,0\n", r"bad\.csv, line 2: column 'time' is .*-1.*from 0 up"),
        (HEADER + "1,1,5,0\n1,2,4,nan\n", r"bad\.csv, line 3: column 'time' is 'nan'"),
        (HEADER + "1,1,5,2020-01-01\n1,2,4,today\n", r"line 3: column 'time' is 'today'"),
        (HEADER + "1,1,5,0\n1,2,4\n", r"bad\.csv, line 3: 3 fields .*expected 4"),
        (
            HEADER + "1,1,5,0\nNA,2,4,0\n",
            r"line 3: column 'user' is 'NA', a missing value",
        ),
        (HEADER + "1,1,5,0\n,2,4,0\n", r"line 3: column 'user' is empty; leave.*--missing drop"),
        (HEADER + "1,1,3,0\n1,2,3,0\n", r"every 'rating' is 3.*click='rating' .*--click rating"),
        ("user,item,click\n1,1,0\n", r"column 'click' holds no click"),
        ("user,item\na,x\n\ufeffuser,item\nb,y\n", r"bad\.csv, line 3: the names of the columns"),
        (HEADER + "1,1,5,0\n" + HEADER, r"bad\.csv, line 3: the names of the columns stand here"),
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


@pytest.mark.parametrize("encoding", ["punycode", "undefined", "utf-16", "hex", ""])
def test_encodings_that_do_not_fit_are_named(encoding, tmp_path):
    path = written(tmp_path, "user,item,rating", "1,1,3", "1,2,4")
    with pytest.raises(ValueError, match=r"log\.csv.*not (punycode|undefined|utf-16)|is unknown"):
        read_log(path, encoding=encoding)


def test_missing_named_column_lists_the_columns(tmp_path):
    path = write_rows(tmp_path / "a.csv", ",", ["user", "item", "rating", "time"])
    with pytest.raises(ValueError, match=r"no column 'score'; its columns are 'user', 'item'"):
        read_log(path, rating="score")


def test_repeats_are_kept_of_clicks_and_the_last_of_ratings(tmp_path):
    rows = [(1, 1, 5, 9), (2, 1, 4, 8), (1, 1, 3, 1)]
    path = write_rows(tmp_path / "a.csv", ",", ["user", "item", "rating", "time"], rows)
    log = read_log(path)
    assert log.rating.tolist() == [5, 4]
    assert "1 rows repeat a user and item; repeats='last' is the rule for ratings" in str(
        log.reading
    )
    with pytest.raises(
        ValueError, match=r"line 4: user '1' and item '1' repeat line 2; .*--repeats"
    ):
        read_log(path, repeats="error")
    path = write_rows(tmp_path / "a.csv", ",", ["user", "item"], [row[:2] for row in rows])
    log = read_log(path)
    assert len(log) == 3 and "repeats='keep' is the rule for clicks" in str(log.reading)
    counted = read_log(path, repeats="count")
    assert counted.rating.tolist() == [1, 2] and counted.user.tolist() == [1, 0]


def test_rows_with_missing_values_are_dropped_only_when_asked(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("user,item,rating\n1,1,5\n,1,4\n2,NA,4\n3,1,\n4,2,3\n")
    with pytest.raises(ValueError, match="line 5: column 'rating' is ''"):
        read_log(path)
    log = read_log(path, missing="drop")
    assert log.rating.tolist() == [5, 3] and log.reading.n_rows == 5
    assert "left out: 1 rows in which 'item' is missing" in str(log.reading)
    with pytest.raises(ValueError, match="missing='fill' must be"):
        read_log(path, missing="fill")


@pytest.mark.parametrize(("keep", "ratings"), [("first", [5, 4, 1]), ("last", [4, 1, 2])])
def test_repeats_keep_the_chosen_row(keep, ratings, tmp_path):
    rows = [(1, 1, 5), (2, 1, 4), (1, 2, 1), (1, 1, 2)]
    path = write_rows(tmp_path / "a.csv", ",", ["user", "item", "rating"], rows)
    assert read_log(path, repeats=keep).rating.tolist() == ratings
    with pytest.raises(ValueError, match="repeats='some'"):
        read_log(path, repeats="some")


@pytest.mark.parametrize(("keep", "ratings"), [("first", [2.0, 5.0]), ("last", [3.0, 5.0])])
def test_first_and_last_go_by_time_and_not_by_the_place_in_the_file(keep, ratings, tmp_path):
    rows = ["1,1,1,50", "1,1,2,10", "1,1,3,90", "1,2,5,20"]
    for order in itertools.permutations(rows):
        log = read_log(written(tmp_path, "user,item,rating,time", *order), repeats=keep)
        assert sorted(log.rating) == ratings
        assert f"of which the {keep} by time is kept" in str(log.reading)
        assert "place in the file decided" not in str(log.reading)
    tied = written(tmp_path, "user,item,rating,time", "1,1,1,5", "1,1,2,5", "1,2,5,20")
    reading = str(read_log(tied, repeats=keep).reading)
    assert f"place in the file decided which is the {keep}" in reading
    timeless = written(tmp_path, "user,item,rating", "1,1,1", "1,1,2", "1,2,5")
    reading = str(read_log(timeless, repeats=keep).reading)
    assert f"of which the {keep} in the file is kept" in reading


def written(folder, *lines):
    """Returns a file of these lines."""
    path = folder / "log.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_unknown_formats_list_the_known_ones(tmp_path):
    (tmp_path / "notes.doc").write_text("x")
    for path in (tmp_path / "notes.doc", tmp_path):
        with pytest.raises(ValueError, match=r"MovieLens folder.*RecBole.*\.csv.*\.parquet"):
            read_log(path)
    with pytest.raises(FileNotFoundError, match="absent"):
        read_log(tmp_path / "absent")


def test_folders_that_have_no_name_are_read_like_others(tmp_path, monkeypatch):
    monkeypatch.chdir(movielens_100k(tmp_path))
    assert len(read_log(".")) == 5
    with pytest.raises(ValueError, match="path is empty"):
        read_log("")
    with pytest.raises(ValueError, match="/ is no log that is known here"):
        read_log("/")


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


@pytest.mark.parametrize("write", [movielens_100k, movielens_1m])
def test_movielens_is_read_by_its_file_and_its_columns_can_be_named(write, tmp_path):
    folder = write(tmp_path)
    name = "u.data" if write is movielens_100k else "ratings.dat"
    log = read_log(folder / name, click="rating")
    assert log.item_titles.tolist() == read_log(folder).item_titles.tolist()
    assert not log.is_explicit and len(log) == 5
    with pytest.raises(ValueError, match="no column 'x'; its columns are 'user_id', 'item_id'"):
        read_log(folder, user="x")


def test_folder_with_ratings_of_another_kind_is_a_table(tmp_path):
    write_rows(tmp_path / "ratings.csv", ",", ["user_id", "book_id", "rating", "time"])
    (tmp_path / "movies.csv").write_text("id,name\n1,x\n")
    log = read_log(tmp_path)
    assert log.reading.columns["item"] == "book_id" and len(log) == 5
    assert "movies.csv was not read" in str(log.reading)


def test_folder_with_two_logs_is_refused_and_its_files_are_read(tmp_path):
    movielens_100k(movielens_csv(tmp_path))
    with pytest.raises(ValueError, match=r"several logs, 'u.data', 'ratings.csv'; name one"):
        read_log(tmp_path)
    assert read_log(tmp_path / "u.data").item_titles[1] == "Heat (1995)"
    told = str(read_log(tmp_path / "ratings.csv").reading)
    assert "movies.csv beside it is read where the folder is named" in told


def test_encoding_reaches_every_kind_of_text(tmp_path):
    (folder := tmp_path / "a").mkdir()
    items = recbole(folder) / "tiny.item"
    items.write_bytes(items.read_text(encoding="utf-8").encode("latin-1"))
    with pytest.raises(ValueError, match=r"tiny\.item, line 2: not utf-8.*--encoding latin-1"):
        read_log(folder)
    assert read_log(folder, encoding="latin-1").item_titles[0] == "Amélie"
    assert read_log(movielens_1m(tmp_path), encoding="cp437").item_titles[0] != "Amélie (2001)"
    with pytest.raises(ValueError, match="has no encoding; leave out 'latin-1'"):
        read_log(parquet(tmp_path), encoding="latin-1")


def test_items_are_described_only_where_they_are_read(tmp_path):
    log = read_log(movielens_100k(tmp_path), user="item_id", item="user_id")
    assert log.item_feature_names.tolist() == []


def test_reading_tells_what_was_taken_for_what(tmp_path):
    rows = [(1, 10, 0, "a", 7), (1, 10, 1, "b", 8), (1, 20, 1, "c", 9), (1, 10, 1, "c", 9)]
    path = write_rows(tmp_path / "a.csv", ",", ["uid", "item", "click", "note", "age"], rows)
    reading = read_log(path, repeats="last").reading
    assert (reading.n_rows, reading.n_used) == (4, 2)
    assert sum(reading.left_out.values()) == 2
    assert str(reading).splitlines()[1:] == [
        "  left out: 1 rows whose 'click' is 0: they were shown, and not clicked",
        "  left out: 1 rows that repeat a user and item, of which the last in the file is kept",
        "  user from 'uid' (1 different); item from 'item' (2 different); click from 'click'; no"
        " time, so the order is unknown",
        "  not read: 'note', 'age'",
    ]


def test_clicks_that_are_no_flags_are_doubted_or_refused(tmp_path):
    path = tmp_path / "a.csv"
    write_rows(path, ",", ["user", "item", "label"], [(1, 10, 4), (1, 20, 0), (2, 20, 1)])
    with pytest.warns(LogWarning, match=r"neither 0 nor 1 in 1 rows .*--rating label"):
        assert len(read_log(path)) == 2
    write_rows(path, ",", ["user", "item", "click"], [(1, 10, "True"), (1, 20, "false")])
    assert len(read_log(path)) == 1
    write_rows(path, ",", ["user", "item", "click"], [(1, 10, "yes"), (1, 20, "no")])
    with pytest.raises(ValueError, match="line 2: column 'click' is 'yes', not a number"):
        read_log(path)


def test_side_table_that_describes_nothing_is_refused_and_a_poor_one_doubted(tmp_path):
    folder = recbole(tmp_path)
    items = "item_id:token\tclass:token_seq\n"
    (folder / "tiny.item").write_text(items + "10.0\tComedy\n20.0\tWar\n30.0\tWar\n")
    with pytest.raises(ValueError, match=r"describes 0 of 3 items \('10' in the log, '10.0' there"):
        read_log(folder)
    (folder / "tiny.item").write_text(items + "10\tComedy\n020\tWar\n")
    with pytest.warns(LogWarning, match=r"describes 1 of 3 items \('20' in the log, '020' there"):
        read_log(folder)
    (folder / "tiny.item").write_text(items + "10\tComedy\n20\tWar\n")
    assert "tiny.item describes 2 of 3 items" in str(read_log(folder).reading)


def test_missing_and_extreme_numbers_of_a_side_table_become_features(tmp_path):
    folder = recbole(tmp_path)
    items = "item_id:token\tprice:float\tclass:token\n"
    (folder / "tiny.item").write_text(items + "10\t-1e308\tA\n20\tnan\tNA\n30\t1e308\tB\n")
    log = read_log(folder)
    assert log.item_feature_names.tolist() == ["price", "class=A", "class=B"]
    assert log.item_features.tolist() == [[0.0, 1.0, 0.0], [0.5, 0.0, 0.0], [1.0, 0.0, 1.0]]


def test_ids_that_differ_in_spelling_only_are_remarked(tmp_path):
    rows = [("A1", 7, 3), ("a1", "7.0", 4), ("b", "07", 5)]
    path = write_rows(tmp_path / "a.csv", ",", ["user", "item", "rating"], rows)
    told = str(read_log(path).reading)
    assert "1 users differ" in told and "2 items differ" in told and "'A1' and 'a1'" in told
    rows = [("José", 1, 3), ("José", 2, 4), ("x", "3\u200b", 5), ("y", 3, 5)]
    text = "user,item,rating\n" + "\n".join(",".join(map(str, row)) for row in rows)
    path.write_text(text.replace("José", "Jose\u0301", 1), encoding="utf-8")
    told = str(read_log(path).reading)
    assert "1 users differ" in told and r"'Jos\xe9'" in told and r"'3\u200b'" in told


def test_ids_that_a_spreadsheet_shortened_are_doubted(tmp_path):
    path = written(tmp_path, "user,item,rating", "1,9.78014E+12,3", "2,9.78014E+12,4", "3,e+1,5")
    with pytest.warns(LogWarning, match=r"1 items are called like '9\.78014E\+12'"):
        read_log(path)


def test_ratings_that_may_mean_not_rated_are_told(tmp_path):
    path = tmp_path / "a.csv"
    rows = [(1, 1, 0), (1, 2, 7), (2, 1, 10), (2, 2, 0)]
    write_rows(path, ",", ["user", "item", "rating"], rows)
    assert "2 ratings are 0, which in some logs means" in str(read_log(path).reading)
    write_rows(path, ",", ["user", "item", "rating"], [(1, 1, -1), *rows[1:3]])
    with pytest.warns(LogWarning, match="1 ratings are -1"):
        read_log(path)


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


def test_reading_without_polars_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(ImportError, match=r'needs polars.*pip install "recsim-env\[data\]"'):
        recsim_env.data.read_log  # noqa: B018  # looking it up is what fails


@settings(max_examples=40)
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

    pairs = [(user, item.strip()) for user, item in pairs if item.strip()]
    pairs = list(dict.fromkeys(pairs))
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
