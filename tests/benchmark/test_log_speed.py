"""The made-up log on which work with logs is timed looks like a log."""

import numpy as np

from recsim_env.benchmark.log_speed import STAGES, made_up_log, write_log
from recsim_env.data import read_log


def test_a_made_up_log_is_long_tailed_and_comes_back_from_its_file(tmp_path):
    log = made_up_log(20_000)
    assert len(log) == 20_000 and len({*zip(log.user, log.item, strict=True)}) == 20_000
    counts = np.sort(np.bincount(log.item, minlength=log.n_items))[::-1]
    assert counts[: log.n_items // 10].sum() > 0.3 * len(log)
    assert set(log.rating) == set(np.arange(1, 11) / 2)
    sessions = np.bincount(log.sessions())
    assert 5 < sessions.mean() < 40
    write_log(log, tmp_path / "log.csv")
    read = read_log(tmp_path / "log.csv")
    assert read.user_labels[read.user].tolist() == log.user_labels[log.user].tolist()
    assert read.rating.tolist() == log.rating.tolist() and read.time.tolist() == log.time.tolist()


def test_each_kind_of_work_with_a_log_can_be_done():
    log = made_up_log(5_000)
    for name in ("rank popularity, item_knn, ials", "rank ease"):
        STAGES[name].of_log(log)
