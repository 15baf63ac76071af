"""Bars of progress: a line on a terminal, a widget in a notebook, nothing where nobody looks."""

import os
import sys
import warnings
from typing import Any


def progress(*, shown: bool = True, **about: Any) -> Any:
    """Returns a bar of tqdm, for a `with`.

    In a notebook it is a widget, or without ipywidgets a line of text; elsewhere it is a line on a
    terminal. Tqdm's variable TQDM_DISABLE keeps it away.

    Args:
      shown: whether whoever calls wants one.
      about: tqdm's `total`, `initial`, `unit` and `desc`.
    """
    is_unwanted = not shown or bool(os.environ.get("TQDM_DISABLE"))
    if not is_notebook():
        from tqdm import tqdm

        return tqdm(**about, disable=True if is_unwanted else None)  # None: on a terminal only
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that widgets are not installed
        from tqdm.auto import tqdm as widget

        return widget(**about, disable=is_unwanted)


def is_notebook() -> bool:
    """Returns whether this process is a kernel of Jupyter."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return "IPKernelApp" in getattr(shell, "config", ())
