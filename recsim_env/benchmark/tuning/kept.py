"""Keeping what studies found, where `--tuned` reads it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from recsim_env.agents.tuned import digest_of
from recsim_env.benchmark.tuning.settings import TuningSettings
from recsim_env.benchmark.tuning.tune import FOUND
from recsim_env.formats.files import check_writable, replace_file

# Of what decides numbers; the machine's name does not.
_VERSIONS = ("python", "recsim-env", "numpy", "numba", "torch", "stable-baselines3", "optuna")


def check_keepable(settings: TuningSettings, file: Path) -> None:
    """Raises where what a study finds could not be kept in a file, before it begins.

    Raises:
      ValueError: other settings of the agent are held than the default ones, which readers of the
        file would not know; or the file holds something else.
      OSError: it cannot be written.
    """
    check_writable(file)
    _read(file)
    if settings.agent_settings:
        held = ", ".join(settings.agent_settings)
        raise ValueError(
            f"{file} is for settings that are found; leave out --keep, or what is held ({held})"
        )


def keep_found(settings: TuningSettings, folder: Path, file: Path) -> None:
    """Writes what a study found into a file, in place of what it held of this agent there.

    Args:
      settings: of the study.
      folder: of the study.
      file: of all that is kept.

    Raises:
      ValueError: the file holds something else.
      OSError: it cannot be read or written.
    """
    found = json.loads((folder / FOUND).read_text(encoding="utf-8"))
    entry = _entry(settings, found)
    names = ("agent", "scenario", "digest")
    others = [each for each in _read(file) if any(each[name] != entry[name] for name in names)]
    entries = sorted([*others, entry], key=lambda each: [each[name] for name in names])
    replace_file(file, json.dumps(entries, indent=1) + "\n")


def _entry(settings: TuningSettings, found: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what readers need of what was found: in short, and rounded where it only informs."""
    validation = found["validation"]
    verdict = None
    if validation is not None:
        difference = validation["difference"]
        verdict = {
            "default": round(validation["default"]["mean"], 4),
            "tuned": round(validation["tuned"]["mean"], 4),
            "difference": [round(difference[name], 4) for name in ("mean", "low", "high")],
            "method": f"{difference['method']}, paired, {difference['n']} seeds",
        }
    return {
        "agent": found["agent"],
        "scenario": found["scenario"],
        "kind": type(settings.where).__name__,
        "digest": digest_of(settings.where),
        "scenario_settings": found["scenario_settings"],
        "settings": found["settings"],
        "is_better": found["is_better"],
        "validation": verdict,
        "budget": found["budget"],
        "command": found["command"],
        "versions": {name: each for name, each in found["versions"].items() if name in _VERSIONS},
    }


def _read(file: Path) -> list[dict[str, Any]]:
    """Returns what a file keeps; nothing where there is none.

    Raises:
      ValueError: it holds something else.
    """
    if not file.exists():
        return []
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
        for each in entries:
            _ = each["agent"], each["scenario"], each["digest"], each["settings"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{file} holds something else than tuned settings; name another file"
        ) from error
    return list(entries)
