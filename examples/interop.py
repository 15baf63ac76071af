"""Runs the examples, each in an environment that has its framework, and tells what came of them.

    python examples/interop.py             all of them, and writes the table of docs/interop.md
    python examples/interop.py sb3_ppo     only these; the table keeps its other rows
    python examples/interop.py --shared    only those that need nothing beyond this environment
    python examples/interop.py --speed     how fast the frameworks step a batch of 256 people

What an example needs stands in its inline metadata (PEP 723). Where this environment lacks it, one
is made in .cache/interop and kept. A row is written as soon as it is known, and what has one of the
very same file is not run again without --again, so that an interrupted run goes on.
"""

import argparse
import ast
import functools
import hashlib
import importlib.metadata
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

EXAMPLES = Path(__file__).resolve().parent
REPOSITORY = EXAMPLES.parent
ENVIRONMENTS = REPOSITORY / ".cache" / "interop"
PAGE = REPOSITORY / "docs" / "interop.md"
HEADER = ("example", "learned", "uniform", "steps/s", "lines", "with")

#: Seconds after which an example, or the making of its environment, is taken to hang.
PATIENCE = 1_200

#: The last line of what an example prints.
RESULT = re.compile(r"^.+: learned (\S+) a session, uniform (\S+), (\S+) steps/s$")
METADATA = re.compile(r"^# /// script\n((?:#.*\n)+?)# ///$", re.MULTILINE)
KEPT_ROW = re.compile(r"^\| \[`(\w+)\.py`\].*$", re.MULTILINE)
TABLE = "(?<=<!-- table: {} -->\n).*?(?=<!-- end of table -->)"

#: The frameworks of `recsim-env speed --through`, and an example whose environment has it.
THROUGH = {
    "stable_baselines3": "sb3_ppo",
    "torchrl": "torchrl_ppo",
    "tianshou": "tianshou_dqn",
    "rllib": "rllib_ppo",
}
SCENARIOS = ("LongTermSatisfaction", "InterestEvolution", "MusicStreaming")
SPEED = re.compile(r"alone (\S+) M/s, through \w+ (\S+) M/s, (\d+%) of it")


class Failed(Exception):
    """An example, or the making of its environment, failed; the message is one line."""


@dataclass(frozen=True)
class Example:
    """A file of this folder that trains with somebody's framework, and prints what it learned."""

    file: Path

    @property
    def name(self) -> str:
        """The file's name, without its ending."""
        return self.file.stem

    @functools.cached_property
    def source(self) -> str:
        """Its text."""
        return self.file.read_text(encoding="utf-8")

    @property
    def n_lines(self) -> int:
        """How long it is, header included."""
        return len(self.source.splitlines())

    @property
    def about(self) -> str:
        """What it shows: its header."""
        return ast.get_docstring(ast.parse(self.source)) or ""

    @property
    def requirements(self) -> list[Requirement]:
        """What must be installed, from the inline metadata."""
        (block,) = METADATA.findall(self.source)
        metadata = tomllib.loads(re.sub("^# ?", "", block, flags=re.MULTILINE))
        return [Requirement(each) for each in metadata["dependencies"]]

    @property
    def is_shared(self) -> bool:
        """Whether the environment that runs this has what it needs."""
        return all(map(_is_met, self.requirements))

    @property
    def digest(self) -> str:
        """Tells whether a result is of this very file."""
        return hashlib.sha256(self.source.encode()).hexdigest()


def examples() -> list[Example]:
    """Returns all examples, by name."""
    return [Example(file) for file in sorted(EXAMPLES.glob("*.py")) if file != Path(__file__)]


def _is_met(requirement: Requirement) -> bool:
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(version, prereleases=True)


def python_for(example: Example) -> str:
    """Returns the interpreter of an environment that has what an example needs.

    Raises:
      Failed: it cannot be made.
    """
    if example.is_shared:
        return sys.executable
    folder = ENVIRONMENTS / example.name
    python, made_for = folder / "bin" / "python", folder / "made_for.json"
    # Of our constraints only torch's holds: a framework may pin what others leave open.
    pins = (REPOSITORY / "constraints.txt").read_text(encoding="utf-8").splitlines()
    (torch,) = (line for line in pins if line.startswith("torch=="))
    wanted = [torch, *map(str, example.requirements)]
    if made_for.exists() and json.loads(made_for.read_text(encoding="utf-8")) == wanted:
        return str(python)
    note(f"{example.name}: making its environment")
    run([sys.executable, "-m", "venv", "--clear", str(folder)])
    pip = [str(python), "-m", "pip", "install", "--quiet"]
    run([*pip, torch])  # alone, so that nothing else decides for what hardware it is built
    run([*pip, torch, *(argument for each in example.requirements for argument in _local(each))])
    made_for.write_text(json.dumps(wanted), encoding="utf-8")
    return str(python)


def _local(requirement: Requirement) -> list[str]:
    """Returns a requirement as pip takes it; ours is this checkout."""
    if requirement.name != "recsim-env":
        return [str(requirement)]
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return ["--editable", f"{REPOSITORY}{extras}"]


def run(command: list[str]) -> str:
    """Returns what a command prints, run in an empty folder and on one core.

    Raises:
      Failed: it fails, or takes too long.
    """
    settings = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            command,
            cwd=folder,
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        ) as process,
    ):
        try:
            printed, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed(f"did not end within {PATIENCE} s") from None
        finally:
            if process.poll() is None:  # with whatever it has started
                os.killpg(process.pid, signal.SIGKILL)
    if process.returncode:
        lines = printed.strip().splitlines() or [f"exit status {process.returncode}"]
        said = next((line for line in reversed(lines) if "error" in line.lower()), lines[-1])
        raise Failed(said.strip())
    return printed


