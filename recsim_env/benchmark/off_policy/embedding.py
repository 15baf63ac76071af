"""Embeddings of actions for marginalized IPS: what items show, or tables tell of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recsim_env.benchmark.off_policy.policy_log import PolicyLog
from recsim_env.inputs.spelling import did_you_mean
from recsim_env.ope.checks import Floats

#: As many different embeddings, at most, are kinds of items; of more each is a place in space.
_MOST_KINDS = 100


@dataclass(frozen=True, eq=False)
class Embedding:
    """What is taken to be all of an action that its reward depends on.

    Attributes:
      name: as people know it; empty for the topic that scenarios name themselves.
      candidates: (n, n_candidates, d), of each candidate in each row of a log.
      is_kind: whether its numbers name kinds, however many, and are no places in space.
    """

    name: str
    candidates: Floats
    is_kind: bool = False

    def shown(self, slates: np.ndarray) -> Floats:
        """Returns those of what single items show, (n, d)."""
        return self.candidates[np.arange(len(slates)), slates[:, 0]]

    @cached_property
    def kinds(self) -> np.ndarray | None:
        """(n, n_candidates), which are alike; None where there are too many different ones."""
        base = self.candidates
        if base.strides[0] == 0:  # the same in every row
            base = base[:1]
        flat = base.reshape(-1, base.shape[2])
        sample = np.unique(flat[:: max(1, len(flat) // 10_000)], axis=0)
        if len(sample) > _MOST_KINDS and not self.is_kind:
            return None
        different, number = np.unique(flat, axis=0, return_inverse=True)
        if len(different) > _MOST_KINDS and not self.is_kind:
            return None
        return np.broadcast_to(number.reshape(base.shape[:2]), self.candidates.shape[:2])


def topic_embedding(log: PolicyLog) -> Embedding | None:
    """Returns the topic that a scenario names itself, where single items show it."""
    if log.scenario is None or log.slate_size > 1 or "candidates" not in log.columns:
        return None
    columns = log.scenario.schema.category_columns(log.scenario.category)
    topics = log["candidates"][:, :, columns]
    if topics.shape[2] < 2:
        return None
    return Embedding("", topics.argmax(axis=2)[:, :, None].astype(np.float64), is_kind=True)


def shown_embedding(log: PolicyLog, names: Sequence[str]) -> Embedding:
    """Returns some of the features that items show.

    Args:
      log: of single items.
      names: of fields of `candidates`, of columns that are numbered, such as "topic" of "topic_0",
        "topic_1" and so on, or of single columns.

    Raises:
      ValueError: items show no features, or none of that name; or slates have several places.
    """
    _check_single(log)
    columns = _columns(log)
    if not columns:
        raise ValueError(
            f"items of the log show no features, so that there is no {', '.join(names)}; give a "
            "table of them (on the command line, --items FILE)"
        )
    for name in names:
        if name not in columns:
            raise ValueError(
                f"items show no {name!r}; they show {', '.join(sorted(columns))}"
                f"{did_you_mean(name, columns)}"
            )
    at = [k for name in names for k in columns[name]]
    return Embedding(", ".join(names), log["candidates"][:, :, at].astype(np.float64))


def item_embedding(log: PolicyLog, features: Mapping[str, Sequence[float]], name: str) -> Embedding:
    """Returns features of a table of items.

    Args:
      log: of single items, with the same actions in every row, or ids of items.
      features: of each item by its id, as text; they are as many for each.
      name: of the embedding.

    Raises:
      ValueError: an item is lacking, or slates have several places.
    """
    _check_single(log)
    ids = log.columns.get("item_id")
    labels = _labels(log, ids)
    lacking = [each for each in labels if each not in features]
    if lacking:
        raise ValueError(
            f"the table of items lacks {len(lacking):,} of {len(labels):,} items of the log, such "
            f"as {lacking[0]!r}; it must describe all"
        )
    table = np.array([features[each] for each in labels], dtype=np.float64)
    if ids is None:
        return Embedding(name, np.broadcast_to(table, (len(log), *table.shape)))
    known, number = np.unique(ids, return_inverse=True)
    assert len(known) == len(table)
    return Embedding(name, table[number.reshape(ids.shape)])


def _labels(log: PolicyLog, ids: np.ndarray | None) -> list[str]:
    """Returns names of the actions, or of the items that were offered, in their order."""
    if ids is not None:
        return [str(each) for each in np.unique(ids).tolist()]
    known = log.about.get("actions") or range(log.n_candidates)
    return [str(each) for each in known]


def _check_single(log: PolicyLog) -> None:
    if log.slate_size > 1:
        raise ValueError(
            f"marginalized IPS judges single items, and the log has slates of {log.slate_size}; "
            "leave the embedding out (on the command line, --embedding)"
        )


def _columns(log: PolicyLog) -> dict[str, list[int]]:
    """Returns which columns of `candidates` a field has, or numbered columns, or is, by name."""
    part = log.scenario.schema.parts.get("candidates") if log.scenario else None
    found: dict[str, list[int]] = {}
    at = 0
    for name, field in part.fields.items() if part else ():
        for column in field.column_names(name):
            start, _, end = column.rpartition("_")
            names = {name, column, start} if start and end.isdecimal() else {name, column}
            for each in names:
                found.setdefault(each, []).append(at)
            at += 1
    return found
