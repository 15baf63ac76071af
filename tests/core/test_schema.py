"""What follows from layouts: spaces, names, memory, and what is copied."""

import dataclasses
import traceback

import numpy as np
import pytest

from recsim_env.core.fields import LARGEST, count, shown
from recsim_env.core.schema import Schema

SCHEMA = Schema(
    user={"taste": shown(float, -1, 1, 2), "n_read": count(int), "mood": shown(float, under="now")},
    item={"topic": shown(int, 0, 2, one_hot=True), "quality": float, "minutes": shown(float, 0, 9)},
    response={"score": float, "clicked": shown(bool), "minutes": shown(float, 0, clip=5)},
    info={},
    observation={
        "now": {"log_read": shown(float, 0)},
        "candidates": {"age": shown(float, 0, 3, bounds=(0, 7))},
        "last": ({"topic": shown(float, 0, 1, 3, names=("a", "b", "c"))}, 2),
    },
    sizes={"n_candidates": 4, "slate_size": 2, "n_users": 5, "n_items": 6},
)


def test_what_is_shown_is_named_and_bounded_in_order():
    """Computed columns follow copied ones, and entries that only copy follow the others."""
    assert SCHEMA.column_names == {
        "now": ("mood", "log_read"),
        "candidates": ("topic_0", "topic_1", "topic_2", "minutes", "age"),
        "last": ("a", "b", "c"),
        "user": ("taste_0", "taste_1"),
        "response": ("clicked", "minutes"),
    }
    found = SCHEMA.spaces
    assert list(found) == [*SCHEMA.column_names, "user_id", "item_id"]
    assert found["candidates"].shape == (4, 5)
    assert found["candidates"].high[3].tolist() == [1, 1, 1, 9, 7]
    assert found["last"].shape == (2, 3)
    assert found["response"].high.tolist() == [[1, 5], [1, 5]]
    assert found["now"].low.tolist() == [-LARGEST, 0]
    assert found["user"].low.tolist() == [-1, -1]


def test_columns_of_the_category_are_found_by_name():
    assert SCHEMA.category_columns("topic") == slice(0, 3)
    assert SCHEMA.category_columns("colour") == SCHEMA.category_columns(None) == slice(0, 0)


def test_floats_lead_the_observation():
    records = np.zeros(2, SCHEMA.dtypes["observation"])
    for number, (name, part) in enumerate(SCHEMA.parts.items()):
        assert records[name].shape == (2, *part.shape) == (2, *SCHEMA.spaces[name].shape)
        records[name] = number
    records["user_id"] = records["item_id"] = -1
    floats = records.view(np.float32).reshape(2, -1)[:, : SCHEMA.n_floats]
    n_numbers = [2, 20, 6, 2, 4]
    assert np.array_equal(floats, [np.repeat(np.arange(5), n_numbers)] * 2)


def test_columns_by_name_and_boxes_are_the_same_memory():
    dtypes = SCHEMA.dtypes
    assert dtypes["columns"].itemsize == dtypes["observation"].itemsize
    boxes = np.zeros(3, dtypes["observation"])
    columns = boxes.view(dtypes["columns"])
    columns["candidates"]["age"][1, 2] = 0.5
    columns["now"]["log_read"] = 2
    columns["item_id"] = 4
    assert boxes["candidates"][1, 2].tolist() == [0, 0, 0, 0, 0.5]
    assert (boxes["now"][:, 1] == 2).all() and (boxes["item_id"] == 4).all()


def test_fields_are_copied_as_they_are_declared():
    dtypes = SCHEMA.dtypes
    user, items, response, columns = (
        np.zeros(n, dtypes[name]).view(np.recarray)
        for n, name in ((1, "user"), (6, "item"), (2, "response"), (1, "columns"))
    )
    user["taste"], user["mood"] = (0.25, -0.5), 3
    items["topic"], items["minutes"] = np.arange(6) % 3, np.arange(6)
    response["clicked"], response["minutes"] = (True, False), (4, 6)
    SCHEMA.copy_shown(user[0], items, np.array([5, 0, 1, 2]), response, columns[0])
    boxes = columns.view(np.ndarray).view(dtypes["observation"])[0]
    assert boxes["user"].tolist() == [0.25, -0.5]
    assert boxes["now"].tolist() == [3, 0]
    assert boxes["candidates"][0].tolist() == [0, 0, 1, 5, 0]
    assert boxes["response"].tolist() == [[1, 4], [0, 5]]


def test_the_text_of_what_is_copied_shows_in_tracebacks():
    fields = {"topic": shown(int, 0, 2, one_hot=True)}
    schema = dataclasses.replace(SCHEMA, item=fields, observation={})
    items = np.array([(7,)], schema.dtypes["item"]).view(np.recarray)
    columns = np.zeros(1, schema.dtypes["columns"]).view(np.recarray)
    user = np.zeros(1, schema.dtypes["user"]).view(np.recarray)
    with pytest.raises(IndexError) as caught:
        schema.copy_shown(user[0], items, np.array([0]), np.zeros(0), columns[0])
    text = "".join(traceback.format_exception(caught.value))
    assert "observation.candidates[index].topic[item.topic] = 1.0" in text


def test_a_column_is_not_both_copied_and_computed():
    twice = dataclasses.replace(SCHEMA, observation={"candidates": {"minutes": shown(float)}})
    with pytest.raises(ValueError, match="minutes is both a field that is copied"):
        _ = twice.parts
