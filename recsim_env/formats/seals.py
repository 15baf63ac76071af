"""Seals: a chain of digests that shows when runs in a file of lines were lost, moved or changed.

Every line of a run ends with an empty cell but the last, which there has a seal: how many lines
the run has, a digest of them, and a digest of the seal of the run before. A line that was lost,
doubled, moved or changed does not fit the first two; runs that were lost, doubled or moved, the
third. What a kill cut off the end of the file is not noticed: it has no seal yet.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SEAL = re.compile(rb"([1-9][0-9]{0,8})-([0-9a-f]{12})-([0-9a-f]{12})")


@dataclass(frozen=True)
class SealedLines:
    """The lines of a file up to the next seal, or after the last.

    Attributes:
      first: number of the first line, the header being line 1.
      lines: without seals, each ending with a comma; incomplete runs come before the sealed one.
      n_sealed: how many of them, the last ones, are a whole run; 0 for none.
      has_seal: whether the last one had a seal.
      problem: what does not fit, or nothing.
    """

    first: int
    lines: list[bytes]
    n_sealed: int
    has_seal: bool
    problem: str

    @property
    def last(self) -> int:
        """Number of the line with the seal; beyond all lines after the last one."""
        return self.first + len(self.lines) - (1 if self.has_seal else 0)


def sealed(lines: bytes, before: bytes) -> tuple[bytes, bytes]:
    """Returns the lines of a run with a seal at their end, and the seal.

    Args:
      lines: of one run; each ends with a comma, that is with an empty cell, and a line break.
      before: seal of the run before; empty for the first.
    """
    seal = _seal_of(lines, before)
    return lines[:-1] + seal + b"\n", seal


def unsealed(lines: Sequence[bytes]) -> Iterator[SealedLines]:
    """Yields lines seal by seal, with what is wrong with each, and at last those without a seal.

    Args:
      lines: of the file below the header, without line breaks.
    """
    start, before = 0, b""
    for end, line in enumerate(lines, start=1):
        seal = line.rpartition(b",")[2]
        if not seal:
            continue
        own = [*lines[start : end - 1], line.removesuffix(seal)]
        n_sealed, problem = _checked(own, seal, before)
        yield SealedLines(start + 2, own, n_sealed, True, problem)
        start, before = end, seal
    if start < len(lines):
        yield SealedLines(start + 2, list(lines[start:]), 0, False, "")


def _checked(lines: list[bytes], seal: bytes, before: bytes) -> tuple[int, str]:
    """Returns how many of the last lines the seal fits, and what is wrong otherwise."""
    found = _SEAL.fullmatch(seal)
    n_sealed = int(found[1]) if found else 0
    text = b"".join(line + b"\n" for line in lines[-n_sealed:])
    if not found or n_sealed > len(lines) or _digest(text) != found[2]:
        return 0, "the run that ends here is not as it was written: lines are lost or changed"
    if n_sealed < len(lines):
        return n_sealed, "lines of another run come before the run that ends here"
    if _digest(before) != found[3]:
        return n_sealed, "another run came before this one: runs are lost, doubled or moved"
    return n_sealed, ""


def _seal_of(lines: bytes, before: bytes) -> bytes:
    return b"%d-%b-%b" % (lines.count(b"\n"), _digest(lines), _digest(before))


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest()[:12].encode()
