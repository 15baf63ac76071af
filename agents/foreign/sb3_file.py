"""Files of models of Stable-Baselines3 and sb3-contrib: of which algorithm they are."""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recsim_env.agents.core.requirements import extra

#: What ends the name of a model's file.
SUFFIX = ".zip"

#: Of which algorithm a file is, by the first of these that it keeps.
_SIGNS = {
    "n_quantiles": "sb3_contrib.QRDQN",
    "top_quantiles_to_drop_per_net": "sb3_contrib.TQC",
    "cg_damping": "sb3_contrib.TRPO",
    "exploration_fraction": "stable_baselines3.DQN",
    "target_noise_clip": "stable_baselines3.TD3",  # DDPG is one, and is loaded as such
    "target_entropy": "stable_baselines3.SAC",
    "clip_range": "stable_baselines3.PPO",
    "gae_lambda": "stable_baselines3.A2C",
}
_MASKABLE = "sb3_contrib.common.maskable"

_LIBRARIES = ("stable_baselines3", "sb3_contrib")


def is_model_file(name: str) -> bool:
    """Returns whether a name is that of a model's file: ``model.zip`` or ``PPO@model.zip``."""
    return name.endswith(SUFFIX)


def loaded_model(path: Path, algorithm: str) -> Any:
    """Returns the model in a file, which runs what the file says: trust whoever wrote it.

    Raises:
      ValueError: it is no such file, of no algorithm that is known, or of another than is said.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            about: Mapping[str, Any] = json.loads(archive.read("data"))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is no model of Stable-Baselines3: {error}") from error
    kind = _algorithm(algorithm) if algorithm else _algorithm_of(about, path)
    try:
        return kind.load(path, device="cpu")
    except Exception as error:  # whatever an algorithm makes of another one's parameters
        seems = _sign_in(about).rpartition(".")[2]
        remedy = f"; it seems to be of {seems}: {seems}@{path}" if seems else ""
        raise ValueError(
            f"{path} cannot be loaded as {kind.__name__}: {type(error).__name__}: {error}{remedy}"
        ) from error


def _algorithm(name: str) -> Any:
    for library in _LIBRARIES:
        found = getattr(extra(library, needed_by=f"a model of {name}"), name, None)
        if isinstance(found, type) and hasattr(found, "load"):
            return found
    raise ValueError(f"{name!r} is no algorithm of {' or '.join(_LIBRARIES)}; PPO@model.zip, say")


def _algorithm_of(about: Mapping[str, Any], path: Path) -> Any:
    """Returns the class of the algorithm whose model is in a file."""
    found = _sign_in(about)
    if not found:
        raise ValueError(
            f"{path} does not tell of which algorithm it is; say it before the name, as in "
            f"PPO@{path}"
        )
    library, _, name = found.rpartition(".")
    return getattr(extra(library, needed_by=f"a model of {name}"), name)


def _sign_in(about: Mapping[str, Any]) -> str:
    """Returns of which algorithm a file seems to be, library.Class; empty where it does not."""
    found = next((name for sign, name in _SIGNS.items() if sign in about), "")
    buffer = str(about.get("rollout_buffer_class", ""))
    if found == "stable_baselines3.PPO" and _MASKABLE in buffer:
        return "sb3_contrib.MaskablePPO"
    return found
