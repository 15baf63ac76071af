"""Files are replaced whole, by one writer at a time, and killed writers leave nothing for long."""

import multiprocessing
import os
import resource
import signal
import stat
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from recsim_env.formats import locks
from recsim_env.formats.array_file import read_arrays, write_arrays
from recsim_env.formats.files import (
    check_absent,
    check_writable,
    replace_file,
    replacing,
)
from recsim_env.formats.locks import held_folder, locked

FORK = multiprocessing.get_context("fork")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def killed_while(folder: Path, name: str) -> None:
    """Writes half a draft in another process and kills it there."""

    def write() -> None:
        with replacing(folder / name) as draft:
            draft.write_text("half")
            os.kill(os.getpid(), signal.SIGKILL)

    process = FORK.Process(target=write)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


@pytest.mark.parametrize("name", ["a.csv", "a", "a[1]*.png", "ü" * 127, "-x", "a\nb"])
def test_the_next_write_of_a_file_removes_drafts_of_killed_writers(tmp_path, name):
    for _ in range(3):
        killed_while(tmp_path, name)
        assert len(names(tmp_path)) == 1
    killed_while(tmp_path, "other")
    replace_file(tmp_path / name, b"whole")
    assert (tmp_path / name).read_bytes() == b"whole"
    assert len(names(tmp_path)) == 2, "what other files' writers left is theirs to remove"
    replace_file(tmp_path / "other", b"")
    assert names(tmp_path) == sorted([name, "other"])


def test_drafts_of_living_writers_and_files_of_people_stay(tmp_path):
    mine = tmp_path / ".a.csv-00000000-notes.draft"
    mine.write_text("mine")
    with replacing(tmp_path / "a.csv") as draft:
        draft.write_text("first")
        thread = threading.Thread(target=replace_file, args=(tmp_path / "a.csv", b"second"))
        thread.start()
        thread.join()
        assert (tmp_path / "a.csv").read_text() == "second"
        process = FORK.Process(target=replace_file, args=(tmp_path / "a.csv", b"third"))
        process.start()
        process.join()
        assert draft.read_text() == "first"
    assert (tmp_path / "a.csv").read_text() == "first"
    assert names(tmp_path) == sorted([mine.name, "a.csv"])


def test_a_draft_of_another_machine_stays_for_a_day(tmp_path):
    killed_while(tmp_path, "a")
    (own,) = tmp_path.iterdir()
    _, _, rest = own.name.split("-")
    foreign = own.rename(tmp_path / f".a-00000000-{rest}")
    replace_file(tmp_path / "a", b"1")
    assert foreign.exists()
    os.utime(foreign, (time.time() - 100_000,) * 2)
    replace_file(tmp_path / "a", b"2")
    assert names(tmp_path) == ["a"]


def test_what_fails_halfway_leaves_the_file_as_it_was(tmp_path):
    file = tmp_path / "a"
    replace_file(file, b"before")
    with pytest.raises(KeyError), replacing(file) as draft:
        draft.write_text("half")
        raise KeyError
    assert file.read_bytes() == b"before"
    assert names(tmp_path) == ["a"]


def test_a_replaced_file_keeps_its_permissions_and_a_link_stays_a_link(tmp_path):
    (tmp_path / "far").mkdir()
    file, link = tmp_path / "far" / "a", tmp_path / "link"
    link.symlink_to(file)
    replace_file(link, b"new")
    usual = tmp_path / "usual"
    usual.write_bytes(b"")
    assert file.stat().st_mode == usual.stat().st_mode
    file.chmod(0o640)
    replace_file(link, b"newer")
    assert link.is_symlink()
    assert file.read_bytes() == b"newer"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert names(tmp_path / "far") == ["a"]


