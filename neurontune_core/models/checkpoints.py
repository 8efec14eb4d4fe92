"""Reading checkpoints without running them: safetensors, or torch files by the weights-only unpickler."""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from neurontune_core.errors import InputError

_WRAPPERS = ("state_dict", "model", "state_dict_ema", "model_state_dict")  # where training scripts put the weights
_MAX_GROWTH, _ALWAYS_ALLOWED = 4, 64 << 20  # torch stores tensors uncompressed; bytes


@dataclass(frozen=True)
class Checkpoint:
    """The content of a file of weights.

    Attributes:
        path: the file.
        state: tensors by name, as stored.
        wrapper: the keys under which they were stored, such as ``"state_dict"``; empty without one.
        unread: the classes of the other objects in the file, which were not read.
    """

    path: Path
    state: dict[str, torch.Tensor]
    wrapper: str = ""
    unread: tuple[str, ...] = ()


def read_checkpoint(path: Path) -> Checkpoint:
    """Read the tensors of a checkpoint without running anything in it.

    Args:
        path: a ``.safetensors`` file, a file of ``torch.save`` (a state dict, alone or under a usual key), or a
            Lightning ``.ckpt``, whose hyper-parameters are skipped where they are more than plain values.

    Raises:
        InputError: when the file is missing, would run code, unpacks to far more than its size, or has no tensors.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     torch.save({"state_dict": {"fc.weight": torch.zeros(2, 3)}}, Path(folder, "model.pt"))
    ...     checkpoint = read_checkpoint(Path(folder, "model.pt"))
    >>> list(checkpoint.state), checkpoint.wrapper
    (['fc.weight'], 'state_dict')
    """
    if not path.is_file():
        raise InputError(f"There is no checkpoint {path}.")
    content, unread = (_read_safetensors(path), ()) if path.suffix == ".safetensors" else _read_torch(path)
    wrapper, named = _unwrap(content, path)
    state = {name: value for name, value in named.items() if isinstance(name, str) and isinstance(value, torch.Tensor)}
    if not state:
        raise InputError(f"The checkpoint {path} holds no tensors by name; save the network's state_dict().")
    return Checkpoint(path, state, wrapper, unread)


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise InputError(f"{path} is not a safetensors file ({error}).") from None


class _Unread:
    """Stands in for a class of the training script: it accepts any arguments and ignores them."""

    def __new__(cls, *_: object) -> Any:
        return OrderedDict()  # the one type that torch's reader lets be filled in every way


def _read_torch(path: Path) -> tuple[Any, tuple[str, ...]]:
    is_zip = zipfile.is_zipfile(path)
    if is_zip:
        _refuse_zip_bomb(path)
    unread = _foreign_names(path) if is_zip and path.suffix == ".ckpt" else []
    try:
        with torch.serialization.safe_globals([(_Unread, name) for name in unread]):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip), tuple(unread)
    except pickle.UnpicklingError:
        raise InputError(
            f"The checkpoint {path} was refused, and nothing in it ran: {_what_it_wants(path, is_zip)}; "
            "save only the weights, torch.save(model.state_dict(), ...), or use safetensors."
        ) from None
    except Exception as error:  # a damaged file may stop the reader anywhere, with any error
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path} is not a checkpoint that torch can read ({first_line}).") from None


def _refuse_zip_bomb(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile as error:
        raise InputError(f"{path} is a damaged checkpoint ({error}).") from None
    size = path.stat().st_size
    if unpacked > max(_ALWAYS_ALLOWED, _MAX_GROWTH * size):
        raise InputError(
            f"The checkpoint {path} was refused: its {size / 2**20:.1f} MiB unpack to {unpacked / 2**20:,.0f} MiB, "
            "which no file written by torch.save does."
        )


def _what_it_wants(path: Path, is_zip: bool) -> str:
    foreign = _foreign_names(path) if is_zip else []  # only this format can be listed without reading it
    if foreign:
        return f"besides tensors it wants to use {', '.join(foreign[:4])}"
    return "besides tensors it holds objects that would have to run code"


def _foreign_names(path: Path) -> list[str]:
    with suppress(RuntimeError, ValueError, pickle.UnpicklingError):
        return sorted(torch.serialization.get_unsafe_globals_in_checkpoint(path))
    return []


def _unwrap(content: Any, path: Path) -> tuple[str, Mapping[Any, Any]]:
    keys: list[str] = []
    while isinstance(content, Mapping):
        key = next((key for key in _WRAPPERS if isinstance(content.get(key), Mapping)), None)
        if key is None:
            return ".".join(keys), content
        keys.append(key)
        content = content[key]
    raise InputError(
        f"The checkpoint {path} holds a {type(content).__name__}, not weights by name; save the network's state_dict()."
    )
