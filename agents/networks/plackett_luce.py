"""Slates drawn place by place without repeats: the Plackett-Luce distribution."""

import numpy as np
import torch

# Taken candidates get this logit: their probability is 0, and 0 times its logarithm stays 0.
_TAKEN = -1e9


class PlackettLuce:
    """A distribution over slates: each place shows one of the candidates that are left, by softmax.

    With s_i the logit of candidate i, slate a has the probability

        product over places k of exp(s_a_k) / sum of exp(s_j) over j not in a_1, ..., a_k-1.

    For slates of one item that is the softmax.

    Args:
      logits: (n, n_candidates).
      slate_size: places of a slate, up to n_candidates.

    Source: Luce 1959, "Individual choice behavior"; Plackett 1975, "The analysis of permutations";
      that adding Gumbel noise and ranking draws from it: Yellott 1977, "The relationship between
      Luce's choice axiom, Thurstone's theory of comparative judgment, and the double exponential
      distribution".
    """

    def __init__(self, logits: torch.Tensor, slate_size: int) -> None:
        self.logits = logits
        self.slate_size = slate_size

    def sample(self) -> torch.Tensor:
        """Returns a slate for each row, (n, slate_size): the highest logits plus Gumbel noise."""
        noise = -torch.empty_like(self.logits).exponential_().log()
        return (self.logits + noise).topk(self.slate_size, dim=1).indices

    def mode(self) -> torch.Tensor:
        """Returns the most likely slates, (n, slate_size): the highest logits, best first."""
        best = torch.sort(self.logits, dim=1, descending=True, stable=True).indices
        return best[:, : self.slate_size]

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
            logits = logits.masked_fill(is_taken, _TAKEN)
        return torch.log_softmax(logits, dim=2)

    @staticmethod
    def _place_log_probs(slates: torch.Tensor, log_probs: torch.Tensor) -> torch.Tensor:
        return log_probs.gather(2, slates[:, :, None]).sum(dim=(1, 2))


def drawn_chance(scores: np.ndarray, slates: np.ndarray) -> np.ndarray:
    """Returns how likely slates, (n, slate_size), are drawn by scores, (n, n_candidates); (n,)."""
    distribution = PlackettLuce(torch.as_tensor(scores), slates.shape[1])
    chance = distribution.log_prob(torch.as_tensor(slates, dtype=torch.int64)).exp()
    return np.asarray(chance.numpy())
