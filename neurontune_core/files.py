"""Whole files or none: everything is written under a temporary name and renamed."""

from __future__ import annotations

import json
import os
import re
import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurontune_core.errors import InputError
from neurontune_core.limits import MAX_JSON_BYTES, MAX_JSON_DEPTH

if TYPE_CHECKING:
    from filelock import FileLock


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Call ``write(temporary)`` and rename the result to ``path``, so that a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}.{path.name}")  # the ending stays: numpy adds one if it must
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_together(folder: Path, files: Mapping[str, Callable[[Path], object]]) -> None:
    """Write several files of a folder; none is in place before all are written.

    Args:
        folder: made when it does not exist.
        files: name -> a function that writes the file to the path that it is called with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    working = folder / f".{uuid.uuid4().hex[:8]}"
    working.mkdir()
    try:
        for name, write in files.items():
            write(working / name)
        for name in files:
            os.replace(working / name, folder / name)
    finally:
        shutil.rmtree(working, ignore_errors=True)


def lock_beside(path: Path) -> FileLock:
    """Return the lock for reading, changing and writing a file that several sessions share; use it in ``with``.

    It is a hidden file in the same folder, which is made when it does not exist.
    """
    from filelock import FileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path.with_name(f".{path.name}.lock"))


def write_json(path: Path, value: Any) -> None:
    write_whole(path, lambda temporary: temporary.write_text(json.dumps(value, indent=1), encoding="utf-8"))


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: when the file is missing, is not JSON, or is larger or deeper than the limits.
    """
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise InputError(f"{path} is larger than the {MAX_JSON_BYTES >> 20} MiB of JSON that are read.")
        return parse_json(path.read_bytes(), path)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None


def parse_json(data: bytes | str, where: object) -> Any:
    """Parse JSON that somebody else may have written.

    Args:
        data: the text.
        where: the file, for messages.

    Raises:
        InputError: when it is not JSON, not UTF-8, nested too deep, or holds a number of thousands of digits.

    >>> parse_json(b'{"a": [1]}', "a.json")
    {'a': [1]}
    >>> parse_json("[" * 5000, "a.json")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    neurontune_core.errors.InputError: a.json is not read: brackets stand more than ... deep in it.
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8-sig")
        if depths(text)[0] > MAX_JSON_DEPTH:
            raise InputError(f"{where} is not read: brackets stand more than {MAX_JSON_DEPTH} deep in it.")
        return json.loads(text)
    except InputError:
        raise
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{where} is not a JSON file: {error}.") from None
    except (ValueError, RecursionError, MemoryError) as error:  # an integer of thousands of digits
        raise InputError(f"{where} is not read ({str(error).split(';')[0]}).") from None


def depths(text: str) -> tuple[int, int]:
    """Return how deep brackets stand in brackets in JSON, outside of its strings, and how many are open at its end.

    >>> depths('{"a": [1, "[[["]}'), depths("[")
    ((2, 0), (1, 1))
    """
    now = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub("", text)):
        now += 1 if bracket in "[{" else -1
        deepest = max(deepest, now)
    return deepest, now


def set_aside_if_damaged(path: Path, read: Callable[[], object], content: str) -> str:
    """Rename a file that cannot be read, so that what it belongs to can go on without it.

    Args:
        path: the file.
        read: reads it, and raises InputError where it is damaged.
        content: what begins anew without it, such as "verdicts".

    Returns:
        a sentence on it; empty where the file can be read.
    """
    with lock_beside(path):
        try:
            read()
        except InputError as error:
            aside = path.with_name(f"{path.stem}.damaged-{uuid.uuid4().hex[:6]}{path.suffix}")
            os.replace(path, aside)
            reason = str(error).split(";")[0].rstrip(".")
            return f"{reason}; it was set aside as {aside.name}, and {content} begin anew."
    return ""


_STRING = re.compile(r'"(?:[^"\\]|\\.)*"?')
_BRACKET = re.compile(r"[\[\]{}]")
