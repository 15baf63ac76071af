"""Whatever is done to a table's file is noticed, or is what a kill would have left."""

import itertools
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recsim_env.results.layout import Row
from recsim_env.results.table import ResultTable

FORK = multiprocessing.get_context("fork")
Lines = list[bytes]


def random_run(seed: int, rng: random.Random) -> list[Row]:
    """Returns a run of one to six rows, or a failed one."""
    name: Row = {"scenario": "S-v0", "agent": "ials", "seed": seed, "config_hash": "c0"}
    if rng.random() < 0.2:
        return [{**name, "phase": "failed", "error": f'Error {rng.random()}: "a,b"\nno'}]
    online = [
        {**name, "phase": "online", "interactions": 10 * k, "reward_per_step": rng.random()}
        for k in range(rng.randrange(6))
    ]
    return [*online, {**name, "phase": "final", "return_mean": rng.random()}]


def runs_in(table: ResultTable) -> list[str]:
    """Returns the runs as texts, in the order of the file."""
    by_seed: dict[int, Any] = {}
    for row in table.rows():
        by_seed.setdefault(row["seed"], []).append(tuple(row.items()))
    return [repr(run) for run in by_seed.values()]


def drop(lines: Lines, rng: random.Random) -> Lines:
    at = rng.randrange(len(lines))
    return lines[:at] + lines[at + rng.choice([1, 1, 2, 5]) :]


def double(lines: Lines, rng: random.Random) -> Lines:
    start = rng.randrange(len(lines))
    stop = start + rng.choice([1, 1, 2, 5])
    return lines[:stop] + lines[start:]


def swap(lines: Lines, rng: random.Random) -> Lines:
    changed, (i, j) = list(lines), rng.sample(range(len(lines)), 2)
    changed[i], changed[j] = changed[j], changed[i]
    return changed


def move(lines: Lines, rng: random.Random) -> Lines:
    changed = list(lines)
    line = changed.pop(rng.randrange(len(changed)))
    changed.insert(rng.randrange(len(changed) + 1), line)
    return changed


def copy_over(lines: Lines, rng: random.Random) -> Lines:
    changed, (i, j) = list(lines), rng.sample(range(len(lines)), 2)
    changed[i] = changed[j]
    return changed


def change_byte(lines: Lines, rng: random.Random) -> Lines:
    content = bytearray(b"".join(lines))
    content[rng.randrange(len(content))] = rng.randrange(256)
    return bytes(content).splitlines(keepends=True)


def change_digit(lines: Lines, rng: random.Random) -> Lines:
    content = bytearray(b"".join(lines))
    at = rng.choice([place for place, byte in enumerate(content) if chr(byte).isdigit()])
    content[at] = ord(rng.choice("0123456789"))
    return [bytes(content)]


def cut_bytes(lines: Lines, rng: random.Random) -> Lines:
    content = b"".join(lines)
    start = rng.randrange(len(content))
    return [content[:start] + content[start + rng.choice([1, 10, 200]) :]]


def insert_bytes(lines: Lines, rng: random.Random) -> Lines:
    content = b"".join(lines)
    at = rng.randrange(len(content) + 1)
    return [content[:at] + rng.choice([b"\n", b",", b"0", b'"', b"\0", b"\r"]) + content[at:]]


def truncate(lines: Lines, rng: random.Random) -> Lines:
    content = b"".join(lines)
    return [content[: rng.randrange(len(content))]]


def truncate_line(lines: Lines, rng: random.Random) -> Lines:
    changed, at = list(lines), rng.randrange(len(lines))
    changed[at] = changed[at][: rng.randrange(len(changed[at]))] + b"\n"
    return changed


def blank(lines: Lines, rng: random.Random) -> Lines:
    content = bytearray(b"".join(lines))
    start = rng.randrange(len(content))
    content[start : start + 512] = bytes(len(content[start : start + 512]))
    return [bytes(content)]


def other_line_ends(lines: Lines, rng: random.Random) -> Lines:
    return [line.replace(b"\n", b"\r\n") for line in lines]


def runs_of(lines: Lines) -> list[Lines]:
    found: list[Lines] = [[]]
    for line in lines[1:]:
        found[-1].append(line)
        if b",final," in line or b",failed," in line:
            found.append([])
    return found[:-1]


def drop_run(lines: Lines, rng: random.Random) -> Lines:
    runs = runs_of(lines)
    runs.pop(rng.randrange(len(runs)))
    return [lines[0], *itertools.chain(*runs)]


def double_run(lines: Lines, rng: random.Random) -> Lines:
    runs = runs_of(lines)
    runs.insert(rng.randrange(len(runs) + 1), rng.choice(runs))
    return [lines[0], *itertools.chain(*runs)]


def shuffle_runs(lines: Lines, rng: random.Random) -> Lines:
    runs = runs_of(lines)
    rng.shuffle(runs)
    return [lines[0], *itertools.chain(*runs)]


DAMAGES: tuple[Callable[[Lines, random.Random], Lines], ...] = (
    *(drop, double, swap, move, copy_over, change_byte, change_digit, cut_bytes, insert_bytes),
    *(truncate, truncate_line, blank, other_line_ends, drop_run, double_run, shuffle_runs),
)


