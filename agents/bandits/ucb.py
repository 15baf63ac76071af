"""The arm that might be the best: upper confidence bounds, for all people or for one session."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import rel_entr

from recsim_env.agents.bandits.arm_agent import ArmAgent, ArmSettings
from recsim_env.agents.bandits.arms import Tally
from recsim_env.core.scenario import Scenario
from recsim_env.core.search import Search
from recsim_env.core.settings import setting

# Each halves the interval that holds the bound: beyond this the two ends are neighbours at 1e-10.
_N_HALVINGS = 33

# A discount that leaves no more than so many looks leaves an arm unknown: no division by them.
_FORGOTTEN = 1e-300


@dataclass(frozen=True, kw_only=True)
class UCBSettings(ArmSettings):
    """What `UCB` is given."""

    index: str = setting(
        "ucb1",
        search=Search(choices=("ucb1", "kl")),
        choices=("ucb1", "kl"),
        doc="the kind of bound",
    )
    alpha: float = setting(2.0, search=Search(0.1, 4.0, log=True), low=0.0, doc='width of "ucb1"')


class UCB(ArmAgent):
    """Shows the arms whose mean might, by what is known of it, be the highest.

    Idea: an arm is shown because it is good or because little is known of it, and either way the
      bound comes down to where it belongs; arms that are clearly worse are left alone.
    Update: with p the mean outcome of an arm looked at n times, brought into [0, 1], after t
      interactions:
        "ucb1": p + sqrt(alpha ln t / n), at regret of up to 8 ln t / gap an arm for alpha = 2;
        "kl":   the largest q with n kl(p, q) ≤ ln t, where kl(p, q) = p ln(p/q) + (1-p)
                ln((1-p)/(1-q)), at regret of gap ln t / kl(mean, best mean), the least possible
                (Lai and Robbins 1985).
      An arm not looked at comes first. A batch of people sees one tally, and so much the same arms.
    Cost: O(n_arms) or O(candidates) a batch, whichever is less (33 evaluations of kl each for
      "kl"), and 16 bytes an arm.
    Source: Auer, Cesa-Bianchi and Fischer 2002, "Finite-time analysis of the multiarmed bandit
      problem"; Garivier and Cappé 2011, "The KL-UCB algorithm for bounded stochastic bandits and
      beyond" (with c = 0, as they advise); with a discount, Garivier and Moulines 2011, "On
      upper-confidence bound policies for switching bandit problems".
    Differs: slates of several places; a showing counts by how likely it was looked at; batches.
    """

    Settings = UCBSettings
    settings: UCBSettings

    def index(self, tally: Tally, arm: np.ndarray) -> np.ndarray:
        """Returns the upper confidence bound of each candidate's arm."""
        return upper_bounds(self, self.settings, tally, arm)


@dataclass(frozen=True, kw_only=True)
class CascadeUCBSettings(UCBSettings):
    """What `CascadeUCB` is given."""

    alpha: float = 1.5
    outcome: str = "clicked"


class CascadeUCB(ArmAgent):
    """Learns how attractive each item is from the places down to the click, and from no others.

    Idea: who reads from the top and stops at the first item that attracts them has passed over what
      stands above it, and has not seen what stands below it. The most attractive items make the
      best slate, in any order.
    Update: an item looked at n times and clicked in a share w of them has the index
      w + sqrt(alpha ln t / n) after t slates, or that of `UCB` with "kl" (CascadeKL-UCB); the
      `slate_size` highest are shown, the highest on top. Where readers may stop without a click, a
      place that nothing is known of counts by how likely it was reached.
    Cost: that of `UCB`.
    Source: Kveton, Szepesvári, Wen and Ashkan 2015, "Cascading bandits: learning to rank in the
      cascade model" (CascadeUCB1, CascadeKL-UCB).
    Differs: readers may stop without a click; a batch of people sees one tally; "kl" allows for
      ln t, where they do for ln t + 3 ln ln t, and so explores less.
    """

    Settings = CascadeUCBSettings
    settings: CascadeUCBSettings

    def index(self, tally: Tally, arm: np.ndarray) -> np.ndarray:
        """Returns the upper confidence bound of each candidate's arm."""
        return upper_bounds(self, self.settings, tally, arm)

    @classmethod
    def unsuitable(cls, scenario: Scenario) -> str | None:
        """Says so where a click does not hide what stands below it."""
        clicked = np.zeros((2, scenario.slate_size), bool)
        clicked[0, 0] = True
        is_seen = scenario.examination_probability(clicked)[:, 1:] > 0
        if scenario.slate_size == 1 or is_seen[0].any() or not is_seen[1].all():
            return (
                f"{cls.__name__} needs slates of several places, read from the top to the first "
                f"click, and those of {type(scenario).__name__} with these settings are not; some "
                "scenarios have slate_size= and choice='cascade'"
            )
        return super().unsuitable(scenario)


@dataclass(frozen=True, kw_only=True)
class TopicUCBSettings(UCBSettings):
    """What `TopicUCB` is given."""

    arms: str = setting("topic", choices=("auto", "topic"))
    per: str = "session"


class TopicUCB(ArmAgent):
    """Finds out in every session which topics this person clicks.

    Idea: topics are few, so that a single session tells much of them, even of somebody unknown.
    Update: UCB1 over topics from what this session has shown and clicked of each; the items of the
      best topic are shown, by their visible quality if there is one, then those of the next.
    Cost: O(n_topics) a person, 16 bytes a topic and person; nothing is learned across sessions.
    Source: Ie et al. 2019, "RecSim: a configurable simulation platform for recommender systems"
      (arXiv 1909.04847), its cluster bandit with UCB1.
    Differs: equal topics, and items without a quality, come in random order.

    `Thompson` with the same arms and tally is RecSim's other cluster bandit.
    """

    Settings = TopicUCBSettings
    settings: TopicUCBSettings
    preferred: ClassVar[tuple[str, ...]] = ("topic",)

    def index(self, tally: Tally, arm: np.ndarray) -> np.ndarray:
        """Returns the upper confidence bound of each candidate's topic."""
        return upper_bounds(self, self.settings, tally, arm)


def upper_bounds(
    agent: ArmAgent, settings: UCBSettings, tally: Tally, arm: np.ndarray
) -> np.ndarray:
    """Returns the upper confidence bound of each candidate's arm, (n, n_candidates)."""

    def bound(seen: Tally) -> np.ndarray:
        is_known, mean = seen.looks > _FORGOTTEN, agent.unit_mean(seen)
        evidence = np.log(np.maximum(seen.steps, 1.0)) / np.where(is_known, seen.looks, 1.0)
        if settings.index == "kl":
            found = kl_bound(mean, evidence)
        else:
            found = mean + np.sqrt(settings.alpha * evidence)
        return np.where(is_known, found, np.inf)

    return tally.look_up(bound, arm)


def kl_bound(mean: np.ndarray, evidence: np.ndarray) -> np.ndarray:
    """Returns the largest q in [mean, 1] with kl(mean, q) ≤ evidence, by bisection.

    Args:
      mean: in [0, 1].
      evidence: 0 or more, of the same shape.
    """
    low, high = mean.copy(), np.ones(mean.shape)
    for _ in range(_N_HALVINGS):
        middle = (low + high) / 2.0
        divergence = rel_entr(mean, middle) + rel_entr(1.0 - mean, 1.0 - middle)
        is_within = divergence <= evidence
        low, high = np.where(is_within, middle, low), np.where(is_within, high, middle)
    return low
