"""Encoding and separator of tables that are text."""

from __future__ import annotations

import codecs
import csv
from pathlib import Path

HEAD = 1 << 20  # bytes at the start of a file that tell its columns
_MARKS = {"utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE), "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)}
_SEPARATORS = (",", ";", "\t", "|")  # of a file that is called .csv


def guess_encoding(path: Path) -> str:
    """Return "utf-8" where the whole file decodes as UTF-8, "utf-16" or "utf-32" where it begins with their mark,
    otherwise "cp1252", which Windows programs write.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.csv").write_bytes("Möwe".encode("cp1252"))
    ...     guess_encoding(Path(folder, "a.csv"))
    'cp1252'
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            start = file.read(4)
            for encoding, marks in _MARKS.items():
                if start.startswith(marks):
                    return encoding
            file.seek(0)
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def separator(path: Path) -> str:
    r"""Return what separates the columns of a ``.csv``: a comma, unless that makes one column and another sign more.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = Path(folder, "a.csv").write_text('path;label\n"a, b.png";cat\n')
    ...     separator(Path(folder, "a.csv"))
    ';'
    """
    lines = first_lines(path)
    widths = {}
    for sign in _SEPARATORS:
        try:
            rows = [row for row in csv.reader(lines, delimiter=sign) if row]
        except csv.Error:
            continue
        widths[sign] = len(rows[0]) if rows and len({len(row) for row in rows}) == 1 else 0
    if len(next(csv.reader(lines[:1]), [])) > 1:
        return ","
    return max(widths, key=lambda sign: widths[sign], default=",") if max(widths.values(), default=0) > 1 else ","


def first_lines(path: Path, count: int = 5) -> list[str]:
    """Return the first lines of a text file; fewer where they are very long."""
    with path.open("rb") as file:
        block = file.read(HEAD)
    if block.startswith(codecs.BOM_UTF8):
        block = block[len(codecs.BOM_UTF8) :]
    encoding = next((name for name, marks in _MARKS.items() if block.startswith(marks)), "utf-8")
    lines = block.decode(encoding, errors="replace").splitlines()
    return lines[:count] if len(block) < HEAD else lines[: min(count, max(1, len(lines) - 1))]
