"""How likely Gaussian scores rank candidates in a given order."""

import numpy as np
from scipy.special import ndtr

# Scores beyond so many deviations, and gaps that are wider than so many, have chances below 1e-18.
_REACH, _WIDEST_GAP = 9.0, 13.0

_N_NODES = 12


def gaussian_slate_chance(means: np.ndarray, slates: np.ndarray) -> np.ndarray:
    """Returns how likely independent scores s_i ~ N(means_i, 1) put slates on top, in their order.

    The chance that all scores from place k on, and all that are not shown, stay below x in order is

        G_k(x) = integral over t < x of f(t - m_k) G_k+1(t),    G_K+1(x) = product of F(x - m_j),

    with f and F the density and distribution of N(0, 1), m_k the mean at place k of K, and j over
    what is not shown. The answer is G_1 at infinity, by Gauss-Legendre quadrature in panels as wide
    as a deviation; it is exact to 1e-12. Cost: O(K + n_candidates) evaluations at 12 points for
    each deviation between the highest and the lowest mean that is shown.

    Args:
      means: (n, n_candidates), in units of the common deviation.
      slates: (n, slate_size); a slate that repeats an item has chance 0.
    """
    means = _without_wide_gaps(means.astype(np.float64))
    shown = np.take_along_axis(means, slates, axis=1)
    first = shown.min(axis=1) - _REACH
    n_panels = int(np.ceil((shown.max(axis=1) + _REACH - first).max(initial=1.0)))
    nodes, weights, partial = _panel()
    points = first[:, None, None] + np.arange(n_panels)[:, None] + nodes
    is_shown = np.zeros(means.shape, bool)
    np.put_along_axis(is_shown, slates, True, axis=1)
    below = np.ones(points.shape)
    for mean, is_on_slate in zip(means.T, is_shown.T, strict=True):
        below *= np.where(is_on_slate[:, None, None], 1.0, ndtr(points - mean[:, None, None]))
    for mean in shown.T[::-1]:
        density = np.exp(-0.5 * (points - mean[:, None, None]) ** 2) / np.sqrt(2 * np.pi)
        density *= below
        whole = density @ weights
        before = np.cumsum(whole, axis=1) - whole
        below = before[:, :, None] + density @ partial
    return np.where(is_shown.sum(axis=1) == slates.shape[1], whole.sum(axis=1), 0.0)


def _without_wide_gaps(means: np.ndarray) -> np.ndarray:
    """Returns means that rank alike, moved together where they are too far apart to ever meet."""
    order = np.argsort(means, axis=1)
    ascending = np.take_along_axis(means, order, axis=1)
    steps = np.minimum(np.diff(ascending, axis=1, prepend=ascending[:, :1]), _WIDEST_GAP)
    closer = np.empty_like(means)
    np.put_along_axis(closer, order, np.cumsum(steps, axis=1), axis=1)
    return closer


def _panel() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns a panel's nodes in [0, 1], weights of its integral, and of those up to each node.

    The last, (n_nodes, n_nodes), takes values at the nodes to the integrals of the polynomial
    through them.
    """
    legendre = np.polynomial.legendre
    nodes, weights = legendre.leggauss(_N_NODES)
    through = np.linalg.inv(legendre.legvander(nodes, _N_NODES - 1))
    up_to = legendre.legvander(nodes, _N_NODES) @ legendre.legint(np.eye(_N_NODES), lbnd=-1.0)
    return (nodes + 1) / 2, weights / 2, (up_to @ through).T / 2
