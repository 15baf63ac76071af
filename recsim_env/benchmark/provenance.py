"""What made the numbers: versions of the packages, of Python, and the machine."""

import importlib.metadata
import os
import platform

PACKAGES = (
    "recsim-env",
    "gymnasium",
    "numpy",
    "numba",
    "scipy",
    "joblib",
    "torch",
    "stable-baselines3",
    "sb3-contrib",
    "implicit",
)


def versions() -> dict[str, str]:
    """Returns the versions of Python and of the packages that are installed, and the platform."""
    from recsim_env import __version__

    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    found["recsim-env"] = __version__
    found["platform"] = platform.platform()
    found["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    return found
