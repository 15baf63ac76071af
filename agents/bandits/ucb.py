"""The arm that might be the best: upper confidence bounds."""

from dataclasses import dataclass

import numpy as np
from scipy.special import rel_entr

from recsim_env.agents.bandits.arm_agent import ArmAgent, ArmSettings
from recsim_env.agents.bandits.arms import Tally
from recsim_env.core.settings import setting

# Each halves the interval that holds the bound: beyond this the two ends are neighbours at 1e-10.
_N_HALVINGS = 33

# A discount that leaves no more than so many looks leaves an arm unknown: no division by them.
_FORGOTTEN = 1e-300


@dataclass(frozen=True, kw_only=True)
class UCBSettings(ArmSettings):
    """What `UCB` is given."""

    index: str = setting("ucb1", choices=("ucb1", "kl"), doc="the kind of bound")
    alpha: float = setting(2.0, low=0.0, doc='width of "ucb1"')


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
