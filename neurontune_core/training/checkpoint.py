"""The state of a training between two epochs, in one file of tensors and plain values that is replaced whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from neurontune_core.errors import InputError
from neurontune_core.files import write_whole

FILE = "checkpoint.pt"


def save_checkpoint(folder: Path, fingerprint: str, state: dict[str, Any]) -> None:
    """Write ``state``, which may contain only tensors, numbers, texts and containers of them.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     save_checkpoint(Path(folder), "a1b2", {"epoch": 3})
    ...     load_checkpoint(Path(folder), "a1b2"), load_checkpoint(Path(folder, "other"), "a1b2")
    ({'fingerprint': 'a1b2', 'epoch': 3}, None)
    """
    write_whole(folder / FILE, lambda path: torch.save({"fingerprint": fingerprint} | state, path))


def load_checkpoint(folder: Path, fingerprint: str) -> dict[str, Any] | None:
    """Return the state that was saved last; None when there is none. Only tensors and plain values are read.

    Raises:
        InputError: when it belongs to another training, or cannot be read.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        known = state["fingerprint"]
    except Exception as error:  # a damaged file may stop the reader anywhere, with any error
        first_line = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path} cannot be read ({first_line}); delete it to start this training anew.") from None
    if known != fingerprint:
        raise InputError(
            f"{folder} holds an unfinished training of another model, other data or other settings; "
            "choose another folder, or delete it."
        )
    return state


def remove_checkpoint(folder: Path) -> None:
    """Remove the checkpoint, and what a process killed while writing left behind."""
    for file in (folder / FILE, *folder.glob(f".*.{FILE}")):
        file.unlink(missing_ok=True)
