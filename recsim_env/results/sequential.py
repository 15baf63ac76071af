"""Adding seeds until it is decided who is the best: when to look, and what to conclude.

Whoever adds seeds until a difference is significant always finds one in the end. A rule that holds
what it promises spreads its probability of error over all the times at which it looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recsim_env.results.pairs import BySeed, levels_of_exclusion
from recsim_env.results.standings import final_by_seed
from recsim_env.results.table import ResultTable

UNTIL = "until_decided"
"""Under this name a folder's settings keep the rule by which its seeds were added."""


@dataclass(frozen=True)
class StoppingRule:
    """When to look at a scenario's agents, and what it takes to leave one out.

    There is a look after every `group` seeds, and one after the last. It may spend as much of the
    level as it adds of the seeds: after n_k of at most N,

        level_k = level * (n_k - n_(k-1)) / N

    An agent is left out, and no longer played, once another is better by Student's two-sided test
    of the paired differences at level_k over the number of comparisons that it is in, one with each
    of the agents at the start. By Bonferroni's inequality the best agent of a scenario is left out
    at any look with a probability of at most half the level, and of two equal agents either is
    called better with at most the level, whatever the looks have in common.

    Attributes:
      seeds: in the order in which they are added; all of them are the last look.
      group: how many are added before each look.
      level: of the whole sequence, two-sided.

    Raises:
      ValueError: the seeds are fewer than a group, or `level` is out of range.

    Source: Lan and DeMets 1983, "Discrete sequential boundaries for clinical trials"; linear
      spending, as Kim and DeMets 1987, "Design and analysis of group sequential tests based on the
      type I error spending rate function"; for agents, Mathieu et al. 2023, "AdaStop".
    Differs: what a look may spend is spent on it alone, whatever the looks have in common; and the
      test is Student's, where AdaStop permutes: five paired seeds have too few permutations.
    """

    seeds: tuple[int, ...]
    group: int
    level: float = 0.05

    def __post_init__(self) -> None:
        if not 1 <= self.group <= len(self.seeds):
            raise ValueError(
                f"{len(self.seeds)} seeds at most are fewer than the {self.group} of the first "
                "look; allow more (--max-seeds), or begin with fewer (--seeds)"
            )
        if not 0.0 < self.level < 1.0:
            raise ValueError(f"level={self.level} is not in (0, 1); 0.05 is usual")

    @property
    def looks(self) -> tuple[int, ...]:
        """How many seeds there are at each look."""
        most = len(self.seeds)
        return (*range(self.group, most, self.group), most)

    def spent(self, look: int) -> float:
        """Returns what a look, counted from 0, may spend of the level."""
        before = self.looks[look - 1] if look else 0
        return self.level * (self.looks[look] - before) / len(self.seeds)


@dataclass(frozen=True)
class Decision:
    """What the looks at a scenario came to.

    Attributes:
      scenario: its name.
      n_seeds: at the last look.
      possible: the agents that may still be the best; one where it is decided.
      left_out: agent to the number of seeds at the look that left it out.
      is_last: whether no further look is allowed.
    """

    scenario: str
    n_seeds: int
    possible: tuple[str, ...]
    left_out: Mapping[str, int]
    is_last: bool

    @property
    def is_decided(self) -> bool:
        """Whether one agent is better than all others."""
        return len(self.possible) == 1

    def sentence(self) -> str:
        """Returns what was decided, in a sentence."""
        out = [f"{agent} after {n}" for agent, n in self.left_out.items()]
        behind = f" (left out: {', '.join(out)})" if out else ""
        best = f"the best may be any of {', '.join(self.possible)}{behind}"
        if self.is_decided:
            n_all = len(self.possible) + len(out)
            best = f"{self.possible[0]} is the best of {n_all} agents{behind}"
            return f"Decided after {self.n_seeds} seeds: {best}."
        if self.is_last:
            return f"Not decided after {self.n_seeds} seeds, the most allowed: {best}."
        return f"Not decided yet, after {self.n_seeds} seeds: {best}; the same command goes on."


def decide(scenario: str, returns: Mapping[str, BySeed], rule: StoppingRule) -> Decision:
    """Returns what the looks conclude, as far as all seeds of a look have been played.

    Each look counts the seeds that it had and no later ones, so that the same table gives the same
    looks however often it is asked.

    Args:
      scenario: its name.
      returns: agent to seed to value, of runs with common random numbers.
      rule: when to look, and how.
    """
    possible, left_out, n_last = list(returns), dict[str, int](), 0
    for look, n in enumerate(rule.looks):
        seeds = rule.seeds[:n]
        is_played = all(seed in returns[agent] for agent in possible for seed in seeds)
        if not is_played or (look and len(possible) < 2):
            break
        n_last = n
        known = {agent: {seed: returns[agent][seed] for seed in seeds} for agent in possible}
        levels = levels_of_exclusion(known, n_comparisons=len(returns) - 1)
        out = [agent for agent, p in levels.items() if 2.0 * p <= rule.spent(look)]
        left_out |= dict.fromkeys(out, n)
        possible = [agent for agent in possible if agent not in out]
    return Decision(scenario, n_last, tuple(possible), left_out, n_last == len(rule.seeds))


def decisions(
    table: ResultTable, rule: StoppingRule, asked: Mapping[str, Sequence[str]]
) -> list[Decision]:
    """Returns what a table decides in each scenario.

    Args:
      table: results of the benchmark.
      rule: when to look, and how.
      asked: scenario to the agents in question.
    """
    found = []
    for scenario, agents in asked.items():
        is_known = bool(table.rows(phase="final", scenario=scenario))
        returns = final_by_seed(table, scenario) if is_known else {}
        found.append(decide(scenario, {agent: returns.get(agent, {}) for agent in agents}, rule))
    return found


def noted_decisions(table: ResultTable) -> tuple[StoppingRule, list[Decision]] | None:
    """Returns the rule by which a folder's seeds were added and what it decided, if any was."""
    note = table.read_settings().get(UNTIL)
    if not note:
        return None
    rule = StoppingRule(tuple(note["seeds"]), note["group"], note["level"])
    return rule, decisions(table, rule, note["agents"])
