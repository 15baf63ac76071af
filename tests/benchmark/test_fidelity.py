"""A log's world, and what is said of its people, do not depend on how its rows were stored."""

import warnings

import numpy as np
import pytest

from recsim_env.benchmark.fidelity import measure_fidelity
from recsim_env.data import CalibrationSettings, LogWarning, calibrate, read_log


def random_lines(kind, times, rng):
    """Returns the header of a small log and its rows, in any order."""
    columns = ["user", "item", *(["rating"] if kind == "ratings" else [])]
    rows = []
    for user in range(60):
        for item in rng.permutation(60)[:15]:
            row = [f"u{user}", f"i{item}"]
            row += [str(rng.integers(1, 6))] if kind == "ratings" else []
            day = 86_400 * int(rng.integers(5)) if times == "dates" else len(rows)
            row += [] if times == "none" else [str(1_300_000_000 + day)]
            rows.append(",".join(row))
    return ",".join([*columns, *([] if times == "none" else ["time"])]), rows


def found(path, header, rows):
    """Returns all that a calibration makes of these rows, or why it refuses them."""
    path.write_text("\n".join([header, *rows]) + "\n")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LogWarning)
        log = read_log(path)
    settings = CalibrationSettings(n_factors=2)
    try:
        calibrate(log, settings).save(path.with_suffix(".npz"))
        return path.with_suffix(".npz").read_bytes(), str(measure_fidelity(log, settings).rows)
    except ValueError as error:
        return str(error)


@pytest.mark.slow
def test_any_order_of_rows_gives_the_same_world_and_the_same_report(tmp_path, capsys):
    rng = np.random.default_rng(0)
    counts = {"tries": 0, "refused": 0, "worked": 0, "faults": 0}
    for kind in ("ratings", "clicks"):
        for times in ("none", "dates", "exact"):
            header, rows = random_lines(kind, times, rng)
            both = [found(tmp_path / "log.csv", header, rng.permutation(rows)) for _ in range(2)]
            counts["tries"] += 2
            counts["refused" if isinstance(both[0], str) else "worked"] += 2
            counts["faults"] += both[0] != both[1]
    with capsys.disabled():
        print(f"\norders of rows of a world: {counts}")
    assert not counts["faults"] and counts["worked"] > counts["refused"]
