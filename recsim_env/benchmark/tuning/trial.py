"""One trial: the same settings learn in several worlds side by side, until they fall behind."""

import contextlib
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsim_env.agents import make_agent
from recsim_env.benchmark.evaluation import evaluate
from recsim_env.benchmark.experiment.run import OnlineRecord, Run, learn_until
from recsim_env.benchmark.runs.processes import rows_or_error
from recsim_env.benchmark.tuning.optimizer import median_pruner, optuna, quiet
from recsim_env.envs import RecommendationVectorEnv, resolve_scenario
from recsim_env.results.layout import Row, RunKey


@dataclass(frozen=True)
class Trial:
    """Settings that are tried.

    Attributes:
      number: of the trial in its study.
      runs: with these settings, one for each seed.
      finished: the study's complete trials, with which it is compared at every checkpoint.
    """

    number: int
    runs: tuple[Run, ...]
    finished: tuple[Any, ...]

    @property
    def key(self) -> RunKey:
        """Names it."""
        return self.runs[0].scenario_label, self.runs[0].agent, self.number

    @property
    def config_hash(self) -> str:
        """Of its settings."""
        return self.runs[0].config_hash


def play_trial(trial: Trial) -> tuple[list[Row], str]:
    """Plays a trial, wherever that is, and returns what it was worth in one row.

    The row has the mean return over seeds at each checkpoint (`values`), and whether the trial was
    given up before the last (`is_pruned`); of one that failed it has `error`.
    """
    return rows_or_error(functools.partial(_play, trial))


def _play(trial: Trial) -> list[Row]:
    values = list[float]()
    with contextlib.ExitStack() as stack:
        learners = [_Learner(run, stack) for run in trial.runs]
        gives_up = _Comparison(trial.finished)
        checkpoints = trial.runs[0].protocol.checkpoints
        for due in checkpoints:
            values.append(float(np.mean([each.value_after(due) for each in learners])))
            if not np.isfinite(values[-1]):
                raise ValueError(f"the mean return after {due:,} interactions is {values[-1]}")
            if gives_up.after(values) and due < checkpoints[-1]:
                return [{"values": values, "is_pruned": True}]
    return [{"values": values, "is_pruned": False}]


class _Learner:
    """An agent that learns with one seed, and is evaluated on the same people again and again."""

    def __init__(self, run: Run, stack: contextlib.ExitStack) -> None:
        env = RecommendationVectorEnv(run.scenario, num_envs=run.protocol.num_envs)
        stack.callback(env.close)
        self._run = run
        self._agent = make_agent(run.agent, env, seed=run.learning_seed, **run.agent_settings)
        self._record = OnlineRecord()
        self._future = resolve_scenario(run.scenario, **run.scenario.evaluation_settings())

    def value_after(self, n_interactions: int) -> float:
        """Returns the mean return of an episode once so many interactions are learned from."""
        learn_until(self._agent, self._record, n_interactions)
        return evaluate(
            self._agent,
            self._future,
            n_episodes=self._run.protocol.eval_episodes,
            seed=self._run.evaluation_seed,
        ).return_mean


class _Comparison:
    """Tells whether a trial is worse than the median of those that finished.

    It needs no access to the study, so that a trial may be played on any machine, and depends on
    what was finished when it began alone.
    """

    def __init__(self, finished: tuple[Any, ...]) -> None:
        with quiet():
            study = optuna().create_study(direction="maximize", pruner=median_pruner())
            study.add_trials(finished)
            self._trial = study.ask()

    def after(self, values: list[float]) -> bool:
        """Returns whether it should be given up, by its values up to the last checkpoint."""
        self._trial.report(values[-1], len(values))
        return bool(self._trial.should_prune())
