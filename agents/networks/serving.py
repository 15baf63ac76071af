"""Which slate to serve, from how items attract and what a choice of each would gain.

A person chooses item i of slate A with chance v_i / (v_0 + sum_j v_j), v the attractions and v_0
that of choosing none. With g_i what a choice of i gains over none, the slate gains

    sum_i v_i g_i / (v_0 + sum_i v_i),

sums over its items. Every rule fills all places, though some items may lose by being chosen. All
take and return tensors; import this module where it is used, for it needs torch.

Source: Ie et al. 2019, "SlateQ" (arXiv 1905.12767), sections 4.3 and 4.4.
"""

from collections.abc import Callable, Mapping

import torch

#: (attraction, gain, attraction of none, slate size) to slates, (n, slate_size).
Rule = Callable[[torch.Tensor, torch.Tensor, float, int], torch.Tensor]


def slate_gain(
    attraction: torch.Tensor, gain: torch.Tensor, none: float, slates: torch.Tensor
) -> torch.Tensor:
    """Returns what slates gain, (n,).

    Args:
      attraction: (n, n_candidates), 0 or more.
      gain: (n, n_candidates).
      none: the attraction of choosing none, more than 0.
      slates: (n, slate_size) indices of candidates.
    """
    attraction, gain = attraction.gather(1, slates), gain.gather(1, slates)
    return (attraction * gain).sum(dim=1) / (none + attraction.sum(dim=1))


def top_k(
    attraction: torch.Tensor, gain: torch.Tensor, none: float, slate_size: int
) -> torch.Tensor:
    """Shows the items of largest v_i g_i, as if they did not compete; see the module."""
    return _largest(attraction * gain, slate_size)


def greedy(
    attraction: torch.Tensor, gain: torch.Tensor, none: float, slate_size: int
) -> torch.Tensor:
    """Fills place after place with the item that makes the slate so far gain most."""
    rows = torch.arange(len(gain), device=gain.device)
    product, left = attraction * gain, torch.zeros_like(gain)
    above, below = product.new_zeros(len(gain), 1), product.new_full((len(gain), 1), none)
    places = []
    for _ in range(slate_size):
        place = ((above + product) / (below + attraction) + left).argmax(dim=1)
        above = above + product[rows, place, None]
        below = below + attraction[rows, place, None]
        left[rows, place] = -torch.inf
        places.append(place)
    return torch.stack(places, dim=1)


def optimal(
    attraction: torch.Tensor, gain: torch.Tensor, none: float, slate_size: int
) -> torch.Tensor:
    """Shows the slate that gains most, by Dinkelbach's method for ratios.

    No slate gains more than z if and only if the largest sum of v_i (g_i - z) over a slate is at
    most v_0 z, and the slate of that sum is the items of largest v_i (g_i - z). From any z, z <-
    the gain of that slate rises to the best in a few steps.

    Source: Dinkelbach 1967, "On nonlinear fractional programming". The paper solves a linear
    program instead, and the published code compares all slates.
    """
    if gain.device.type == "cpu":
        from recsim_env.agents.networks.serving_loops import best_slates

        given = [each.detach().contiguous().numpy() for each in (attraction, gain)]
        found = torch.empty(len(gain), slate_size, dtype=torch.int64)
        best_slates(*given, given[1].dtype.type(none), found.numpy())
        return found
    slates = top_k(attraction, gain, none, slate_size)
    best = slate_gain(attraction, gain, none, slates)
    while True:
        others = _largest(attraction * (gain - best[:, None]), slate_size)
        reached = slate_gain(attraction, gain, none, others)
        is_better = reached > best
        if not is_better.any():
            return slates
        slates = torch.where(is_better[:, None], others, slates)
        best = torch.where(is_better, reached, best)


RULES: Mapping[str, Rule] = {"top_k": top_k, "greedy": greedy, "optimal": optimal}


def _largest(scores: torch.Tensor, slate_size: int) -> torch.Tensor:
    """Returns the places of the largest, largest first, of equal ones the first."""
    return scores.sort(dim=1, descending=True, stable=True).indices[:, :slate_size]
