"""How lately, and how often, items of a candidate's kind were shown and clicked."""

from typing import ClassVar

import numpy as np

#: Name of the field among observations; see `recsim_env.agents.networks.encoder`.
RECENT = "candidate_recent"


class Recency:
    """Counts, slate by slate, what was shown and clicked of each kind of item in a session.

    Running means tell how much there was of something, and hardly when: whoever has enough of a
    topic after five clicks in five slates is not told from who clicked as often in eight. So the
    last 24 slates are kept one by one. An item's kind is the largest of its features: its topic or
    category where features are those, a rough neighbourhood otherwise.

    Args:
      n_features: of items.

    Attributes:
      WINDOWS: of how many of the last slates counts are seen.
      shape: of what is kept of a session: shown and clicked, slates, the last one first, and kinds.
    """

    WINDOWS: ClassVar[tuple[int, ...]] = (1, 2, 3, 4, 5, 6, 8, 12, 16, 24)

    def __init__(self, n_features: int) -> None:
        self.shape = 2, max(self.WINDOWS), n_features

    @property
    def n_seen(self) -> int:
        """How many numbers are seen of each candidate."""
        return 2 * len(self.WINDOWS)

    def add(self, counts: np.ndarray, shown: np.ndarray, is_clicked: np.ndarray) -> None:
        """Counts what a slate showed, in place.

        Args:
          counts: (n, *shape).
          shown: (n, slate_size, n_features).
          is_clicked: (n, slate_size), 0 or 1.
        """
        counts[:, :, 1:] = counts[:, :, :-1].copy()
        of_kind = shown.argmax(axis=2)[:, :, None] == np.arange(shown.shape[2])
        counts[:, 0, 0] = of_kind.sum(axis=1)
        counts[:, 1, 0] = (of_kind * is_clicked[:, :, None]).sum(axis=1)

    def seen(self, counts: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        """Returns (n, n_candidates, n_seen): how many were shown, and clicked, in each window.

        Args:
          counts: (n, *shape).
          candidates: (n, n_candidates, n_features).
        """
        kind = candidates.argmax(axis=2)
        last = [window - 1 for window in self.WINDOWS]
        windows = counts.cumsum(axis=2)[:, :, last].reshape(len(counts), self.n_seen, -1)
        found: np.ndarray = windows.transpose(0, 2, 1)[np.arange(len(kind))[:, None], kind]
        return found
