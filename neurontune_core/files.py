"""Whole files or none: everything is written under a temporary name and renamed."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurontune_core.errors import InputError

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
        InputError: when the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is not a JSON file: {error}.") from None
