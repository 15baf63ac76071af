"""Code on a page: where it is, and the whole of it for whoever opens it."""

import inspect
import re
from pathlib import Path
from types import ModuleType

from docs.website.staging import Written

ROOT = Path(__file__).parents[2]

#: What an example has, to say what must be installed (PEP 723).
_METADATA = "# /// script\n"


def section(module: ModuleType) -> str:
    """Returns a section of Markdown with a module's code, closed at first."""
    file = Path(inspect.getfile(module)).resolve().relative_to(ROOT)
    code = inspect.getsource(module).rstrip()
    return f"## Source\n\n::::{{dropdown}} `{file}`\n```python\n{code}\n```\n::::"


def examples() -> Written:
    """Returns a page for each file of examples."""
    files = sorted((ROOT / "examples").glob("*.py"))
    shown = [file for file in files if _METADATA in file.read_text(encoding="utf-8")]
    return _code_pages([file.relative_to(ROOT).as_posix() for file in shown])


def linked() -> Written:
    """Returns a page for each file of code, no example, that a page of `docs/` links to."""
    pages = sorted((ROOT / "docs").rglob("*.md"))
    links = {
        (page.parent / link).resolve().relative_to(ROOT)
        for page in pages
        for link in re.findall(r"\]\(([^):#]+\.py)\)", page.read_text(encoding="utf-8"))
    }
    paths = [path.as_posix() for path in sorted(links) if path.parts[0] not in ("docs", "examples")]
    return _code_pages(paths, head="---\norphan: true\n---\n\n")


def _code_pages(paths: list[str], head: str = "") -> Written:
    pages, moved = {}, {}
    for path in paths:
        code = (ROOT / path).read_text(encoding="utf-8").rstrip()
        moved[path] = f"{path.removesuffix('.py')}.md"
        pages[moved[path]] = f"{head}# {Path(path).name}\n\n```python\n{code}\n```\n"
    return Written(pages, moved=moved)
