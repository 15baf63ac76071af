"""What the site is built from: a copy of the repository's pages, and those written from code.

Pages link to each other as the repository lays them out, so that they can be read there. The copy
has `docs/` as its root, and links lead to where their targets went.
"""

import posixpath
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

#: Pages that lie above `docs/`, and where they go.
ABOVE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
}

#: The README as a whole, of which pages include parts.
_README = "readme.md"

#: What is not on the site: its builder, and a part of a page.
_LEFT_OUT = ("website/", "results/ablation/values.md")

#: Where pages are listed that stand alone, and where the examples are.
_HOW_TO, _COMPARED = "how-to/README.md", "interop.md"

_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?(?=\))")
_INCLUDED = re.compile(r"(?<=^```\{include\} )(\S+)()$", flags=re.MULTILINE)
_CODE = re.compile(r"(^```.*?^```|`[^`\n]+`)", flags=re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Written:
    """What is made from code.

    Attributes:
      texts: pages by their path on the site, where they replace those of `docs/`.
      files: others, such as pictures.
      moved: where on the site a page of the repository is, or a part of it: ``"page.md#part"``.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)

    def __or__(self, other: "Written") -> "Written":
        """Returns both."""
        return Written(
            {**self.texts, **other.texts},
            {**self.files, **other.files},
            {**self.moved, **other.moved},
        )


def stage(root: Path, source: Path, written: Written) -> None:
    """Makes `source` the tree of pages that the site is built from.

    A file that would not change is left as it is, so that its page is not built again; what is no
    longer a page is removed.

    Args:
      root: of the repository.
      source: where to write.
      written: what is made from code.
    """
    pages, files = _of_repository(root, written.moved)
    kept = {name: text for name, text in pages.items() if name not in written.texts}
    examples = sorted(name for name in written.texts if name.startswith("examples/"))
    texts = {**_with_contents(kept, examples), **written.texts}
    files = {**files, **written.files}
    for name, text in texts.items():
        _write(source / name, text.encode())
    for name, file in files.items():
        if not _is_same(file, source / name):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, source / name)
    for file in source.rglob("*"):
        if file.is_file() and file.relative_to(source).as_posix() not in {*texts, *files}:
            file.unlink()


def _of_repository(root: Path, moved: Mapping[str, str]) -> tuple[dict[str, str], dict[str, Path]]:
    """Returns the texts of pages, and the other files, by their path on the site."""
    pages = {}
    files = {}
    for file in sorted((root / "docs").rglob("*")):
        name = file.relative_to(root / "docs").as_posix()
        if not file.is_file() or name.startswith(_LEFT_OUT):
            continue
        if file.suffix == ".md":
            pages[name] = relinked(file.read_text(encoding="utf-8"), f"docs/{name}", name, moved)
        else:
            files[name] = file
    for above, there in ABOVE.items():
        name = _README if above == "README.md" else there
        text = (root / above).read_text(encoding="utf-8")
        pages[name] = relinked(text, above, name, moved)
    return pages, files


def relinked(text: str, page: str, name: str, moved: Mapping[str, str]) -> str:
    """Returns a page with links that hold on the site; code is left alone.

    Args:
      text: of the page.
      page: its path in the repository.
      name: its path on the site.
      moved: as in `Written`.
    """
    folder, here = posixpath.dirname(page), posixpath.dirname(name) or "."

    def site_path(match: re.Match[str], places: Mapping[str, str]) -> str:
        path, part = posixpath.normpath(posixpath.join(folder, match[1])), match[2] or ""
        if path + part in places:
            path, part = places[path + part], ""
        there = places.get(path, path.removeprefix("docs/"))
        return posixpath.relpath(there, here) + part

    whole = {**ABOVE, "README.md": _README}
    text = _INCLUDED.sub(lambda match: site_path(match, whole), text)
    parts = _CODE.split(text)
    places = {**ABOVE, **moved}
    return "".join(
        part if place % 2 else _LINK.sub(lambda match: site_path(match, places), part)
        for place, part in enumerate(parts)
    )


def _with_contents(pages: Mapping[str, str], examples: list[str]) -> dict[str, str]:
    """Returns pages, of which some list others: their contents.

    The `README.md` of a folder has those that it links to, in its order, and then what else there
    is. The examples are listed where they are compared.
    """
    contents = {
        name: _linked(name, text) if name.endswith("README.md") else []
        for name, text in pages.items()
    }
    contents[_COMPARED] = examples
    listed = {each for found in contents.values() for each in found}
    listed |= {"index.md", _README, *ABOVE.values()}
    for name in sorted(pages, key=lambda name: (name.count("/") == 0, name)):
        if name not in listed and not name.endswith("README.md"):
            contents[_lister(name, pages)].append(name)
    return {name: text + _tree(contents[name]) for name, text in pages.items()}


def _linked(name: str, text: str) -> list[str]:
    """Returns the pages that a page links to, in its order."""
    folder = posixpath.dirname(name)
    links = [link for link, _ in _LINK.findall(text) if link.endswith(".md")]
    return list(dict.fromkeys(posixpath.normpath(posixpath.join(folder, link)) for link in links))


def _lister(name: str, pages: Mapping[str, str]) -> str:
    """Returns the page that lists one which no other lists."""
    while name := posixpath.dirname(name):
        if f"{name}/README.md" in pages:
            return f"{name}/README.md"
    return _HOW_TO


def _tree(contents: list[str]) -> str:
    if not contents:
        return ""
    entries = "\n".join(f"/{each.removesuffix('.md')}" for each in contents)
    return f"\n```{{toctree}}\n:hidden:\n\n{entries}\n```\n"


def _write(file: Path, content: bytes) -> None:
    if not file.exists() or file.read_bytes() != content:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _is_same(file: Path, copy: Path) -> bool:
    if not copy.exists():
        return False
    of_file, of_copy = file.stat(), copy.stat()
    return (of_file.st_size, of_file.st_mtime) == (of_copy.st_size, of_copy.st_mtime)
