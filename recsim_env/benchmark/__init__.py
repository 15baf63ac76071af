"""Which recommender serves people better: paired runs, frozen evaluations, one resumable table.

    >>> from recsim_env.benchmark import BenchmarkSettings
    >>> settings = BenchmarkSettings.create(
    ...     scenarios="InterestEvolution", agents=["linucb", "ppo"], interactions=5_000
    ... )
    >>> settings.checkpoint_interactions
    (1000, 2000, 3000, 4000, 5000)

`run_benchmark(settings, folder)` does it; `evaluate` is its frozen evaluation alone.
"""

from recsim_env.benchmark.evaluation import Evaluation, evaluate
from recsim_env.benchmark.experiment.runner import BenchmarkOutcome, run_benchmark
from recsim_env.benchmark.experiment.settings import BenchmarkSettings

__all__ = ["BenchmarkOutcome", "BenchmarkSettings", "Evaluation", "evaluate", "run_benchmark"]