def judged(file: Path, before: bytes, runs: list[str]) -> str:
    """Returns what became of a damaged table: unchanged, noticed, cut at its end, or believed."""
    if file.read_bytes() == before:
        return "unchanged"
    try:
        kept = runs_in(ResultTable(file.parent))
        answer = "cut" if kept == runs[: len(kept)] else "BELIEVED"
    except ValueError as error:
        answer = "noticed" if f"{file}, line " in str(error) else "UNCLEAR"
    try:
        if set(runs_in(ResultTable(file.parent, overwrite=True))) - set(runs):
            answer = "BELIEVED when overwriting"
    except ValueError as error:
        answer = answer if "line 1: " in str(error) else "NOT OVERWRITTEN"
    return answer


def damaged(folder: Path, n_tries: int) -> Counter[tuple[str, str]]:
    """Damages tables in every way, and counts what became of them."""
    rng, seen = random.Random(1), Counter[tuple[str, str]]()
    file = folder / "rows.csv"
    before, runs = b"", list[str]()
    for place in range(n_tries):
        if place % 100 == 0:
            file.unlink(missing_ok=True)
            table = ResultTable(folder)
            for seed in range(8):
                table.append_run(random_run(seed, rng))
            before, runs = file.read_bytes(), runs_in(table)
        damage = DAMAGES[place % len(DAMAGES)]
        file.write_bytes(b"".join(damage(before.splitlines(keepends=True), rng)))
        seen[damage.__name__, judged(file, before, runs)] += 1
    return seen


def check_damages(folder: Path, n_tries: int) -> None:
    seen = damaged(folder, n_tries)
    answers = Counter[str]()
    for (damage, answer), times in sorted(seen.items()):
        print(f"{damage:16} {answer:10} {times}")
        answers[answer] += times
    print(f"{n_tries} damaged tables: {dict(answers)}")
    assert set(answers) <= {"unchanged", "noticed", "cut"}


def test_damage_is_noticed_or_what_a_kill_would_have_left(tmp_path: Path) -> None:
    check_damages(tmp_path, 320)


@pytest.mark.slow
def test_ten_thousand_damages(tmp_path: Path) -> None:
    check_damages(tmp_path, 10_000)


def write_for_ever(folder: Path, first: int, told: Any) -> None:
    """Adds new runs and replaces old ones, and tells after each that it is kept."""
    rng, table = random.Random(first), ResultTable(folder)
    for seed in range(first, first + 10_000):
        table.append_run(random_run(seed, rng))
        told.send(seed)
        if rng.random() < 0.5:
            table.append_run(random_run(rng.randrange(seed + 1), rng))


def check_kills(folder: Path, n_kills: int) -> None:
    """Kills writers of one table at random moments; what they said they kept is there."""
    rng, kept = random.Random(2), set[int]()
    for _ in range(n_kills):
        listening, telling = FORK.Pipe(duplex=False)
        first = max(kept, default=-1) + 1
        writer = FORK.Process(target=write_for_ever, args=(folder, first, telling))
        writer.start()
        telling.close()
        kept.add(listening.recv())
        time.sleep(rng.random() * 0.02)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        while listening.poll():
            try:
                kept.add(listening.recv())
            except EOFError:
                break
        found = {row["seed"] for row in ResultTable(folder).rows()}
        assert kept <= found, "a run was lost"
        assert len(found - kept) <= 1, "only the last may not have been told"
        kept = found
        leftover = [path for path in folder.iterdir() if path.name != "rows.csv"]
        assert len(leftover) <= 1, "what an earlier kill left was not cleared"
    ResultTable(folder).append_run(random_run(0, rng))
    assert [path.name for path in folder.iterdir()] == ["rows.csv"]
    print(f"{n_kills} kills: {len(kept)} runs kept, 0 lost, 0 files left behind")


def test_what_a_killed_writer_said_it_kept_is_there(tmp_path: Path) -> None:
    check_kills(tmp_path, 5)


@pytest.mark.slow
def test_two_hundred_kills(tmp_path: Path) -> None:
    check_kills(tmp_path, 200)


def check_races(folder: Path, n_races: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets three processes append at one moment: each run is there, or its writer was refused."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    rng, seen = random.Random(3), Counter[str]()
    file = folder / "rows.csv"
    for place in range(n_races):
        file.unlink(missing_ok=True)
        if place % 3:
            ResultTable(folder).append_run(random_run(0, rng))
        if place % 3 == 2:  # the next write replaces the file
            file.write_bytes(file.read_bytes() + b"S-v0,ials,")
        go, answers = FORK.Event(), FORK.Queue()

        def append(seed: int, go: Any = go, answers: Any = answers) -> None:
            table, run = ResultTable(folder), random_run(seed, random.Random(seed))
            answers.put("ready")
            go.wait()
            try:
                table.append_run(run)
                answers.put("kept")
            except RuntimeError:
                answers.put("refused")

        writers = [FORK.Process(target=append, args=(seed,)) for seed in (1, 2, 3)]
        for writer in writers:
            writer.start()
        assert [answers.get() for _ in writers] == ["ready"] * 3
        go.set()
        said = [answers.get() for _ in writers]
        for writer in writers:
            writer.join()
        assert len(runs_in(ResultTable(folder))) == bool(place % 3) + said.count("kept")
        assert said.count("kept") >= 1
        seen.update(said)
    print(f"{n_races} races of 3 writers: {dict(seen)}, 0 lost, 0 unreadable")


def test_of_writers_at_one_moment_each_is_kept_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_races(tmp_path, 12, monkeypatch)


@pytest.mark.slow
def test_five_hundred_races(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_races(tmp_path, 500, monkeypatch)
