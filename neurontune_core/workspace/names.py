"""Names of folders: which are allowed, which are free."""

from __future__ import annotations

import re
import time
from pathlib import Path

from neurontune_core.errors import InputError

RESERVED = {  # by Windows, whatever follows after a dot
    "CON",
    "PRN",
    "AUX",
    "NUL",
    *(f"{port}{number}" for port in ("COM", "LPT") for number in range(10)),
}


def new_timed_folder(parent: Path, at: float | None = None) -> Path:
    """Make and return a folder that is named by the time; of two callers at once, each gets a folder of its own.

    Args:
        parent: where it goes; made when missing.
        at: seconds since 1970; now when left out.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     first, second = (new_timed_folder(Path(folder), at=0.0) for _ in range(2))
    >>> second.name == f"{first.name}x"
    True
    """
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / time.strftime("%Y%m%d-%H%M%S", time.localtime(at))
    while True:
        try:
            folder.mkdir()  # fails when another session has just made it, which a check beforehand would not notice
            return folder
        except FileExistsError:
            folder = folder.with_name(f"{folder.name}x")


def safe_name(name: str) -> str:
    """Return the name itself.

    Raises:
        InputError: when it is no plain folder name, so that no name leads out of its parent folder.

    >>> safe_name("birds-2")
    'birds-2'
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
        raise InputError(f'"{name}" cannot be a name; use letters, digits, dots, dashes and underscores.')
    return name


def new_name(name: str) -> str:
    """Return the name itself, for a folder that is to be made.

    Raises:
        InputError: when it is no plain folder name, or one that Windows reserves or would shorten.

    >>> new_name("birds-2")
    'birds-2'
    >>> new_name("NUL")
    Traceback (most recent call last):
    neurontune_core.errors.InputError: "NUL" cannot be the name of a folder on every system; choose another name.
    """
    if safe_name(name).endswith(".") or name.partition(".")[0].upper() in RESERVED:
        raise InputError(f'"{name}" cannot be the name of a folder on every system; choose another name.')
    return name