def test_what_cannot_be_written_is_told_by_its_name_before_and_after(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    for path, error, message in [
        (tmp_path / "folder", IsADirectoryError, "is a folder; name a file in it: .*folder'"),
        (tmp_path / "file" / "a", NotADirectoryError, "file is no folder: .*file/a'"),
        (tmp_path / "file" / "b" / "a", NotADirectoryError, "file is no folder"),
        (Path(os.devnull), ValueError, "/dev/null is no ordinary file"),
    ]:
        with pytest.raises(error, match=message):
            check_writable(path)
        with pytest.raises(error, match=message), replacing(path):
            pass
    with (
        pytest.raises(FileNotFoundError, match=r"No such file or directory: '.*/none/a'"),
        replacing(tmp_path / "none" / "a"),
    ):
        pass
    assert names(tmp_path) == ["file", "folder"]


@pytest.mark.skipif(os.geteuid() == 0, reason="an administrator may write everywhere")
def test_what_is_read_only_is_not_replaced(tmp_path):
    file = tmp_path / "a"
    file.write_text("kept")
    file.chmod(0o444)
    with pytest.raises(PermissionError, match="a is read-only"):
        replace_file(file, b"new")
    tmp_path.chmod(0o555)
    with pytest.raises(PermissionError, match="is read-only: .*/b'"):
        replace_file(tmp_path / "b", b"new")
    tmp_path.chmod(0o755)


@pytest.mark.parametrize("what", ["bytes", "arrays"])
def test_a_full_disk_is_told_by_the_file_s_name(tmp_path, what):
    def write() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        try:
            if what == "bytes":
                replace_file(tmp_path / "a", bytes(20_000))
            else:
                noise = np.random.default_rng(0).random(10_000)
                write_arrays(tmp_path / "a", {"noise": noise}, {}, kind="noise", version=1)
        except OSError as error:
            os._exit(0 if f"File too large: '{tmp_path / 'a'}'" in str(error) else 2)
        os._exit(1)

    replace_file(tmp_path / "a", b"before")
    process = FORK.Process(target=write)
    process.start()
    process.join()
    assert process.exitcode == 0
    assert (tmp_path / "a").read_bytes() == b"before"
    assert names(tmp_path) == ["a"]


def test_what_is_there_is_refused_with_the_remedy_unless_given_up(tmp_path):
    check_absent(tmp_path / "new" / "a.csv", overwrite=False)
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(ValueError, match=r"a\.csv exists; --overwrite replaces it"):
        check_absent(tmp_path / "a.csv", overwrite=False)
    check_absent(tmp_path / "a.csv", overwrite=True)
    with pytest.raises(IsADirectoryError):
        check_absent(tmp_path, overwrite=True)


def test_one_holds_a_file_at_a_time_also_while_it_is_replaced(tmp_path):
    file, n_threads, n_times = tmp_path / "count", 4, 25

    def add() -> None:
        for place in range(n_times):
            with locked(file) as held:
                number = int(held.readall() or b"0") + 1
                if place % 2:
                    replace_file(file, b"%d" % number)
                else:
                    held.seek(0)
                    held.write(b"%d" % number)

    def add_in_threads() -> None:
        threads = [threading.Thread(target=add) for _ in range(n_threads // 2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    processes = [FORK.Process(target=add_in_threads) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert file.read_bytes() == b"%d" % (n_threads * n_times)
    assert names(tmp_path) == ["count"]


def test_a_killed_holder_frees_the_file(tmp_path):
    def hold() -> None:
        with locked(tmp_path / "a"):
            os.kill(os.getpid(), signal.SIGKILL)

    process = FORK.Process(target=hold)
    process.start()
    process.join()
    with locked(tmp_path / "a") as held:
        assert held.readall() == b""


def test_a_system_without_locks_writes_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "fcntl", None)
    for content in (b"first", b"second"):
        replace_file(tmp_path / "a", content)
    with locked(tmp_path / "a") as held:
        assert held.readall() == b"second"
    with held_folder(tmp_path) as is_free:
        assert is_free
    assert names(tmp_path) == ["a"]


def write_for_ever(folder: Path, start: int) -> None:
    for number in range(start, start + 10_000):
        write_arrays(
            folder / "a.npz", {"same": np.full(20_000, number)}, {}, kind="numbers", version=1
        )
        replace_file(folder / "b", b"%d " % number * 20_000)


def check_kills(folder: Path, n_kills: int) -> None:
    """Kills writers of two files at random moments: each is whole, and drafts do not add up."""
    rng = np.random.default_rng(0)
    for place in range(n_kills):
        process = FORK.Process(target=write_for_ever, args=(folder, 10_000 * place))
        process.start()
        while not (folder / "b").exists():
            time.sleep(0.001)
        time.sleep(0.02 * rng.random())
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        arrays, _ = read_arrays(folder / "a.npz", kind="numbers", version=1)
        assert len(arrays["same"]) == 20_000 and np.ptp(arrays["same"]) == 0
        assert len(set((folder / "b").read_bytes().split())) == 1
        assert len(names(folder)) <= 4, "two files, and a draft of each"
    replace_file(folder / "b", b"last")
    write_arrays(folder / "a.npz", {}, {}, kind="numbers", version=1)
    assert names(folder) == ["a.npz", "b"]
    print(f"{n_kills} kills: 0 files damaged, 0 drafts left behind")


def test_a_writer_killed_at_any_moment_leaves_whole_files(tmp_path):
    check_kills(tmp_path, 5)


@pytest.mark.slow
def test_two_hundred_killed_writers(tmp_path):
    check_kills(tmp_path, 200)
