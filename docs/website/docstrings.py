"""Our docstrings as reStructuredText: Google's form, with paragraphs that begin with a label."""

import re
from typing import Any

#: What begins a paragraph such as ``Source: Craswell et al. 2008``; sections have nothing behind.
_LABEL = re.compile(r"( *)([A-Z][a-z]+(?: [a-z]+)*): (?=\S)")
_CODE = re.compile(r"(``.*?``|`[^`]*`)")


def setup(app: Any) -> None:
    """Lets Sphinx call `rewrite` before it takes Google's sections apart."""
    app.connect("autodoc-process-docstring", _process, priority=400)


def _process(app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    lines[:] = rewritten(lines)


def rewritten(lines: list[str]) -> list[str]:
    """Returns a docstring in which labels are bold, asterisks are asterisks, and code is code.

    >>> rewritten(["Source: a paper", "  of 2008.", "Differs: *here*.", "", "For example:", ""])
    ['**Source**: a paper', 'of 2008.', '', '**Differs**: \\\\*here\\\\*.', '', 'For example:', '']
    """
    found: list[str] = []
    indent = None  # of the labelled paragraph that a line may belong to
    before_code = None  # the indent of what a block of code belongs to
    for place, line in enumerate(lines):
        label = _LABEL.match(line)
        if before_code is not None and (not line.strip() or _indent(line) > before_code):
            found.append(line)
            continue
        before_code = None
        if not line.strip():
            indent = None
        elif label and (indent is not None or not found or not found[-1].strip()):
            indent = len(label[1])
            if found and found[-1].strip():
                found.append("")
            line = f"{label[1]}**{label[2]}**: {_plain(line[label.end() :])}"
        elif indent is not None:
            line = " " * indent + _plain(line.strip())
        elif not line.lstrip().startswith(">>>"):
            line = _plain(line)
        if _begins_code(lines, place):
            before_code = _indent(line)
            line += ":"
        found.append(line)
    return found


def _begins_code(lines: list[str], place: int) -> bool:
    """Whether a line ends in a colon and what stands farther in follows after an empty one."""
    line, *rest = lines[place : place + 3]
    if not line.rstrip().endswith(":") or line.rstrip().endswith("::") or len(rest) < 2:
        return False
    is_farther_in = _indent(rest[1]) > _indent(line) and bool(rest[1].strip())
    return not rest[0].strip() and is_farther_in and not rest[1].lstrip().startswith(">>>")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _plain(text: str) -> str:
    """Returns a text whose asterisks are asterisks; what stands between backticks stays."""
    parts = enumerate(_CODE.split(text))
    return "".join(part if place % 2 else part.replace("*", r"\*") for place, part in parts)
