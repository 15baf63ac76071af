"""Files of arrays: what is damaged, changed or not ours is one ValueError that names the file."""

import io
import json
import warnings
import zipfile

import numpy as np
import pytest

from recsim_env.formats import array_file
from recsim_env.formats.array_file import _seal, read_arrays, write_arrays

KIND: dict = {"kind": "thing", "version": 3}


def written(path, arrays=None, values=None):
    """Returns a file of two arrays and some values."""
    arrays = {"a": np.arange(500.0), "b": np.array(["x", "y"])} if arrays is None else arrays
    write_arrays(path, arrays, values or {"n": 1}, **KIND)
    return path


def npy(array, *, allow_pickle=False):
    """Returns an array as the bytes of a .npy file."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), allow_pickle=allow_pickle)
    return file.getvalue()


def forged(path, members, *, sealed=True, method=zipfile.ZIP_DEFLATED):
    """Writes an archive of these members, by default with the right seal."""
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", method) as archive:
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, content in members:
            archive.writestr(name, content)
        archive.comment = _seal(archive) if sealed else b""
    return path


def header(text=None, **changes):
    """Returns the member that says what a file is."""
    values = {**KIND, "values": {}} | changes
    return "header.npy", npy(np.array(json.dumps(values) if text is None else text))


def refusal(path, **kind):
    """Returns the one sentence with which a file is refused."""
    with pytest.raises(ValueError, match=path.name) as caught:
        read_arrays(path, **(KIND | kind))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_was_written_comes_back(tmp_path):
    arrays = {
        "a": np.arange(6.0).reshape(2, 3),
        "rows": np.zeros(2, np.dtype([("x", np.int8), ("y", np.float64)], align=True)),
        "text": np.array(["ä", "b"]),
        "none": np.zeros((0, 3), np.int32),
    }
    path = written(tmp_path / "f.npz", arrays, {"n": [1, {"m": None}]})
    found, values = read_arrays(path, **KIND)
    assert values == {"n": [1, {"m": None}]}
    assert {name: (a.dtype, a.tolist()) for name, a in found.items()} == {
        name: (a.dtype, a.tolist()) for name, a in arrays.items()
    }
    with np.load(path) as file:
        assert sorted(file.files) == sorted([*arrays, "header"])


def test_a_file_that_was_changed_is_not_believed(tmp_path):
    path = written(tmp_path / "f.npz")
    with np.load(path) as file:
        arrays = dict(file)
    arrays["a"][3] = 1e12
    with path.open("wb") as out:
        np.savez_compressed(out, **arrays)
    assert "it was changed after it was written" in refusal(path)


TOO_DEEP = "[" * 100_000
HUGE = b"\x93NUMPY\x01\x00v\x00" + (
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }".ljust(117) + b"\n"
)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([header(), ("a.npy", npy([print], allow_pickle=True))], "allow_pickle=False"),
        ([header(), ("a.npy", HUGE)], "holds no thing"),
        ([header(), ("a.npy", npy([1]) + b"more")], "a is longer than its array"),
        ([header(), ("a.npy", b"no array")], "magic"),
        ([header(), ("a.npy", npy([1])), ("a.npy", npy([2]))], "a member twice"),
        ([header(), ("a.txt", b"")], "one that is no array"),
        ([("a.npy", npy([1]))], "it has no header"),
        ([header(TOO_DEEP)], "holds no thing"),
        ([header("{")], "holds no thing"),
        ([header("[]")], "its header is none of ours"),
        ([header(values=[1])], "its header is none of ours"),
        ([header(values=None)], "its header is none of ours"),
        ([("header.npy", npy(np.zeros(3)))], "its header is none of ours"),
        ([header(kind="agent")], "it is 'agent'"),
        ([header(version="x")], "has thing format 'x', this version of recsim-env reads format 3"),
    ],
)
def test_what_is_not_ours_is_refused_though_it_is_whole(tmp_path, members, said):
    assert said in refusal(forged(tmp_path / "f.npz", members))


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(array_file, "_MAX_BYTES", 2**20)
    path = forged(tmp_path / "f.npz", [header(), ("a.npy", bytes(2**24))])
    assert "claim to hold 16,7" in refusal(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_STORED])
def test_how_members_are_packed_does_not_matter(tmp_path, method):
    path = forged(tmp_path / "f.npz", [header(), ("a.npy", npy([1, 2]))], method=method)
    assert read_arrays(path, **KIND)[0]["a"].tolist() == [1, 2]


def test_what_cannot_be_read_is_told(tmp_path):
    assert "cannot read" in refusal(tmp_path)
    with pytest.raises(FileNotFoundError, match="none.npz: no such thing file"):
        read_arrays(tmp_path / "none.npz", **KIND)
    for content in (b"", b"PK", b"PK\x05\x06" + bytes(18), b"x" * 1000, npy([1])):
        (tmp_path / "f.npz").write_bytes(content)
        refusal(tmp_path / "f.npz")


def damaged(content, rng):
    """Returns the content with a few bits flipped, cut, or with a part doubled, lost or zero."""
    data = bytearray(content)
    kind = rng.integers(6)
    start, stop = sorted(rng.integers(0, len(data) + 1, 2).tolist())
    if kind <= 1:
        for _ in range(1 if kind == 0 else int(rng.integers(2, 20))):
            data[rng.integers(len(data))] ^= 1 << int(rng.integers(8))
        return bytes(data)
    short = slice(start, min(stop, start + 64))
    if kind == 2:
        return bytes(data[:start])
    if kind == 3:
        data[short] = bytes(len(data[short]))
    elif kind == 4:
        del data[short]
    else:
        data[start:start] = data[short]
    return bytes(data)


def count_damages(path, read, n, *, seed=0):
    """Returns how many damaged files were refused, how many were read, and the faults."""
    content, rng = path.read_bytes(), np.random.default_rng(seed)
    counts = {"refused": 0, "read": 0}
    faults = []
    for _ in range(n):
        path.write_bytes(damaged(content, rng))
        try:
            read(path)
            counts["read"] += 1
        except ValueError as error:
            is_told = path.name in str(error) and "\n" not in str(error)
            counts["refused"] += is_told
            faults += [] if is_told else [repr(error)]
        except Exception as error:
            faults.append(repr(error))
    path.write_bytes(content)
    return counts, faults


def fuzzed(tmp_path, n):
    """Damages a file n times, prints what became of it, and returns the faults."""
    path = written(tmp_path / "f.npz")
    expected = read_arrays(path, **KIND)

    def read(path):
        found = read_arrays(path, **KIND)
        assert found[1] == expected[1]
        assert all(np.array_equal(found[0][name], expected[0][name]) for name in expected[0])

    counts, faults = count_damages(path, read, n)
    print(f"damaged files of arrays: {n} tries, {counts}, {len(faults)} faults", faults[:3])
    return faults


def test_damage_is_one_error_that_names_the_file_and_never_another_content(tmp_path):
    assert not fuzzed(tmp_path, 300)


@pytest.mark.slow
def test_damage_is_one_error_thousands_of_times(tmp_path):
    assert not fuzzed(tmp_path, 20_000)
