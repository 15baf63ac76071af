"""The parser of the command line: one-line errors, and help that shows every default."""

import argparse
import contextlib
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from recsim_env.inputs.spelling import did_you_mean

PROGRAM = "recsim-env"
EXAMPLES = "examples:"


class Parser(argparse.ArgumentParser):
    """A parser whose help shows every default and whose errors are one line.

    An option is never another's beginning: `--seed` is not taken for `--seeds`.
    """

    def __init__(self, *, examples: Sequence[str] = (), **settings: Any) -> None:
        if examples:
            lines = "".join(f"\n  {PROGRAM} {each}" for each in examples)
            settings["epilog"] = f"{EXAMPLES}{lines}"
        super().__init__(formatter_class=_Help, allow_abbrev=False, **settings)
        self.add_argument(
            "--traceback",
            action="store_true",
            default=argparse.SUPPRESS,
            help="show where an error comes from",
        )

    def error(self, message: str) -> NoReturn:
        """Says in one line what is wrong and where to read more, and exits with 2."""
        command = self.prog.removeprefix(PROGRAM).strip()
        where = f"{command}: " if command else ""
        said = " ".join(message.split())
        stop = "" if said.endswith("?") else ";"
        self.exit(2, f"{PROGRAM}: error: {where}{said}{stop} see `{self.prog} --help`\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        if message and file is not None:
            # argparse would not tell of a full disk; of a full error stream there is no telling.
            with contextlib.suppress(OSError) if file is sys.stderr else contextlib.nullcontext():
                file.write(message)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuses what no option or place takes, with the option that was probably meant."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            name = unknown[0].partition("=")[0]
            if name.startswith("-"):
                meant = did_you_mean(name, self._option_string_actions)
                self.error(f"there is no option {name}{meant}")
            self.error(f"{name!r} is one too many; what stands together is named before options")
        return found, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(each) for each in action.choices]
            listed = ", ".join(known)
            raise argparse.ArgumentError(
                action, f"{value!r} is unknown; known are {listed}{did_you_mean(value, known)}"
            )


class _Help(argparse.HelpFormatter):
    """Ends the help of an option with its default, as in (1,000), and keeps examples as they are.

    A default that is not argparse's own, since a file or another option decides, is written there.
    """

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith(EXAMPLES):
            return "".join(indent + line for line in text.splitlines(keepends=True))
        return super()._fill_text(text, width, indent)

    def _get_help_string(self, action: argparse.Action) -> str | None:
        default = action.default
        if default is None or default is argparse.SUPPRESS or isinstance(default, bool):
            return action.help
        values = default if isinstance(default, list) else [default]
        if not values:
            return action.help
        shown = " ".join(f"{each:,}" if isinstance(each, int) else str(each) for each in values)
        escaped = shown.replace("%", "%%")
        return f"{action.help} ({escaped})"
