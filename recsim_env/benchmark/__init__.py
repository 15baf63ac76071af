"""Which recommender serves people better: paired runs, frozen evaluations, one resumable table.

    >>> from recsim_env.benchmark import BenchmarkSettings
    >>> settings = BenchmarkSettings.create(
    ...     scenarios="InterestEvolution", agents=["linucb", "ppo"], interactions=5_000
    ... )
    >>> settings.checkpoint_interactions
    (1000, 2000, 3000, 4000, 5000)

`run_benchmark(settings, folder)` does it, and `run_until_decided` with as many seeds as it takes;
`evaluate` is its frozen evaluation alone, `simulate` that of very many people, `record` writes down
what people did, `record_visit` what one of them lived through, and `tune` looks for better settings
of an agent. What they do within ``with working_on("ray", address):`` is done by the workers of a
cluster.
"""

from recsim_env.benchmark.evaluation import Evaluation, backdrop, evaluate
from recsim_env.benchmark.experiment.runner import BenchmarkOutcome, run_benchmark
from recsim_env.benchmark.experiment.settings import BenchmarkSettings
from recsim_env.benchmark.experiment.until import run_until_decided
from recsim_env.benchmark.recording import Recording, record, record_steps
from recsim_env.benchmark.runs.places import working_on
from recsim_env.benchmark.simulation.report import Report
from recsim_env.benchmark.simulation.simulate import SimulationOutcome, simulate
from recsim_env.benchmark.tuning.settings import TuningSettings
from recsim_env.benchmark.tuning.tune import TuningOutcome, tune
from recsim_env.benchmark.visiting import record_visit

__all__ = [
    "BenchmarkOutcome",
    "BenchmarkSettings",
    "Evaluation",
    "Recording",
    "Report",
    "SimulationOutcome",
    "TuningOutcome",
    "TuningSettings",
    "backdrop",
    "evaluate",
    "record",
    "record_steps",
    "record_visit",
    "run_benchmark",
    "run_until_decided",
    "simulate",
    "tune",
    "working_on",
]
