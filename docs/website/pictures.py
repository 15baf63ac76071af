"""Moving pictures of the scenarios: one person, served by the oracle, step by step."""

import hashlib
import importlib
import inspect
import io
from pathlib import Path

import numpy as np
from PIL import Image

import recsim_env.envs.render
from recsim_env import RecommendationEnv, Scenario

#: Steps that are shown, how long each, and colours: a file stays below 150 kB.
_N_STEPS, _MILLISECONDS, _N_COLOURS = 6, 1800, 32


def draw(scenario: Scenario, folder: Path) -> Path:
    """Returns a GIF of a person's first steps; it is drawn again only when the code has changed.

    Args:
      scenario: of which the person is one.
      folder: where pictures are kept from one build to the next.
    """
    name = type(scenario).__name__
    file = folder / f"{name}-{_version(scenario)}.gif"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for outdated in folder.glob(f"{name}-*.gif"):
            outdated.unlink()
        file.write_bytes(_as_gif(_frames(scenario)))
    return file


def _version(scenario: Scenario) -> str:
    """Returns a hash of the code that the picture comes from."""
    view = scenario.view if isinstance(scenario.view, str) else ""
    texts = [inspect.getsource(recsim_env.envs.render), inspect.getsource(type(scenario))]
    if view:
        texts.append(inspect.getsource(importlib.import_module(view)))
    return hashlib.sha256("".join(texts).encode()).hexdigest()[:8]


def _frames(scenario: Scenario) -> list[np.ndarray]:
    env = RecommendationEnv(scenario, render_mode="rgb_array", compiled=False)
    env.reset(seed=1)
    frames = []
    for _ in range(_N_STEPS):
        slate = np.argsort(-env.expected_reward(), kind="stable")[: scenario.slate_size]
        _, _, terminated, truncated, _ = env.step(slate if scenario.slate_size > 1 else slate[0])
        frames.append(env.render())
        if terminated or truncated:
            env.reset()
    return frames


def _as_gif(frames: list[np.ndarray]) -> bytes:
    images = [Image.fromarray(frame).quantize(_N_COLOURS) for frame in frames]
    file = io.BytesIO()
    images[0].save(
        file,
        "GIF",
        save_all=True,
        append_images=images[1:],
        duration=_MILLISECONDS,
        loop=0,
        optimize=True,
    )
    return file.getvalue()
