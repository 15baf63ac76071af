"""How people and items are worded and drawn: only `render` needs it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Update = Callable[[np.ndarray, np.ndarray], Sequence[Any]]
"""`update(user, items)` shows another step, and returns the artists that steps change."""
