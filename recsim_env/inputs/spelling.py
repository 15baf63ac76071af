"""How people write names and numbers, and what they probably meant."""

import difflib
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

# Comparing takes time quadratic in the length, and nobody means a name by more than this.
_LONGEST_NAME = 100
_LEAST_SIMILAR = 0.6
_LONGEST_NUMBER = 60
_LARGEST = 2**63 - 1
_MULTIPLES = {"": 1, "k": 10**3, "m": 10**6}
_NUMBER = re.compile(
    r"""(?P<sign> [+-]?)
        ( (?P<digits> [1-9][0-9]{0,2}(,[0-9]{3})+ | [0-9]+(_[0-9]+)* ) (?P<fraction> \.[0-9]* )?
        | (?P<only_fraction> \.[0-9]+ ) )
        ( e(?P<power> [+-]?[0-9]{1,4}) | (?P<multiple> [km]) )?""",
    re.VERBOSE | re.IGNORECASE,
)

#: The ways, for messages.
AS_IN = "as in 5000, 5_000, 5,000, 5e3 or 5k"


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Returns the end of a message that refuses a name: the known one most like it, or nothing.

    Capitals, `-`, `_` and spaces do not count, nor does what a name begins with up to its `/`.

    >>> did_you_mean("LinUCB", ["uniform", "linucb"])
    "; did you mean 'linucb'?"
    >>> did_you_mean("musicstreaming", ["Boredom-v0", "MusicStreaming-v0"])
    "; did you mean 'MusicStreaming-v0'?"
    >>> did_you_mean("nobody", ["uniform", "linucb"])
    ''
    """
    text = str(name)
    wanted = _plain(text) if len(text) <= _LONGEST_NAME else ""
    plain = {_plain(each): each for each in reversed(list(known))}  # of equals, the first
    longer = [each for each in plain if each.startswith(wanted)] if len(wanted) > 2 else []
    near = difflib.get_close_matches(wanted, plain, n=1, cutoff=_LEAST_SIMILAR)
    found = [wanted] if wanted in plain else longer[-1:] or near
    return f"; did you mean {plain[found[0]]!r}?" if found else ""


def check_known(owner: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Checks that settings are known by name.

    Args:
      owner: what has the settings, for the message.
      given: names.
      known: names of all settings.

    Raises:
      ValueError: naming those that are unknown, all that are known, and what may be meant.

    >>> check_known("a cup", ["size"], ["size", "colour"])
    >>> check_known("a cup", ["color"], ["size", "colour"])
    Traceback (most recent call last):
    ValueError: a cup has no setting color; known are size, colour; did you mean 'colour'?
    """
    names = list(known)
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise ValueError(
            f"{owner} has no setting {', '.join(unknown)}; known are {', '.join(names) or 'none'}"
            f"{did_you_mean(unknown[0], names)}"
        )


def split_names(names: Sequence[str] | str) -> tuple[str, ...]:
    """Returns names that one text may hold, with commas between.

    >>> split_names("device, hour")
    ('device', 'hour')
    """
    parts = names.split(",") if isinstance(names, str) else names
    return tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))


def _plain(name: str) -> str:
    return re.sub(r"[-_\s]", "", name.rpartition("/")[2].casefold())


def whole_number(text: str, *, least: int | None = None, most: int = _LARGEST) -> int:
    """Returns the whole number that a text says, in any of the ways people write them.

    >>> [whole_number(text) for text in ("5_000", "5,000", "1e5", "100k", "1.5k", "2M", "-1")]
    [5000, 5000, 100000, 100000, 1500, 2000000, -1]

    Raises:
      ValueError: it says none, or one below `least` or above `most`.
    """
    value = _value(text)
    if value is None or value.denominator != 1:
        raise ValueError(f"{text[:60]!r} is not a whole number; write it {AS_IN}")
    if least is not None and value < least:
        raise ValueError(f"{text!r} is not a whole number of {least:,} or more")
    if value > most or value < -_LARGEST:
        raise ValueError(f"{text!r} is not a whole number of {most:,} or less")
    return int(value)


def number(text: str) -> float:
    """Returns the number that a text says, whole or not.

    >>> [number(text) for text in ("0.5", ".5", "1e-3", "-2", "1_000.5", "1.5k")]
    [0.5, 0.5, 0.001, -2.0, 1000.5, 1500.0]

    Raises:
      ValueError: it says none, or none that a computer can hold.
    """
    value = _value(text)
    if value is None:
        raise ValueError(f"{text[:60]!r} is not a number; write it as in 0.5, 1e-3 or 5,000")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{text[:60]!r} is too large a number") from None


def fitted(value: Any, default: Any) -> Any:
    """Returns a number as its default is one, however it was written; all else as it is.

    >>> fitted("5_000", 0), fitted(1e5, 0), fitted("0.5", 1.0), fitted("5_000", "text")
    (5000, 100000, 0.5, '5_000')

    Raises:
      ValueError: a number is expected, and a text is none.
    """
    if isinstance(default, bool) or not isinstance(default, int | float):
        return value
    found = number(value) if isinstance(value, str) else value
    is_whole = isinstance(default, int) and isinstance(found, float) and found.is_integer()
    return int(found) if is_whole else found


def _value(text: str) -> Fraction | None:
    """Returns the exact number that a text says, or None."""
    found = _NUMBER.fullmatch(text.strip()) if len(text) <= _LONGEST_NUMBER else None
    if found is None:
        return None
    digits = (found["digits"] or "0").replace(",", "").replace("_", "")
    fraction = found["fraction"] or found["only_fraction"] or ""
    exact = Fraction(f"{found['sign']}{digits}{fraction}e{found['power'] or 0}")
    return exact * _MULTIPLES[(found["multiple"] or "").lower()]
