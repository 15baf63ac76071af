"""Lists of what was shown become rows, clicked or not."""

import json

import pytest

from recsim_env.data import read_log


def shown_rows(log):
    """Returns user, item, slate, place and click of all that was shown."""
    shown = log.impressions
    labels = log.user_labels[shown.user], log.item_labels[shown.item]
    columns = (*labels, shown.slate, shown.place, shown.is_clicked)
    return list(zip(*(each.tolist() for each in columns), strict=True))


RIGHT = [
    ("u1", "a", 0, 0, False),
    ("u1", "b", 0, 1, True),
    ("u2", "b", 1, 0, True),
    ("u2", "c", 1, 1, False),
    ("u2", "a", 1, 2, True),
]


@pytest.mark.parametrize("between", [" ", "|", ", "])
def test_lists_in_text_are_told_apart(between, tmp_path):
    path = tmp_path / "log.tsv"
    lists = [["a", "b"], ["b", "c", "a"]]
    clicked = [["b"], ["b", "a"]]
    lines = ["user\tseen\titem"]
    lines += [
        f"u{k + 1}\t{between.join(shown)}\t{between.join(taken)}"
        for k, (shown, taken) in enumerate(zip(lists, clicked, strict=True))
    ]
    path.write_text("\n".join(lines))
    log = read_log(path, shown="seen")
    assert shown_rows(log) == RIGHT
    assert len(log) == 3 and not log.is_explicit and not log.reading.unread
    assert "clicked are those in 'item'" in str(log.reading)
    path.write_text("\n".join(lines).replace("\tb", "\tz"))
    with pytest.raises(ValueError, match="line 2: column 'item' is 'z', which is not among those"):
        read_log(path, shown="seen")


def test_lists_of_json_and_marked_ones_are_read(tmp_path):
    rows = [
        {"user": "u1", "seen": ["a", "b"], "item": "b"},
        {"user": "u2", "seen": ["b", "c", "a"], "item": ["b", "a"]},
    ]
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(map(json.dumps, [rows[0] | {"item": ["b"]}, rows[1]])))
    assert shown_rows(read_log(path, shown="seen")) == RIGHT
    mind = tmp_path / "behaviors.tsv"
    mind.write_text(
        "1\tu1\t11/11/2019 9:05:58 AM\tN9 N8\ta-0 b-1\n"
        "2\tu2\t11/12/2019 6:11:30 PM\t\tb-1 c-0 a-1\n"
    )
    log = read_log(mind, has_header=False, user="2", time="3", shown="5")
    assert shown_rows(log) == RIGHT
    assert log.time.tolist() == [1573463158, 1573582290, 1573582290]
    mind.write_text("user\tshown\nu1\ta b\n")
    with pytest.raises(ValueError, match="do not say what was clicked"):
        read_log(mind, shown="shown")
