"""Models of hand-made tables, and questions to them."""

from dataclasses import replace

import numpy as np

from recsim_env.agents.recommenders.query import RECENT, Fit, Query, nothing_recent


def fitted(kind, table, *, seed=1, previous=None, **settings):
    """Returns the model that a recommender makes of a table."""
    chosen = kind.Settings(**settings)
    return kind.fit_table(Fit(table=table, settings=chosen, seed=seed, previous=previous))


def asked(user, item=None, recent=(), **columns):
    """Returns the query of one person, who liked `recent` in this session."""
    item = None if item is None else np.array([item])
    query = Query(user=np.array([user]), item=item, recent=nothing_recent(1))
    query.recent[0, RECENT - len(recent) :] = recent
    return replace(query, **{name: np.asarray([value]) for name, value in columns.items()})
