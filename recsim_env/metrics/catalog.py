"""All measures, in the order in which they are asked."""

from __future__ import annotations

from typing import Any

from recsim_env.metrics.between import Overlap
from recsim_env.metrics.reach import ActiveMakers, Popularity, Reach
from recsim_env.metrics.regrets import Regret, Sessions
from recsim_env.metrics.slates import (
    Consumption,
    Diversity,
    FeatureRange,
    Liking,
    Novelty,
    Regretted,
    Serendipity,
)
from recsim_env.metrics.tastes import TasteChange
from recsim_env.metrics.visits import Categories, ConsumedDiversity

#: Of a slate each: their means are told of the whole and along the session.
PART_MEASURES: tuple[Any, ...] = (
    Liking,
    Diversity,
    FeatureRange,
    Novelty,
    Serendipity,
    Regretted,
)

#: Of whole evaluations.
MEASURES: tuple[Any, ...] = (
    Consumption,
    ConsumedDiversity,
    Categories,
    TasteChange,
    Regret,
    Sessions,
    Reach,
    Popularity,
    ActiveMakers,
    Overlap,
)
