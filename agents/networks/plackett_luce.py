"""Slates drawn place by place without repeats: the Plackett-Luce distribution."""

import math
import zlib
from collections.abc import Callable

import numpy as np
import torch

from recsim_env.agents.core.slate_distribution import SlateDistribution, after_prefix, shown_of
from recsim_env.agents.networks.compute import computing
from recsim_env.ope.plackett_luce import place_probabilities

# Taken candidates get this logit: their probability is 0, and 0 times its logarithm stays 0.
_TAKEN = -1e9

# How many sets of candidates before a place are summed over; else so many slates are drawn.
_MAX_SETS, _N_DRAWS = 10_000, 1_000


class PlackettLuce:
    """A distribution over slates: each place shows one of the candidates that are left, by softmax.

    With s_i the logit of candidate i, slate a has the probability

        product over places k of exp(s_a_k) / sum of exp(s_j) over j not in a_1, ..., a_k-1.

    For slates of one item that is the softmax. Items may take something off the logits of those
    that follow: s_j is then less by the sum of R(a_l, j) over the places l before k.

    Args:
      logits: (n, n_candidates).
      slate_size: places of a slate, up to n_candidates.
      redundancy: R, (n, n_candidates, n_candidates), of the item that is placed and of the one that
        may follow; None is 0.

    Source: Luce 1959, "Individual choice behavior"; Plackett 1975, "The analysis of permutations";
      that adding Gumbel noise and ranking draws from it: Yellott 1977, "The relationship between
      Luce's choice axiom, Thurstone's theory of comparative judgment, and the double exponential
      distribution".
    """

    def __init__(
        self, logits: torch.Tensor, slate_size: int, redundancy: torch.Tensor | None = None
    ) -> None:
        self.logits = logits
        self.slate_size = slate_size
        self.redundancy = redundancy if slate_size > 1 else None

    def sample(self) -> torch.Tensor:
        """Returns a slate for each row, (n, slate_size): the highest logits plus Gumbel noise."""
        if self.redundancy is not None:
            return self._in_turn(lambda shape: -torch.empty(shape).exponential_().log())
        noise = -torch.empty_like(self.logits).exponential_().log()
        return (self.logits + noise).topk(self.slate_size, dim=1).indices

    def mode(self) -> torch.Tensor:
        """Returns slates of the likeliest next items, (n, slate_size): the highest logits first."""
        if self.redundancy is not None:
            return self._in_turn(torch.zeros)
        best = torch.sort(self.logits, dim=1, descending=True, stable=True).indices
        return best[:, : self.slate_size]

    def _in_turn(self, noise: Callable[[torch.Size], torch.Tensor]) -> torch.Tensor:
        """Returns slates whose places show the highest logit plus noise in turn."""
        assert self.redundancy is not None
        left, rows = self.logits.detach().clone(), torch.arange(len(self.logits))
        slates = torch.empty((len(left), self.slate_size), dtype=torch.int64)
        for place in range(self.slate_size):
            noisy = left + noise(left.shape).to(left)
            slates[:, place] = best = noisy.argmax(dim=1)
            left = left - self.redundancy.detach()[rows, best]
            left[rows, best] = _TAKEN
        return slates

    def log_prob(self, slates: torch.Tensor) -> torch.Tensor:
        """Returns the log-probability of each slate, (n,); a repeat has probability 0."""
        return self._place_log_probs(slates, self._log_probs(slates))

    def log_prob_and_entropy(self, slates: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Returns log-probabilities, (n,), and entropies of the places given those before, (n,).

        For drawn slates the latter is, in the mean, the entropy; for one place it is exact.
        """
        log_probs = self._log_probs(slates)
        entropy = -(log_probs.exp() * log_probs).sum(dim=(1, 2))
        return self._place_log_probs(slates, log_probs), entropy

    def entropy(self) -> torch.Tensor:
        """Returns an unbiased estimate of each entropy, (n,), from one drawn slate; see above."""
        return self.log_prob_and_entropy(self.sample())[1]

    def kl(self, other: "PlackettLuce") -> torch.Tensor:
        """Returns how far others are from these, (n,): KL divergences, 0 or more.

        For one place it is exact. For more it is an unbiased estimate: the divergences at each
        place, given the places before in a slate that is drawn from this distribution.
        """
        slates = self.sample()
        ours, theirs = self._log_probs(slates), other._log_probs(slates)
        return (ours.exp() * (ours - theirs)).sum(dim=(1, 2))

    def _log_probs(self, slates: torch.Tensor) -> torch.Tensor:
        """Returns those of all candidates at each place of the slates, (n, slate_size, n_cand)."""
        logits = self.logits[:, None]
        if self.slate_size > 1:
            shown = torch.zeros_like(self.logits)[:, None].expand(-1, self.slate_size, -1)
            shown = shown.scatter(2, slates[:, :, None], 1.0)
            is_taken = (shown.cumsum(dim=1) - shown) > 0.0
            if self.redundancy is not None:
                places = slates[:, :, None].expand(-1, -1, self.logits.shape[1])
                taken_off = self.redundancy.gather(1, places)
                logits = logits - (taken_off.cumsum(dim=1) - taken_off)
            logits = logits.masked_fill(is_taken, _TAKEN)
        return torch.log_softmax(logits, dim=2)

    @staticmethod
    def _place_log_probs(slates: torch.Tensor, log_probs: torch.Tensor) -> torch.Tensor:
        return log_probs.gather(2, slates[:, :, None]).sum(dim=(1, 2))


class DrawnSlates(SlateDistribution):
    """The slates that are drawn by scores, (n, n_candidates), and perhaps R: `PlackettLuce`.

    What each place shows whatever the others do is exact where few sets of candidates can stand
    before it, without R: the chance that a set stands there sums over which of it came last.
    Elsewhere it is the mean over drawn slates of the chances of the next place, with a standard
    error.
    """

    def __init__(
        self, scores: np.ndarray, slate_size: int, redundancy: np.ndarray | None = None
    ) -> None:
        self._scores, self._slate_size = scores, slate_size
        less = None if redundancy is None else torch.as_tensor(redundancy)
        self._distribution = PlackettLuce(torch.as_tensor(scores), slate_size, less)
        is_plain = self._distribution.redundancy is None
        self._is_exact = is_plain and math.comb(scores.shape[1], slate_size - 1) <= _MAX_SETS
        self.error = 0.0 if self._is_exact else 0.5 / math.sqrt(_N_DRAWS)

    def slate(self, slates: np.ndarray) -> np.ndarray:
        """Returns how likely slates are drawn."""
        chosen = torch.as_tensor(slates, dtype=torch.int64)
        return np.asarray(self._distribution.log_prob(chosen).exp().numpy())

    def next_places(self, slates: np.ndarray) -> np.ndarray:
        """Returns the products over the places above, and the chances of all candidates next."""
        chosen = torch.as_tensor(slates, dtype=torch.int64)
        chances = self._distribution._log_probs(chosen).exp().numpy()
        return after_prefix(shown_of(chances, slates), chances)

    def places(self) -> np.ndarray:
        """Returns the chances summed over all that may stand before, or over drawn slates."""
        if not self._is_exact:
            return self._drawn_places()
        return place_probabilities(self._scores, self._slate_size)

    def _drawn_places(self) -> np.ndarray:
        total = np.zeros((len(self._scores), self._slate_size, self._scores.shape[1]))
        with computing(zlib.crc32(self._scores.tobytes()) % 2**31):
            for _ in range(_N_DRAWS):
                drawn = self._distribution.sample()
                total += self._distribution._log_probs(drawn).exp().numpy()
        return total / _N_DRAWS
