"""What is believed of the weights of a linear model: a Gaussian, or a stack of them."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from recsim_env.agents.core.restoring import State, like, require_definite, require_range

# No variance is larger than that of the prior, but for rounding.
_SLACK = 1.0 + 1e-6

# Rounding errors of this many corrections stay far below those of the data; then A⁻¹ is made anew.
_MAX_CORRECTIONS = 1_000


@dataclass(eq=False)
class LinearPosterior:
    """The posterior of weights w in reward = w·x + noise, by weighted ridge regression.

    With observations of features x, reward r and weight c (an observation of weight c is one whose
    noise has 1 / c of the variance; of weight 0, none):

      A = ridge I + sum c x xᵀ,  b = sum c r x,  w ~ N(A⁻¹ b, s² A⁻¹),

    where s, the noise of an observation of weight 1, is the caller's to bring. All arrays may have
    leading axes, for a stack of posteriors; `posterior[i]` is one of them, and changes the stack.

    Attributes:
      ridge: prior precision of every weight.
      precision: A, (..., n_features, n_features).
      moment: b, (..., n_features).
      covariance: A⁻¹, kept up to date.
      mean: A⁻¹ b, (..., n_features).
      n_corrections: how many corrections A⁻¹ has had since it was made anew, (...).
    """

    ridge: float
    precision: np.ndarray
    moment: np.ndarray
    covariance: np.ndarray
    mean: np.ndarray
    n_corrections: np.ndarray

    @classmethod
    def prior(cls, n_features: int, *, ridge: float, stack: tuple[int, ...] = ()) -> Self:
        """Returns what is believed before anything was observed."""
        one = np.tile(np.eye(n_features), (*stack, 1, 1))
        zero = np.zeros((*stack, n_features))
        return cls(ridge, ridge * one, zero, one / ridge, zero.copy(), np.zeros(stack, np.int64))

    def __getitem__(self, index: int) -> Self:
        return replace(
            self,
            precision=self.precision[index],
            moment=self.moment[index],
            covariance=self.covariance[index],
            mean=self.mean[index],
            n_corrections=self.n_corrections[index, ...],
        )

    def copy(self) -> Self:
        """Returns a posterior that can change by itself."""
        return replace(
            self,
            precision=self.precision.copy(),
            moment=self.moment.copy(),
            covariance=self.covariance.copy(),
            mean=self.mean.copy(),
            n_corrections=self.n_corrections.copy(),
        )

    def add(self, x: np.ndarray, rewards: np.ndarray, weights: np.ndarray) -> None:
        """Adds observations to one posterior.

        Args:
          x: (n, n_features).
          rewards, weights: (n,).

        Few observations, up to a quarter as many as features, are a Woodbury correction of A⁻¹ (it
        is faster up to a half, measured for 32 to 1,024 features), many a new inverse, which also
        clears the corrections' rounding.
        """
        x = np.sqrt(weights)[:, None] * x
        self.precision += x.T @ x
        self.moment += (np.sqrt(weights) * rewards) @ x
        if 4 * len(x) > len(self.precision) or self.n_corrections >= _MAX_CORRECTIONS:
            self.refresh()
            return
        product = x @ self.covariance
        factor = np.linalg.cholesky(np.eye(len(x)) + product @ x.T)
        root = np.linalg.solve(factor, product)
        self.covariance -= root.T @ root
        self.mean[...] = self.covariance @ self.moment
        self.n_corrections += 1

    def fade(self, keep: float) -> None:
        """Discounts all past observations by `keep`; the prior keeps its weight."""
        diagonal = np.arange(self.precision.shape[-1])
        self.precision *= keep
        self.precision[..., diagonal, diagonal] += (1.0 - keep) * self.ridge
        self.moment *= keep
        self.refresh()

    def refresh(self) -> None:
        """Makes A⁻¹ and the mean anew from A and b.

        All of it is NumPy's: SciPy brings BLAS threads of its own, and on a busy machine the two
        wait for each other a hundred times longer than they compute.
        """
        inverse = np.linalg.inv(self.precision)
        self.covariance[...] = (inverse + np.swapaxes(inverse, -1, -2)) / 2.0
        self.mean[...] = np.einsum("...ij,...j->...i", self.covariance, self.moment)
        self.n_corrections[...] = 0

    def draw(self, rng: np.random.Generator, n: int, *, scale: float | np.ndarray) -> np.ndarray:
        """Returns n weights drawn from one N(mean, scale² A⁻¹), (n, n_features).

        Args:
          rng: gives n_features normal numbers a draw.
          n: how many.
          scale: one, or (n,).
        """
        root = np.linalg.inv(np.linalg.cholesky(self.precision))
        deviation = rng.standard_normal((n, len(root))) @ root
        return np.asarray(self.mean + np.reshape(scale, (-1, 1)) * deviation)

    def state_dict(self) -> dict[str, np.ndarray]:
        """Returns A, b, A⁻¹ and the mean as they are used, and how often A⁻¹ was corrected."""
        names = ("precision", "moment", "covariance", "mean", "n_corrections")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state: State) -> None:
        """Takes back what `state_dict` returned.

        Raises:
          ValueError: they are no posterior of as many features.
        """
        found = {name: like(state, name, value) for name, value in self.state_dict().items()}
        require_range("n_corrections", found["n_corrections"], low=0, high=_MAX_CORRECTIONS)
        for name in ("precision", "covariance"):
            require_definite(name, found[name])
        variance = np.diagonal(found["covariance"], axis1=-2, axis2=-1)
        require_range("covariance", variance, low=0.0, high=_SLACK / self.ridge)
        for name, value in self.state_dict().items():
            value[...] = found[name]
