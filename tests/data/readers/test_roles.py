"""Columns are found by their names, and what may be missed is said."""

import pytest

from recsim_env.data import LogWarning, read_log


def log_of(folder, header, rows=None, **given):
    rows = rows or [(1, 10, 4, 1_300_000_000), (1, 20, 5, 1_300_000_010), (2, 10, 3, 1_300_000_020)]
    lines = [";".join(map(str, row[: len(header)])) for row in [header, *rows]]
    (folder / "log.csv").write_text("\n".join(lines))
    return read_log(folder / "log.csv", **given)


@pytest.mark.parametrize(
    "name",
    [
        *("rating", "Book-Rating", "stars_given", "score_value", "bookRating", "nota"),
        *("Valoración", "USER_RATING", "Rating_(1-5)", "Overall", "Stars"),
    ],
)
def test_ratings_are_found_by_their_name(name, tmp_path):
    assert log_of(tmp_path, ["User-ID", "ISBN", name.replace("_", " ")]).is_explicit
    assert log_of(tmp_path, ["User-ID", "ISBN", name]).reading.columns["rating"] == name


@pytest.mark.parametrize(
    ("user", "item"),
    [("customer", "Movie ID"), ("Customer Key", "product no"), ("id_usuario", "song-hash")],
)
def test_people_and_items_are_found_by_their_name(user, item, tmp_path):
    reading = log_of(tmp_path, [user, item, "rating"]).reading
    assert reading.columns == {"user": user, "item": item, "rating": "rating"}


def test_times_are_found_by_their_name(tmp_path):
    assert log_of(tmp_path, ["user", "item", "rating", "event timestamp"]).time is not None


@pytest.mark.parametrize("name", ["estrellas", "plays", "average_rating", "n_ratings"])
def test_numbers_that_may_be_ratings_are_doubted(name, tmp_path):
    with pytest.warns(
        LogWarning, match=f"'{name}' may be; name it with rating='{name}' .*--rating"
    ):
        log = log_of(tmp_path, ["user", "item", name])
    assert not log.is_explicit and log.reading.unread == (name,)
    assert "CHECK: no column is known to be the rating or the click" in str(log.reading)
    assert log_of(tmp_path, ["user", "item", name], rating=name).is_explicit
    assert log_of(tmp_path, ["user", "item", name], click=name).reading.n_rows == 3


def test_numbers_that_may_be_times_are_doubted(tmp_path):
    with pytest.warns(LogWarning, match=r"'when' may be the time; name it with time='when'"):
        log_of(tmp_path, ["user", "item", "rating", "when"])


def test_rows_of_several_kinds_are_doubted(tmp_path):
    rows = [(1, 10, "view"), (1, 20, "buy"), (2, 10, "view")]
    with pytest.warns(LogWarning, match=r"'event' tells rows of several kinds \('buy', 'view'\)"):
        log_of(tmp_path, ["visitorid", "itemid", "event"], rows)


def test_many_zeros_among_ratings_and_ids_that_look_alike_are_doubted(tmp_path):
    books = [(1, k, k % 2 and 10) for k in range(20)]
    with pytest.warns(LogWarning, match="10 ratings are 0, which in some logs means"):
        log_of(tmp_path, ["user", "ISBN", "Book-Rating"], books)
    rows = [(f"{k // 2}{'.0' * (k % 2)}", k, k % 5) for k in range(20)]
    with pytest.warns(LogWarning, match=r"10 users differ .* as '0' and '0\.0'; they were kept ap"):
        log_of(tmp_path, ["user", "item", "rating"], rows)


def test_decimal_commas_are_refused_with_a_remedy(tmp_path):
    with pytest.raises(ValueError, match=r"line 2: .* '3,5', not a number; write a point before"):
        log_of(tmp_path, ["user", "item", "rating"], [(1, 1, "3,5"), (1, 2, "4,5")])


def test_two_that_may_be_the_rating_are_named_and_not_taken(tmp_path):
    with pytest.warns(LogWarning, match="'critic score', 'user score' may be"):
        log = log_of(
            tmp_path, ["user", "item", "critic score", "user score"], [(1, 1, 2, 3), (1, 2, 3, 4)]
        )
    assert not log.is_explicit


def test_a_score_that_belongs_to_the_item_is_not_a_rating(tmp_path):
    rows = [(1, 10, 7), (2, 10, 7), (1, 20, 6), (2, 20, 6)]
    with pytest.warns(LogWarning, match="'imdb_rating' may be"):
        assert not log_of(tmp_path, ["user", "item", "imdb_rating"], rows).is_explicit


def test_other_columns_that_fit_are_told(tmp_path):
    reading = log_of(tmp_path, ["user", "asin", "rating", "product_id"]).reading
    assert reading.columns["item"] == "product_id"
    assert "'asin' may be the item too; name it with item='asin'" in str(reading)
    reading = log_of(tmp_path, ["user", "item", "rating", "is_click"]).reading
    assert "'is_click' may be the click too" in str(reading)


@pytest.mark.parametrize(
    ("header", "given", "message"),
    [
        (["User", "user", "item"], {}, r"columns 'User', 'user' both name the user; .*--user User"),
        (["user", "item", "rating"], {"user": "item"}, "no column that is known to name the item"),
        (["user", "item", "rating"], {"user": "item", "item": "item"}, "one role only"),
        (["user", "item", "rating"], {"rating": "rating", "click": "item"}, "not both"),
    ],
)
def test_columns_that_contradict_are_refused(header, given, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        log_of(tmp_path, header, **given)


def test_a_column_named_for_one_role_is_not_guessed_for_another(tmp_path):
    log = log_of(tmp_path, ["user", "item", "x", "rating"], time="rating", rating="x")
    assert log.reading.columns == {"user": "user", "item": "item", "rating": "x", "time": "rating"}


def test_a_label_of_words_is_no_click(tmp_path):
    rows = [(1, 10, "good"), (1, 20, "bad")]
    log = log_of(tmp_path, ["user", "item", "label"], rows)
    assert len(log) == 2 and log.reading.unread == ("label",)
    with pytest.raises(ValueError, match="line 2: column 'rating' is 'good', not a number"):
        log_of(tmp_path, ["user", "item", "rating"], rows)


def test_somebody_may_be_called_user(tmp_path):
    assert len(log_of(tmp_path, ["user", "item", "rating"], [("user", 1, 2), ("me", 1, 3)])) == 2
