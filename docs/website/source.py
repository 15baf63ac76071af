"""Code on a page: where it is, and the whole of it for whoever opens it."""

import inspect
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


def section(module: ModuleType) -> str:
    """Returns a section of Markdown with a module's code, closed at first."""
    file = Path(inspect.getfile(module)).resolve().relative_to(ROOT)
    code = inspect.getsource(module).rstrip()
    return f"## Source\n\n::::{{dropdown}} `{file}`\n```python\n{code}\n```\n::::"
