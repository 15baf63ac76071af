"""TOML: what a file of settings holds, and values as such a file has them."""

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_LONGEST_FILE = 2**20

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def read_toml(path: Path) -> dict[str, Any]:
    """Returns what a TOML file holds; devices that never end are not read to their end.

    Raises:
      OSError: it cannot be read.
      ValueError: it is not TOML.
    """
    with path.open("rb") as file:
        content = file.read(_LONGEST_FILE + 1)
    if len(content) > _LONGEST_FILE:
        raise ValueError(f"it has more than {_LONGEST_FILE:,} bytes, too many for settings")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"it is not UTF-8 (byte {error.start:,}); save it as that") from error
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def as_key(name: str) -> str:
    """Returns a name as a key, in quotes where it needs them.

    >>> as_key("n_items"), as_key("a month")
    ('n_items', '"a month"')
    """
    return name if _BARE_KEY.fullmatch(name) else as_value(name)


def as_value(value: Any) -> str:
    r"""Returns a value as TOML writes it.

    >>> [as_value(each) for each in (True, 20_000, 1e-05, 1.0, 'a "b"', (0, 1), {"n_days": 30})]
    ['true', '20_000', '1e-05', '1.0', '"a \\"b\\""', '[0, 1]', '{ n_days = 30 }']

    Raises:
      ValueError: TOML has no way for it, as for a function.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:_}"
    if isinstance(value, float):
        return repr(value)  # inf and nan too
    if isinstance(value, str):
        # JSON escapes as TOML does, but for one sign; what is beyond 16 bits is written as it is.
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(as_value, value))}]"
    if isinstance(value, Mapping):
        inside = ", ".join(f"{as_key(str(k))} = {as_value(v)}" for k, v in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    raise ValueError(
        f"a file of settings has no way to write {value!r:.80}; name it, as in file.py:name"
    )
