"""The pages of the public names, by the list in CONTRIBUTING.md."""

import ast
import importlib
import importlib.util
import inspect
import re
from pathlib import Path
from typing import Any

from docs.website.staging import Written


def listed(root: Path) -> dict[str, str]:
    """Returns the public modules, some of which stand for all that match them, and their use."""
    page = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = page.partition("### Public names")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| `")]
    return {name: use.strip() for names, use in rows for name in re.findall(r"`([^`]+)`", names)}


def public_names(module: str) -> list[str]:
    """Returns the names of a public module: those it lists, or else all that it defines."""
    found = importlib.import_module(module)
    defined = [
        each
        for each, value in vars(found).items()
        if not each.startswith("_") and getattr(value, "__module__", None) == module
    ]
    return list(getattr(found, "__all__", defined))


def written(root: Path) -> Written:
    """Returns a page for each public module, and one that lists them."""
    modules = {name: use for name, use in listed(root).items() if "*" not in name}
    seen: dict[Any, str] = {}
    found = {f"api/{name}.md": _module_page(name, seen) for name in modules}
    links = {name: f"[`{name}`]({name}.md)" for name in modules}
    uses = listed(root).items()
    rows = "\n".join(f"| {links.get(name, f'`{name}`')} | {use} |" for name, use in uses)
    entries = "\n".join(modules)
    found["api/index.md"] = f"""# Public names

Code of yours may count on these modules. `recsim_env.scenarios.*` and `recsim_env.agents.*.*`, each
the class that the file is named for, are described under [scenarios](../scenarios.md) and
[agents](../agents.md). All other modules are private, and change without notice.

| module | for |
|---|---|
{rows}

```{{toctree}}
:hidden:

{entries}
```
"""
    return Written(found, moved={"CONTRIBUTING.md#public-names": "api/index.md"})


def _module_page(module: str, seen: dict[Any, str]) -> str:
    """Returns the page of a module; what an earlier one has is linked.

    A module that binds a framework which is not installed has its docstring only.
    """
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None:
            raise
        text = ast.get_docstring(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))) or ""
        return f"# {module}\n\n{error}.\n\n```text\n{text}\n```\n"
    own: list[tuple[str, str]] = []
    elsewhere: list[tuple[str, str]] = []
    for name in public_names(module):
        value = getattr(found, name)
        is_named = inspect.isclass(value) or inspect.isroutine(value)
        known = seen.setdefault(value, f"{module}.{name}") if is_named else f"{module}.{name}"
        (own if known == f"{module}.{name}" else elsewhere).append((name, known))
    also = "".join(f"\nAlso here: {{py:obj}}`{name} <{known}>`.\n" for name, known in elsewhere)
    return f"""# {module}

```{{eval-rst}}
.. automodule:: {module}
   :members: {", ".join(name for name, _ in own)}
```
{also}"""
