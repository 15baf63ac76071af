"""Code on a page: where it is, and the whole of it for whoever opens it."""

import inspect
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
    pages, moved = {}, {}
    for file in sorted((ROOT / "examples").glob("*.py")):
        code = file.read_text(encoding="utf-8").rstrip()
        if _METADATA not in code:  # it is what runs them
            continue
        pages[f"examples/{file.stem}.md"] = f"# {file.name}\n\n```python\n{code}\n```\n"
        moved[f"examples/{file.name}"] = f"examples/{file.stem}.md"
    return Written(pages, moved=moved)
