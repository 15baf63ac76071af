"""Interest evolution in plain C, which the compiled kernel is checked and timed against."""

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from recsim_env.core import streams
from recsim_env.envs import RecommendationVectorEnv
from recsim_env.scenarios.interest_evolution import InterestEvolution

SOURCE = Path(__file__).with_name("interest_evolution.c")

#: Products and sums are not contracted, so that the numbers are those of the kernel.
FLAGS = ("-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-shared", "-fPIC")

_SETTINGS = (
    "time_budget",
    "video_length",
    "step_penalty",
    "quality_bonus",
    "quality_sd",
    "drift",
    "interest_scale",
    "no_click_score",
)


class CInterestEvolution:
    """People as those of an environment that was reset with seed 0, stepped by C in one thread.

    Args:
      settings: of the scenario, with the sizes and the choice of its defaults.
      num_envs: how many people.

    Attributes:
      slots: what is known of them, records as those of the kernel.

    Raises:
      RuntimeError: there is no compiler.
    """

    def __init__(self, settings: InterestEvolution, num_envs: int) -> None:
        if settings != InterestEvolution():
            raise ValueError("the sizes of InterestEvolution() are written into the C text")
        env = RecommendationVectorEnv(settings, num_envs=num_envs)
        env.reset(seed=0)
        self.slots = env.state
        numbers = [getattr(settings, name) for name in _SETTINGS]
        layers = streams.LAYER_WIDTH, streams.LAYER_INNER, streams.LAYER_STEP[:-1]
        self._world = np.concatenate([numbers, settings.derived()["topic_quality"], *layers])
        self._step = _compiled().step

    def step(self, slates: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Shows everybody a slate, (num_envs, slate_size); who left before begins anew instead.

        Returns:
          Observations as flat rows, rewards, and who left.
        """
        n = len(self.slots)
        shown = np.empty((n, 232), np.float32)
        rewards, terminated = np.empty(n), np.empty(n, bool)
        arrays = self._world, self.slots, slates, shown, rewards, terminated
        self._step(*(ctypes.c_void_p(each.ctypes.data) for each in arrays), ctypes.c_int64(n))
        return shown, rewards, terminated


def _compiled() -> ctypes.CDLL:
    """Returns the library, compiled anew."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise RuntimeError("there is no C compiler; install one that is called cc")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "step.so"
        subprocess.run([compiler, *FLAGS, str(SOURCE), "-o", str(library), "-lm"], check=True)
        return ctypes.CDLL(str(library))
