"""All measures, in the order in which they are asked."""

from __future__ import annotations

from typing import Any

from recsim_env.metrics.between import Overlap
from recsim_env.metrics.reach import ActiveMakers, Popularity, Reach
from recsim_env.metrics.slates import Diversity, Liking

#: Of a slate each: their means are told of the whole and along the session.
PART_MEASURES: tuple[Any, ...] = (Liking, Diversity)

#: Of whole evaluations.
MEASURES: tuple[Any, ...] = (Reach, Popularity, ActiveMakers, Overlap)
