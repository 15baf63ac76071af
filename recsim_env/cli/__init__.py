"""The command line: `recsim-env COMMAND`; each command imports what it needs when it runs."""

import contextlib
import sys
from collections.abc import Sequence

from recsim_env import __version__
from recsim_env.cli import (
    comparing,
    contrasting,
    crediting,
    exporting,
    judging,
    listing,
    looping,
    measuring,
    playing,
    plotting,
    process,
    ranking,
    recording,
    simulating,
    training,
    transferring,
    tuning,
    varying,
    watching,
    worlds,
)
from recsim_env.cli.faults import UNREAD, WRONG, Fault, fault_of
from recsim_env.cli.parser import EXAMPLES, PROGRAM, Parser
from recsim_env.interrupts import INTERRUPTED

_COMMANDS = (
    *(listing, training, watching, playing, recording, comparing, plotting, contrasting, tuning),
    *(simulating, measuring, crediting, varying, ranking, judging, worlds, exporting, looping),
    transferring,
)

_EXAMPLES = f"""{EXAMPLES}
  {PROGRAM} scenarios                                      what there is to play
  {PROGRAM} run InterestEvolution linucb --learn 5_000     watch a person being served
  {PROGRAM} train LongTermSatisfaction ppo                 train an agent and save it
  {PROGRAM} benchmark                                      compare agents: the main job
  {PROGRAM} rank movielens-100k                            judge recommenders on a real log

`{PROGRAM} COMMAND --help` tells more of each command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit status.

    It is 0, 1 for what could not be done, 2 for a wrong request, 130 after Ctrl-C, and 141 where
    whoever read the output has enough. What goes wrong is one line, with --traceback the whole.

    Args:
      arguments: of the command; None stands for those of this process, which then is all its own.
    """
    if arguments is not None:
        return _run(list(arguments))
    status = INTERRUPTED
    try:
        with process.one_interrupt():
            status = _run_alone()
    except KeyboardInterrupt as interrupt:
        _interrupted(interrupt)
    finally:
        process.give_up_output()
    if status == INTERRUPTED:
        process.leave_interrupted()
    return status


def _run_alone() -> int:
    try:
        process.take_any_text()
    except ValueError as error:
        return _report(Fault(str(error), WRONG))
    return _run(sys.argv[1:])


def _run(arguments: list[str]) -> int:
    try:
        try:
            options = _parser().parse_args(arguments)
            options.typed = process.as_typed([PROGRAM, *arguments])
            return int(options.run(options))
        finally:
            process.flush_output()  # here, so that a full disk is told as any other fault
    except KeyboardInterrupt as interrupt:
        return _interrupted(interrupt)
    except BrokenPipeError:
        return UNREAD
    except Exception as error:
        if "--traceback" in arguments:
            raise
        if process.was_interrupted(error):
            return _interrupted(error)
        return _report(fault_of(error))


def _interrupted(interrupt: BaseException) -> int:
    remedy = str(interrupt) if isinstance(interrupt, KeyboardInterrupt) else ""
    with contextlib.suppress(OSError, ValueError):
        below = "\n" if sys.stderr.isatty() else ""  # the ^C, or a bar
        print(f"{below}{PROGRAM}: interrupted{'; ' if remedy else ''}{remedy}", file=sys.stderr)
    return INTERRUPTED


def _report(fault: Fault) -> int:
    with contextlib.suppress(OSError, ValueError):  # there is nowhere left to say it
        print(f"{PROGRAM}: error: {fault.message}", file=sys.stderr)
    return fault.status


def _parser() -> Parser:
    parser = Parser(
        prog=PROGRAM,
        description="Simulated people for the study of recommendation.",
        epilog=_EXAMPLES,
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for module in _COMMANDS:
        module.add_commands(commands)
    return parser
