"""Ctrl-C in a process that is the command's own, from its first import on.

Importing takes a second where the disk is slow, before any function of ours runs; what is raised
meanwhile, libraries turn into errors of their own. Nothing is lost by leaving at once.
"""

import os
import signal
import sys
from types import FrameType

INTERRUPTED = 130
"""The exit status of what Ctrl-C ended, as shells have it."""


def leave_while_importing() -> None:
    """Lets Ctrl-C end this process in one line, if it was started as this project's command."""
    if _is_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)


def _is_command() -> bool:
    if sys.argv[:1] == ["-m"]:  # Python is still looking for the module
        place = sys.orig_argv.index("-m") if "-m" in sys.orig_argv else -1
        return sys.orig_argv[place + 1 : place + 2] == ["recsim_env"]
    started = sys.argv[0] if sys.argv else ""
    return os.path.basename(started) == "recsim-env"  # noqa: PTH119  # pathlib loads too slowly here


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, b"recsim-env: interrupted\n")
    os._exit(INTERRUPTED)