def versions(example: Example, python: str) -> dict[str, str]:
    """Returns the versions of what an example needs, as they are installed."""
    names = dict.fromkeys(each.name for each in example.requirements if each.name != "recsim-env")
    code = "import json, sys; from importlib.metadata import version; "
    code += "print(json.dumps({name: version(name) for name in sys.argv[1:]}))"
    found: dict[str, str] = json.loads(run([python, "-c", code, *names]))
    return found


def row_of(example: Example) -> list[str]:
    """Returns what running an example gave: learned, uniform, steps/s, lines, versions.

    Raises:
      Failed: it has no environment, fails, or does not tell its result.
    """
    python = python_for(example)
    note(f"{example.name}: running")
    lines = run([python, str(example.file)]).strip().splitlines() or [""]
    result = RESULT.match(lines[-1])
    if result is None:
        raise Failed(f"its last line is no result: {lines[-1]}")
    installed = versions(example, python).items()
    return [
        *result.groups(),
        str(example.n_lines),
        ", ".join(f"{name} {version}" for name, version in installed),
    ]


def note(text: str) -> None:
    """Tells somebody who watches what is going on."""
    if sys.stderr.isatty():
        print(text, file=sys.stderr)


def write_row(example: Example, cells: list[str]) -> None:
    """Writes a row into the table of the page, where the others stay."""
    page = PAGE.read_text(encoding="utf-8")
    rows = {name.group(1): name.group() for name in KEPT_ROW.finditer(page)}
    link = f"[`{example.file.name}`](../examples/{example.file.name})"
    rows[example.name] = f"| {' | '.join([link, *cells])} |"
    known = [rows[each.name] for each in examples() if each.name in rows]
    write_table("examples", [f"| {' | '.join(HEADER)} |", "|---|---:|---:|---:|---:|---|", *known])


def write_table(name: str, lines: list[str]) -> None:
    """Writes the lines of a table between its marks in the page."""
    page, table = PAGE.read_text(encoding="utf-8"), "".join(f"{line}\n" for line in lines)
    marked = re.compile(TABLE.format(name), re.DOTALL)
    PAGE.write_text(marked.sub(lambda _: table, page), encoding="utf-8")


def measure_speed() -> int:
    """Prints and writes how fast frameworks step a batch; returns how many could not be asked."""
    known = {example.name: example for example in examples()}
    lines = [f"| | {' | '.join(SCENARIOS)} |", f"|---|{'---|' * len(SCENARIOS)}"]
    n_failed = 0
    for framework, name in THROUGH.items():
        asked = ["speed", *SCENARIOS, "--batch", "256", "--seconds", "3", "--through", framework]
        try:
            python = python_for(known[name])
            note(f"{framework}: measuring")
            found = SPEED.findall(run([python, "-m", "recsim_env", *asked]))
            cells = [f"{through} of {alone} M/s, {share}" for alone, through, share in found]
        except Failed as failed:
            n_failed += 1
            cells = [str(failed).replace("|", "/")]
        lines.append(f"| {framework} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    write_table("speed", lines)
    return n_failed


def play(chosen: list[Example], *, again: bool, is_kept: bool) -> int:
    """Runs examples, and returns how many failed.

    Args:
      chosen: which.
      again: whether those are run whose row is known.
      is_kept: whether rows are written into the page.
    """
    done_file = ENVIRONMENTS / "done.json"
    done = json.loads(done_file.read_text(encoding="utf-8")) if done_file.exists() else {}
    n_failed = 0
    print(f"{'example':24}{'learned':>10}{'uniform':>10}{'steps/s':>10}{'lines':>7}  with")
    for example in chosen:
        if not again and done.get(example.name) == example.digest:
            print(f"{example.name:24}has its row; --again runs it once more")
            continue
        start = time.perf_counter()
        try:
            row = row_of(example)
        except Failed as failed:
            n_failed += 1
            row = ["failed", "", "", str(example.n_lines), str(failed).replace("|", "/")]
        learned, uniform, rate, lines, about = row
        seconds = time.perf_counter() - start
        print(f"{example.name:24}{learned:>10}{uniform:>10}{rate:>10}{lines:>7}  {about}", end="")
        print(f" ({seconds:.0f} s)", flush=True)
        if is_kept:
            write_row(example, row)
            if learned != "failed":
                done[example.name] = example.digest
                done_file.parent.mkdir(parents=True, exist_ok=True)
                done_file.write_text(json.dumps(done), encoding="utf-8")
    return n_failed


def main() -> int:
    """Runs what the command line asks for; returns 1 where an example failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    known = {example.name: example for example in examples()}
    anything = [[], *known]  # what argparse compares with where no name is given
    parser.add_argument("names", nargs="*", choices=anything, metavar="NAME", help="which")
    parser.add_argument("--shared", action="store_true", help="only what this environment can run")
    parser.add_argument("--speed", action="store_true", help="only how fast batches are stepped")
    parser.add_argument("--again", action="store_true", help="also what has its row")
    options = parser.parse_args()
    if options.speed:
        return 1 if measure_speed() else 0
    chosen = [known[name] for name in options.names] or list(known.values())
    if options.shared:
        chosen = [example for example in chosen if example.is_shared]
    again = options.again or options.shared or bool(options.names)
    return 1 if play(chosen, again=again, is_kept=not options.shared) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted; the same command goes on with what is left")
