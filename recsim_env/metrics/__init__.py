"""What recommending does to people, measured while they are served.

A `Meter` watches an evaluation and hands what was served, in blocks, to measures; each adds up what
its metrics need and keeps no log. `recsim_env.results.metrics` says what the metrics mean.
"""

from recsim_env.metrics.measurement import PARTS, Backdrop, Measurement
from recsim_env.metrics.measures import Measure, PartMeasure
from recsim_env.metrics.meter import Meter
from recsim_env.metrics.served import People, Served, Stage

__all__ = [
    "PARTS",
    "Backdrop",
    "Measure",
    "Measurement",
    "Meter",
    "PartMeasure",
    "People",
    "Served",
    "Stage",
]
