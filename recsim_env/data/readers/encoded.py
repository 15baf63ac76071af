"""The bytes of a text file as UTF-8 with line feeds, whatever it was written in."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: The usual encoding of text.
UTF_8 = ("utf-8-sig",)
_MARKS = {
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_PART = 2**24


@dataclass(frozen=True)
class Encoded:
    """A text.

    Attributes:
      path: the file.
      raw: what it holds, in UTF-8, its lines ended by line feeds and nothing else.
      remarks: what was decided, for people.
    """

    path: Path
    raw: bytes
    remarks: tuple[str, ...]


def read_encoded(path: Path, encodings: Sequence[str] = UTF_8) -> Encoded:
    """Returns a file's text, unpacked and decoded.

    Args:
      path: the file, which may be packed by gzip.
      encodings: the first that fits; a byte order mark comes first. Lines end as the first one
        does, as in Windows, Unix or old Macs.

    Raises:
      ValueError: it is no text in this encoding, by line.
    """
    unpacked = _unpacked(path, path.read_bytes())
    raw, encoding = _in_utf_8(path, unpacked, encodings)
    if b"\0" in raw:
        raise _no_text(path, unpacked, encoding)
    raw = _with_line_feeds(raw)
    remarks = () if encoding.startswith("utf-8") else (f"read as {encoding}",)
    return Encoded(path, raw, remarks)


def _in_utf_8(path: Path, raw: bytes, encodings: Sequence[str]) -> tuple[bytes, str]:
    """Returns a text in UTF-8 without a mark, and its encoding; or names the line that is in no
    such encoding."""
    marked = next((e for mark, e in _MARKS.items() if raw.startswith(mark)), None)
    if marked:
        encodings = (marked,)
    for encoding in encodings:
        try:
            if encoding in ("utf-8", "utf-8-sig"):
                _check_utf_8(raw)
                return raw.removeprefix(codecs.BOM_UTF8), encoding
            return raw.decode(encoding).removeprefix("\ufeff").encode(), encoding
        except UnicodeDecodeError as error:
            failure = error
        except LookupError:
            raise ValueError(f"encoding={encoding!r} is unknown; try latin-1 or cp1252") from None
        except UnicodeError as error:
            raise ValueError(f"{path}: not {encoding} text ({error}); try latin-1") from error
    if b"\0" in raw:
        raise _no_text(path, raw, failure.encoding)
    line = raw.count(b"\n", 0, failure.start) + 1
    raise ValueError(
        f"{path}, line {line}: not {failure.encoding} text ({failure.reason}); give its"
        " encoding with encoding='latin-1', say (on the command line, --encoding latin-1)"
    ) from failure


def _check_utf_8(raw: bytes) -> None:
    """Raises UnicodeDecodeError where bytes are no UTF-8; takes them in parts, to save memory."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for start in range(0, len(raw), _PART):
            decoder.decode(raw[start : start + _PART])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        raw.decode()  # which knows where


def _with_line_feeds(raw: bytes) -> bytes:
    """Returns a text whose lines end by line feeds."""
    if b"\r" not in raw:
        return raw
    found = re.search(b"\r\n|\n|\r", raw)
    if found and found[0] == b"\r":
        return raw.translate(bytes.maketrans(b"\r\n", b"\n\r"))
    raw = re.sub(b"\r+\n\r*", b"\n", raw)
    return raw.strip(b"\r")


def _no_text(path: Path, raw: bytes, encoding: str) -> ValueError:
    line = raw.count(b"\n", 0, raw.index(b"\0")) + 1
    return ValueError(
        f"{path}, line {line}: holds a NUL character, so it is no text in {encoding}; it may be"
        " damaged, or in encoding='utf-16-le' (on the command line, --encoding utf-16-le)"
    )


def _unpacked(path: Path, raw: bytes) -> bytes:
    if raw.startswith(b"PK\x03\x04"):
        raise ValueError(
            f"{path} is a zip archive or a spreadsheet, no text; unpack it, or save it as CSV"
        )
    if not raw.startswith(b"\x1f\x8b"):
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is a damaged gzip file: {error}") from error
