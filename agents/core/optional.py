"""Libraries that only some agents need, and what to install where one is missing."""

import importlib
from typing import Any


def extra(module: str, *, needed_by: str) -> Any:
    """Returns a module that is, or needs, an optional library.

    Args:
      module: its full name.
      needed_by: what is said to need it.

    Raises:
      ImportError: the library is not installed; the message says how to. One that is installed and
        does not work says so itself.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ImportError(
            f"{needed_by} needs {error.name}, which is not installed; "
            'pip install "recsim-env[agents]"'
        ) from error
