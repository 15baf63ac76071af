"""Objects of JSON, one a line, are read as tables are, and refused by line."""

import gzip
import json

import pytest

from recsim_env.data import read_log

AMAZON = [
    {
        "reviewerID": "A1",
        "asin": "B1",
        "overall": 5.0,
        "unixReviewTime": 1362700800,
        "helpful": [0, 1],
    },
    {"reviewerID": "A2", "asin": "B1", "overall": 3.0, "unixReviewTime": 1362700900},
]
GOODREADS = [
    {"user_id": "a", "book_id": 7, "rating": 4, "date_added": "Sun Jul 30 07:44:10 -0700 2017"},
    {"user_id": "b", "book_id": 8, "rating": 2, "date_added": "Mon Jul 31 07:44:10 -0700 2017"},
]
YELP = [
    {"user_id": "a", "business_id": "x", "stars": 4.0, "useful": 2, "date": "2016-03-09 20:56:38"},
    {"user_id": "b", "business_id": "x", "stars": 1.0, "useful": 0, "date": "2016-03-10 20:56:38"},
]


@pytest.mark.parametrize(
    ("rows", "first"), [(AMAZON, 1362700800), (GOODREADS, 1501425850), (YELP, 1457556998)]
)
@pytest.mark.parametrize("kind", ["lines", "packed", "list", "python"])
def test_published_json_is_read_without_naming_a_column(rows, first, kind, tmp_path):
    name = "log.json.gz" if kind == "packed" else "log.json"
    text = "\n".join(map(str if kind == "python" else json.dumps, rows)) + "\n"
    raw = (json.dumps(rows) if kind == "list" else text).encode()
    (tmp_path / name).write_bytes(gzip.compress(raw) if kind == "packed" else raw)
    log = read_log(tmp_path / name, time="date_added" if rows is GOODREADS else None)
    assert log.is_explicit and len(log) == 2 and log.time[0] == first
    assert log.rating.tolist() == [list(row.values())[2] for row in rows]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"user": 1, "item": 2}\n\n{"user": 1, "item"\n', "line 3: no JSON object"),
        ('{"user": 1, "item": 2}\n[1, 2]\n', "line 2: a list; each line must hold one object"),
        ('{"user": 1, "item": 2}\n\n{"item": 2}\n', "line 3: column 'user' is empty"),
        ("  \n", "is empty"),
        ("[1, 2]", "must hold a list of objects"),
        ('[{"user": 1},', "is no JSON that can be read"),
    ],
)
def test_what_is_no_object_is_refused_by_line(text, message, tmp_path):
    (tmp_path / "log.jsonl").write_text(text)
    with pytest.raises(ValueError, match=f"log.jsonl.*{message}"):
        read_log(tmp_path / "log.jsonl")
