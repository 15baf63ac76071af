"""The command line: `recsim-env COMMAND`; each command imports what it needs when it runs."""

import argparse
import os
import sys
from collections.abc import Sequence

from recsim_env.cli import comparing, listing, playing, ranking, recording, training, worlds

PROGRAM = "recsim-env"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit status: 0, 1 where runs failed, 2 for a wrong request."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except (ValueError, FileNotFoundError, ImportError) as error:
        if options.traceback:
            raise
        print(f"{PROGRAM}: error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except RuntimeError as error:
        if options.traceback:
            raise
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as interrupt:
        remedy = f"; {interrupt}" if str(interrupt) else ""
        print(f"\n{PROGRAM}: interrupted{remedy}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read the output, `head` say, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Simulated people for the study of recommendation.",
        epilog=f"`{PROGRAM} COMMAND --help` tells more; `{PROGRAM} benchmark` is the main job.",
    )
    parser.add_argument("--traceback", action="store_true", help="show where an error comes from")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in (listing, training, playing, recording, comparing, ranking, worlds):
        module.add_commands(commands)
    return parser
