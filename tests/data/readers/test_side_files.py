"""Tables of one's own describe items and people."""

import json

import numpy as np
import pytest

from recsim_env.data import LogWarning, read_log

LOG = "user,item,rating\n1,10,5\n2,20,3\n1,30,4\n"
ITEMS = """id,title,genres,price,brand,released,text,sku
10,The first,Action|Comedy,1.5,acme,2001-01-01,a long story of two dogs,x1
20,Second,Comedy,3.5,acme,2003-01-01,another story of three cats,x2
30,Third,,2.5,zen,2002-01-01,no dogs here and no story at all,x3
40,Unused,War,9.5,zen,2009-01-01,nothing,x4
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "log.csv").write_text(LOG)
    (tmp_path / "items.csv").write_text(ITEMS)
    return tmp_path


def feature(log, name):
    return log.item_features[:, log.item_feature_names.tolist().index(name)].tolist()


def test_columns_become_features_by_what_they_hold(folder):
    log = read_log(folder / "log.csv", items=folder / "items.csv")
    assert log.item_titles.tolist() == ["The first", "Second", "Third"]
    assert feature(log, "genres=Action") == [1, 0, 0]
    assert feature(log, "genres=Comedy") == [1, 1, 0]
    assert feature(log, "price") == [0, 1, 0.5]
    assert feature(log, "brand=acme") == [1, 1, 0]
    assert feature(log, "released") == pytest.approx([0, 1, 0.5], abs=0.01)
    words = log.item_features[:, [n.startswith("text#") for n in log.item_feature_names]]
    assert words.shape == (3, 32) and np.allclose(words.sum(axis=1), 1)
    assert not any(name.startswith("sku") for name in log.item_feature_names)
    told = str(log.reading)
    assert "items.csv describes all 3 items" in told
    assert "the words of 'text' of items.csv became 32 hashed features each" in told
    assert "no features from 'sku' of items.csv" in told


def test_json_and_lists_describe_items_too(folder):
    rows = [
        {"item_no": 10, "tags": ["a", "b"], "is_new": True},
        {"item_no": 20, "tags": ["b"], "is_new": False},
        {"item_no": 30, "tags": None, "is_new": None},
    ]
    (folder / "items.jsonl").write_text("\n".join(map(json.dumps, rows)))
    log = read_log(folder / "log.csv", items=folder / "items.jsonl")
    assert feature(log, "tags=b") == [1, 1, 0] and feature(log, "is_new") == [1, 0, 0.5]


def test_prices_and_dates_are_numbers_however_they_are_written(folder):
    rows = ["item;price;since;born", "10;$1,000.50;3/1/2011;2 Jan 2001"]
    rows += [
        "20;$2,000.50;3/31/2011;",
        "30;$1,500.50;3/16/2011;4 Jan 2001",
        "40;9;3/16/2011;4 Jan 2001",
    ]
    (folder / "items.csv").write_text("\n".join(rows))
    log = read_log(folder / "log.csv", items=folder / "items.csv")
    assert log.item_feature_names.tolist() == ["price", "since", "born"]
    assert feature(log, "price") == feature(log, "since") == [0, 1, 0.5]
    assert feature(log, "born") == [0, 0.5, 1]


def test_people_are_described_and_ids_may_be_called_anything(folder):
    (folder / "people.csv").write_text("age;who;sex\n20;1;f\n30;2;m\n90;3;f\n")
    log = read_log(folder / "log.csv", users=folder / "people.csv")
    assert log.user_feature_names.tolist() == ["age", "sex=f", "sex=m"]
    assert log.user_features.tolist() == [[0, 1, 0], [1, 0, 1]]


def test_tables_that_describe_nothing_are_refused_and_poor_ones_doubted(folder):
    (folder / "items.csv").write_text(ITEMS.replace("\n20,", "\n020,"))
    with pytest.warns(LogWarning, match="describes 2 of 3 items .'20' in the log, '020' there"):
        read_log(folder / "log.csv", items=folder / "items.csv")
    for text in ("id,x\n7,1\n8,2\n", "id,x\n10.0,1\n20.0,2\n30.0,3\n"):
        (folder / "items.csv").write_text(text)
        with pytest.raises(ValueError, match=r"items\.csv describes 0 of 3 items"):
            read_log(folder / "log.csv", items=folder / "items.csv")
    (folder / "items.csv").write_text("what,x\n7,1\n8,2\n")
    with pytest.raises(ValueError, match="describes none of the items: no column is called"):
        read_log(folder / "log.csv", items=folder / "items.csv")
