"""Optuna, as it is used here: its search, its pruning, and without its log."""

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from recsim_env.agents.core.requirements import extra
from recsim_env.core.search import Search

#: Trials before the search follows what they were worth, and before any is given up.
N_STARTUP = 5


def optuna() -> Any:
    """Returns the library.

    Raises:
      ImportError: it is not installed; the message says how to.
    """
    return extra("optuna", needed_by="tuning", install="recsim-env[tune]")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps the library from telling of each trial, and that some of it is new, for the time."""
    library = optuna()
    before = library.logging.get_verbosity()
    library.logging.set_verbosity(library.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", library.exceptions.ExperimentalWarning)
            yield
    finally:
        library.logging.set_verbosity(before)


def median_pruner() -> Any:
    """Returns what gives up trials whose best value so far is below the median of those before."""
    return optuna().pruners.MedianPruner(n_startup_trials=N_STARTUP - 1, n_warmup_steps=0)


def sampler(search_seed: int, index: int) -> Any:
    """Returns what chooses a trial: the same for the same seed, place and trials before.

    Each trial has a generator of its own, so that a study that was interrupted chooses as if it had
    not been. Trials of one round, which know nothing of each other's worth, keep apart.

    Source: Bergstra et al. 2011, "Algorithms for hyper-parameter optimization" (TPE).
    """
    seed = int(np.random.SeedSequence([search_seed, index]).generate_state(1)[0])
    return optuna().samplers.TPESampler(
        seed=seed, n_startup_trials=N_STARTUP, multivariate=True, constant_liar=True
    )


def distributions(space: Mapping[str, Search], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a search space as the library has it; whole numbers stay whole.

    Args:
      space: where to look, by setting.
      defaults: whose types say what is a whole number.
    """
    kinds = optuna().distributions
    return {
        name: kinds.CategoricalDistribution(search.choices)
        if search.choices
        else (
            kinds.IntDistribution(int(search.low), int(search.high), log=search.log)
            if isinstance(defaults[name], int)
            else kinds.FloatDistribution(search.low, search.high, log=search.log)
        )
        for name, search in space.items()
    }
