"""Our docstrings as reStructuredText: Google's form, with paragraphs that begin with a label."""

import re
from typing import Any

#: What begins a paragraph such as ``Source: Craswell et al. 2008``; sections have nothing behind.
_LABEL = re.compile(r"( *)([A-Z][a-z]+(?: [a-z]+)*): (?=\S)")
_CODE = re.compile(r"(``.*?``|`[^`]*`)")

#: How much farther in code stands than the text that it belongs to.
_CODE_INDENT = 4


def setup(app: Any) -> None:
    """Lets Sphinx call `rewritten` before it takes Google's sections apart."""
    app.connect("autodoc-process-docstring", _process, priority=400)


def _process(app: Any, what: str, name: str, value: Any, options: Any, lines: list[str]) -> None:
    lines[:] = rewritten(lines)


def rewritten(lines: list[str]) -> list[str]:
    """Returns a docstring in which labels are bold, code is code, and all else is only text.

    >>> rewritten(["Two.", "", "Source: a paper", "  of 2008.", "Differs: *here*."])
    ['Two.', '', '**Source**: a paper', 'of 2008.', '', '**Differs**: \\\\*here\\\\*.']
    >>> rewritten(["Two:", "", "    a * b", "", "    >>> 1"])
    ['Two:', '', '::', '', '    a * b', '', '..', '', '    >>> 1']
    """
    found: list[str] = []
    label_indent = text_indent = code_indent = None
    for place, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        is_example = line.lstrip().startswith(">>>")
        if not line.strip():
            label_indent = None
        elif code_indent is not None and indent >= code_indent and not is_example:
            pass
        elif _is_farther_in(indent, text_indent) and not found[-1].strip():
            found += ["..", ""] if is_example and code_indent is not None else []
            found += [] if is_example else ["::", ""]
            code_indent = None if is_example else indent
        else:
            code_indent, text_indent = None, indent
            label = None if place == 0 else _LABEL.match(line)
            if label and (label_indent is not None or not found[-1].strip()):
                label_indent = len(label[1])
                found += [""] if found[-1].strip() else []
                line = f"{label[1]}**{label[2]}**: {_plain(line[label.end() :])}"
            elif label_indent is not None:
                line = " " * label_indent + _plain(line.strip())
            elif not is_example:
                line = _plain(line)
        found.append(line)
    return found


def _is_farther_in(indent: int, text_indent: int | None) -> bool:
    return text_indent is not None and indent >= text_indent + _CODE_INDENT


def _plain(text: str) -> str:
    """Returns a text in which asterisks and bars mean nothing; code between backticks stays."""
    parts = enumerate(_CODE.split(text))
    return "".join(part if place % 2 else re.sub(r"([*|])", r"\\\1", part) for place, part in parts)
