"""Keeps the learning curve of a training run beside the agent's file, through every resumption."""

from typing import Any

from recsim_env.agents import Agent
from recsim_env.benchmark.evaluation import N_SLOTS, evaluate
from recsim_env.benchmark.monitoring import Write
from recsim_env.benchmark.training import TrainingRun
from recsim_env.envs.resolving import resolve_scenario
from recsim_env.results.intervals import Estimate, estimate
from recsim_env.results.layout import Row
from recsim_env.results.learning_curve import curve_file, read_curve, write_curve
from recsim_env.results.wording import with_interval

#: Quantities of a `LearningMonitor` that a curve keeps, and their columns.
_KEPT = {"online/reward_per_step": "reward_per_step", "online/return": "return_mean"}

#: What others are told of an evaluation.
_EVALUATED = ("reward_per_step", "return_mean", "return_low", "return_high")

#: Seeds of the people who are evaluated, as in a benchmark far from those learned from.
_FAR = 1_000_000


class LearningCurve:
    """The reward of one training run as it goes on; calling it adds what a monitor writes.

    Args:
      run: the training run.
      n_before: interactions that the agent of its file learned from; later rows were lost with the
        agent that they are of, and are dropped.

    Attributes:
      rows: in order.

    Raises:
      ValueError: the file beside the agent's is of another run, or damaged.
    """

    def __init__(self, run: TrainingRun, *, n_before: int = 0) -> None:
        self._run, self._file = run, curve_file(run.path)
        about = run.about()
        self._about: Row = {name: about[name] for name in ("scenario", "agent", "seed")}
        self.rows: list[Row] = []
        if n_before and self._file.exists():
            self.rows = [row for row in read_curve(self._file) if row["interactions"] <= n_before]
            self._check_own()

    def _check_own(self) -> None:
        for row in self.rows[:1]:
            for name, value in self._about.items():
                if row[name] != value:
                    raise ValueError(
                        f"{self._file} is of another run ({name}: {row[name]!r} there, {value!r} "
                        "here); move it away to go on"
                    )

    def __call__(self, name: str, value: float, n_interactions: int) -> None:
        """Adds a quantity of the people that the agent learns from."""
        column = _KEPT.get(name)
        if column is None:
            return
        is_new = not self.rows or self.rows[-1]["interactions"] != n_interactions
        if is_new or self.rows[-1]["phase"] != "online":
            self.rows.append(self._about | {"phase": "online", "interactions": n_interactions})
        self.rows[-1][column] = value

    def evaluate(self, agent: Agent, n_people: int, also: Write | None = None) -> None:
        """Adds a frozen evaluation.

        Args:
          agent: of the run; it goes on learning as if it had not been evaluated.
          n_people: how many are served; the same each time.
          also: takes what it found, as `evaluation/...`.
        """
        scenario = self._run.env.scenario
        future = resolve_scenario(scenario, **scenario.evaluation_settings())
        found = evaluate(
            agent,
            future,
            n_episodes=n_people,
            num_envs=_slots(n_people),
            seed=self._run.seed + _FAR,
        )
        returns = estimate(found.returns)
        values: dict[str, Any] = {
            "phase": "evaluation",
            "interactions": agent.num_timesteps,
            "episodes": n_people,
            "reward_per_step": found.reward_per_step,
            "return_mean": returns.mean,
            "return_low": returns.low,
            "return_high": returns.high,
        }
        self.rows.append(self._about | values)
        if also is not None:
            for name in _EVALUATED:
                also(f"evaluation/{name}", values[name], agent.num_timesteps)

    def sentence(self) -> str:
        """Returns what a session earned before and after, where that was evaluated."""
        found = [row for row in self.rows if row["phase"] == "evaluation"]
        if not found:
            return f"its learning curve: {self._file}"
        ends = found[:1] if len(found) == 1 else [found[0], found[-1]]
        said = [
            f"{with_interval(_estimate(row))} after {row['interactions']:,} interactions"
            for row in ends
        ]
        people = (
            f"{ends[-1]['episodes']:,} other people, served frozen, {_estimate(ends[-1]).method}"
        )
        return f"return of a session: {', then '.join(said)} ({people}); curve: {self._file}"

    def save(self) -> None:
        """Writes the file, before the agent's, so that this never knows more than the curve."""
        if self.rows:
            write_curve(self._file, self.rows)


def _estimate(row: Row) -> Estimate:
    ends = row["return_mean"], row["return_low"], row["return_high"]
    return Estimate(*ends, n=row["episodes"], method="95 % Student t")


def _slots(n_people: int) -> int:
    """Returns side by side how many people are served: a divisor of their number."""
    return max(n for n in range(1, min(n_people, N_SLOTS) + 1) if n_people % n == 0)
