"""The world file: what is stored comes back, and what is not a world is refused."""

import dataclasses
import zipfile
from typing import Any

import numpy as np
import pytest

from recsim_env.formats.array_file import _seal, write_arrays
from recsim_env.formats.rated_world import RatedWorld


def small_world(**changes):
    """Returns a world of 3 items and 2 users with two factors."""
    settings: dict[str, Any] = {
        "name": "small",
        "item_factors": np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]),
        "item_bias": np.array([0.1, -0.1, 0.0]),
        "item_features": np.zeros((3, 0)),
        "item_feature_names": np.array([], dtype=str),
        "item_exposure": np.array([0.5, 0.3, 0.2]),
        "item_labels": np.array(["Léon", "Brazil", "Alien"]),
        "user_factors": np.array([[0.5, -0.5], [-0.5, 0.5]]),
        "user_bias": np.array([0.2, 0.0]),
        "user_features": np.array([[1.0], [0.0]]),
        "user_feature_names": np.array(["gender=F"]),
        "user_visit_weight": np.array([0.25, 0.75]),
        "user_session_mean": np.array([10.0, 3.5]),
        "user_labels": np.array(["u1", "u2"]),
        "global_mean": 3.5,
        "rating_noise": 0.9,
        "rating_min": 1.0,
        "rating_max": 5.0,
        "rating_step": 1.0,
        "like_threshold": 4.0,
        "session_log_sd": 0.5,
        "choice_slope": 0.7,
        "no_choice_score": 1.6,
        "choice_rate": 0.5,
        "choice_slate_size": 5,
        "report": {"rmse": {"model": 0.9}},
    }
    return RatedWorld(**(settings | changes))


def test_saved_world_loads_unchanged(tmp_path):
    world = small_world()
    world.save(tmp_path / "world.npz")
    loaded = RatedWorld.load(tmp_path / "world.npz")
    for entry in dataclasses.fields(RatedWorld):
        before, after = getattr(world, entry.name), getattr(loaded, entry.name)
        if isinstance(before, np.ndarray):
            assert before.dtype == after.dtype, entry.name
            np.testing.assert_array_equal(before, after)
        else:
            assert before == after, entry.name


def test_same_world_gives_same_bytes_and_replaces_the_old_file(tmp_path):
    first, second = tmp_path / "a.npz", tmp_path / "b.npz"
    second.write_text("old")
    small_world().save(first)
    small_world().save(second)
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def test_liking_is_mean_plus_biases_plus_taste():
    world = small_world()
    expected = [3.5 + 0.2 + 0.1 + 0.5, 3.5 + 0.2 - 0.1 - 0.5, 3.5 + 0.2]
    np.testing.assert_allclose(world.liking(0, [0, 1, 2]), expected, rtol=1e-6)
    assert world.liking([[0], [1]], [0, 1, 2]).shape == (2, 3)


@pytest.mark.parametrize(
    ("scale", "felt", "rating"),
    [((1, 5, 1), 3.4, 3.0), ((1, 5, 1), 9.0, 5.0), ((0.5, 5, 0.5), 3.3, 3.5), ((1, 1, 1), -2, 1)],
)
def test_rating_is_rounded_to_the_step_and_clipped(scale, felt, rating):
    low, high, step = scale
    world = small_world(rating_min=low, rating_max=high, rating_step=step)
    assert world.rating_of(felt) == rating


def test_file_with_a_pickle_inside_is_refused(tmp_path):
    world = small_world()
    world.save(tmp_path / "world.npz")
    with np.load(tmp_path / "world.npz") as file:
        arrays = dict(file)
    arrays["item_labels"] = np.array([print, "x", None], dtype=object)
    path = tmp_path / "evil.npz"
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match=r"evil\.npz holds no rated world: it was changed"):
        RatedWorld.load(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = _seal(archive)
    with pytest.raises(ValueError, match=r"evil\.npz holds no rated world.*allow_pickle=False"):
        RatedWorld.load(tmp_path / "evil.npz")


def test_other_files_are_refused_by_name(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text("not a world")
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "bare.npz", a=np.zeros(3))
    write_arrays(tmp_path / "other.npz", {}, {}, kind="agent", version=1)
    write_arrays(tmp_path / "newer.npz", {}, {}, kind="rated world", version=99)
    write_arrays(tmp_path / "partial.npz", {}, {"name": "x"}, kind="rated world", version=1)
    for name, message in [
        ("notes.txt", "holds no rated world"),
        ("array.npy", "holds no rated world: it is no archive"),
        ("bare.npz", "holds no rated world: it has no header"),
        ("other.npz", "holds no rated world: it is 'agent'"),
        ("newer.npz", "format 99, this version of recsim-env reads format 1"),
        ("partial.npz", "damaged: unknown or missing entries .*item_bias"),
    ]:
        with pytest.raises(ValueError, match=f"{name}.*{message}"):
            RatedWorld.load(tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r"absent\.npz"):
        RatedWorld.load(tmp_path / "absent.npz")


def test_truncated_file_is_refused(tmp_path):
    path = tmp_path / "world.npz"
    small_world().save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"world\.npz holds no rated world"):
        RatedWorld.load(path)


def test_failed_save_keeps_the_old_file(tmp_path):
    path = tmp_path / "world.npz"
    small_world().save(path)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        small_world(report={"not": {1, 2}}).save(path)
    assert path.read_bytes() == before
    with pytest.raises(ValueError, match="folder .* does not exist"):
        small_world().save(tmp_path / "absent" / "world.npz")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"item_bias": np.zeros(4)}, "item_bias has shape"),
        ({"user_bias": np.zeros((2, 1))}, "user_bias has 2 dimensions"),
        ({"item_exposure": np.array([0.5, 0.5, 0.5])}, "item_exposure sums to 1.5"),
        ({"user_factors": np.full((2, 2), np.nan)}, "user_factors holds NaN"),
        ({"user_session_mean": np.zeros(2)}, "user_session_mean must be positive"),
        ({"rating_step": 0.0}, "rating_step=0.0"),
        ({"rating_noise": -1.0}, "rating_noise=-1.0"),
        ({"choice_rate": 1.0}, "choice_rate=1.0"),
        ({"user_factors": np.full((2, 2), 1e30)}, "user_factors holds a number beyond"),
        ({"user_bias": np.full(2, 1e300)}, "user_bias holds NaN or infinite numbers"),
        ({"user_bias": np.array(["a", "b"])}, "user_bias has dtype <U1; use numbers"),
        ({"item_labels": np.zeros(3)}, "item_labels has dtype float64; use text"),
        ({"rating_noise": "x"}, "rating_noise='x' is not allowed"),
        ({"rating_max": float("nan")}, "rating_max=nan is not allowed"),
        ({"rating_step": 1e-300}, "rating_step=1e-300 is outside its range"),
        ({"choice_slate_size": 2.5}, "choice_slate_size=2.5 is not allowed"),
        ({"global_mean": None}, "global_mean=None is not allowed"),
        ({"report": [1]}, "report=.* must be a dict"),
    ],
)
def test_impossible_worlds_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        small_world(**changes)
