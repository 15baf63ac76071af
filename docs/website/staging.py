"""What the site is built from: a copy of the repository's pages, and those written from code.

Pages link to each other as the repository lays them out, so that they can be read there. The copy
has `docs/` as its root, and links lead to where their targets went.
"""

import posixpath
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

#: Pages that lie above `docs/`, and where they go.
ABOVE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changes.md",
}

#: What is no page of the site: its builder.
_BUILDER = "website"

_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?(?=\))")
_CODE = re.compile(r"(^```.*?^```|`[^`\n]+`)", flags=re.DOTALL | re.MULTILINE)


def stage(root: Path, source: Path, written: Mapping[str, str], drawn: Mapping[str, Path]) -> None:
    """Makes `source` the tree of pages that the site is built from.

    A file that would not change is left as it is, so that its page is not built again; what is no
    longer a page is removed.

    Args:
      root: of the repository.
      source: where to write.
      written: pages made from code, by their path below `source`; they replace those of `docs/`.
      drawn: files of pictures, likewise.
    """
    pages, files = _of_repository(root)
    texts, files = {**pages, **written}, {**files, **drawn}
    for name, text in texts.items():
        _write(source / name, text.encode())
    for name, file in files.items():
        if not _is_same(file, source / name):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, source / name)
    for file in source.rglob("*"):
        if file.is_file() and file.relative_to(source).as_posix() not in {*texts, *files}:
            file.unlink()


def _of_repository(root: Path) -> tuple[dict[str, str], dict[str, Path]]:
    """Returns the texts of pages, and the other files, by their path on the site."""
    pages = {}
    files = {}
    for file in sorted((root / "docs").rglob("*")):
        name = file.relative_to(root / "docs").as_posix()
        if not file.is_file() or name.split("/")[0] == _BUILDER or "__pycache__" in name:
            continue
        if file.suffix == ".md":
            pages[name] = relinked(file.read_text(encoding="utf-8"), root, f"docs/{name}", name)
        else:
            files[name] = file
    for above, name in ABOVE.items():
        text = (root / above).read_text(encoding="utf-8")
        where = "readme.md" if above == "README.md" else name
        pages[where] = relinked(text, root, above, where)
    return pages, files


def relinked(text: str, root: Path, page: str, name: str) -> str:
    """Returns a page with links that hold on the site; code is left alone.

    Args:
      text: of the page.
      root: of the repository.
      page: its path in the repository.
      name: its path on the site.
    """

    def moved(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), match[1]))
        there = ABOVE.get(target, target.removeprefix("docs/"))
        return posixpath.relpath(there, posixpath.dirname(name) or ".") + (match[2] or "")

    parts = _CODE.split(text)
    return "".join(
        part if place % 2 else _LINK.sub(moved, part) for place, part in enumerate(parts)
    )


def _write(file: Path, content: bytes) -> None:
    if not file.exists() or file.read_bytes() != content:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _is_same(file: Path, copy: Path) -> bool:
    if not copy.exists():
        return False
    of_file, of_copy = file.stat(), copy.stat()
    return (of_file.st_size, of_file.st_mtime) == (of_copy.st_size, of_copy.st_mtime)
