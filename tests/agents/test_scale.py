"""A million people and a hundred thousand items: fits fit the memory, and serving is prompt."""

import time
import tracemalloc

import numpy as np
import pytest

from recsim_env.agents import agent_class
from recsim_env.agents.recommenders.query import Query, nothing_recent
from recsim_env.data.interactions import Interactions
from tests.agents.recommenders.asking import fitted

N_USERS, N_ITEMS, N_ROWS = 1_000_000, 100_000, 3_000_000

#: Processor seconds in which 4,096 people are served 20 candidates each. `user_knn` looks for their
#: neighbours only then.
SECONDS = {"popularity": 0.1, "item_knn": 0.1, "svd": 0.1, "bpr": 0.1, "ials": 0.1, "user_knn": 0.3}


def long_tailed(rng, n, size, power):
    return (n * rng.random(size) ** power).astype(np.int64)


@pytest.fixture(scope="module")
def table():
    """Three items in ten are liked; the hundredth part of the items has a fifth of the rows."""
    rng = np.random.default_rng(0)
    user = long_tailed(rng, N_USERS, N_ROWS, 1.5)
    none = np.empty((N_ROWS, 0), np.float32)
    return Interactions(
        user=user,
        item=long_tailed(rng, N_ITEMS, N_ROWS, 3.0),
        reward=(rng.random(N_ROWS) < 0.3).astype(np.float32),
        n_users=N_USERS,
        n_items=N_ITEMS,
        examination_probability=np.ones(N_ROWS, np.float32),
        session=user,
        slate=np.arange(N_ROWS),
        features=none,
        context=none,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", SECONDS)
def test_a_million_people_are_served_promptly(name, table):
    if name == "ials":
        pytest.importorskip("implicit", reason='needs pip install "recsim-env[agents]"')
    kind = agent_class(name)
    settings = {"epochs": 2} if name == "bpr" else {}
    fitted(kind, table.select(slice(0, 1_000)), **settings)  # compiles
    tracemalloc.start()
    model = fitted(kind, table, **settings)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 2e9
    rng = np.random.default_rng(1)
    query = Query(
        user=long_tailed(rng, N_USERS, 4_096, 1.5),
        item=long_tailed(rng, N_ITEMS, (4_096, 20), 3.0),
        recent=nothing_recent(4_096),
    )
    query.user[::8] = -1
    query.recent[:, -3:] = long_tailed(rng, N_ITEMS, (4_096, 3), 3.0)
    seconds = []
    for _ in range(5):
        start = time.process_time()
        found = kind.affinity(model, query)
        seconds.append(time.process_time() - start)
    assert np.isfinite(found).all()
    assert min(seconds) < SECONDS[name]
