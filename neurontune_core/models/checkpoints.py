"""Reading checkpoints without running them: safetensors, or torch files by the weights-only unpickler."""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from neurontune_core.errors import InputError, listing
from neurontune_core.files import read_json
from neurontune_core.limits import MAX_PICKLE_BYTES
from neurontune_core.models.file_kinds import refuse_other_kinds
from neurontune_core.models.weight_trees import choose_tree, plain_state

SHARDS = ".index.json"  # the end of the name of the list of shards, as transformers saves large models
_MAX_GROWTH, _ALWAYS_ALLOWED = 4, 64 << 20  # torch stores tensors uncompressed; bytes
_NUMPY = ("numpy.", "_codecs.")  # whose objects are rebuilt in other ways than a class of the training script


@dataclass(frozen=True)
class Checkpoint:
    """The content of a file of weights.

    Attributes:
        path: the file.
        state: tensors by name, as stored.
        wrapper: the keys under which they were stored, such as ``"state_dict"``; empty without one.
        unread: the classes of the other objects in the file, which were not read.
        others: the keys of other networks of about this size in the file, such as an average of the weights.
        remarks: what was done to the names and values.
    """

    path: Path
    state: dict[str, torch.Tensor]
    wrapper: str = ""
    unread: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def read_checkpoint(path: Path, key: str = "") -> Checkpoint:
    """Read the tensors of a checkpoint without running anything in it.

    Args:
        path: a ``.safetensors`` file, a file of ``torch.save`` (a state dict, alone or under any key; other objects in
            it are skipped), or the ``.index.json`` of a model in shards.
        key: the keys under which the weights are, or the beginning of their names; the largest tree by default.

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
    unread: tuple[str, ...] = ()
    content: Any
    if path.name.endswith(SHARDS):
        content = _read_shards(path)
    elif path.suffix == ".safetensors":
        content = _read_safetensors(path)
    else:
        content, unread = _read_torch(path)
    try:
        tree, others = choose_tree(content, path, key)
    except InputError as error:
        if unread:
            raise InputError(_refusal(path, f"besides tensors it wants to use {', '.join(unread[:4])}")) from None
        raise error
    if not path.name.endswith(SHARDS):
        _refuse_other_tensors(tree.state, path)
    state, remarks = plain_state(tree.state)
    return Checkpoint(path, state, tree.path, unread, others, remarks)


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, AttributeError, KeyError) as error:
        refuse_other_kinds(path)
        raise InputError(f"{path} is not a safetensors file ({error}).") from None


def _read_shards(path: Path) -> dict[str, Any]:
    """Read the files that an index of shards names, all of which lie beside it."""
    content = read_json(path)
    files = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(files, dict) or not all(
        isinstance(name, str) and Path(name).name == name for name in files.values()
    ):
        raise InputError(f"{path} does not say which files hold the weights.")
    state: dict[str, Any] = {}
    for name in dict.fromkeys(files.values()):
        state |= read_checkpoint(path.parent / name).state
    missing = [name for name in files if name not in state]
    if missing:
        raise InputError(f"The shards beside {path} lack {listing(missing, 3)}; download or save all of them again.")
    return state


class _Unread:
    """Stands in for a class of the training script: it accepts any arguments and ignores them."""

    def __new__(cls, *_: object) -> Any:
        return OrderedDict()  # the one type that torch's reader lets be filled in every way


class _Number:
    """Stands in for what builds numpy's scalars and arrays."""

    def __new__(cls, *_: object) -> Any:
        return object.__new__(cls)

    def __setstate__(self, _: object) -> None:
        """Ignore the state."""


def _read_torch(path: Path) -> tuple[Any, tuple[str, ...]]:
    refuse_other_kinds(path)
    is_zip = zipfile.is_zipfile(path)
    if is_zip:
        _refuse_zip_bomb(path)
    unread = _foreign_names(path) if is_zip else []
    stand_ins: list[Any] = [(_Number if name.startswith(_NUMPY) else _Unread, name) for name in unread]
    try:
        with torch.serialization.safe_globals(stand_ins):
            return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip), tuple(unread)
    except pickle.UnpicklingError:
        raise InputError(_refusal(path, _what_it_wants(path, is_zip))) from None
    except Exception as error:  # a damaged file may stop the reader anywhere, with any error
        first_line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path} is not a checkpoint that torch can read ({first_line}).") from None


def _refusal(path: Path, reason: str) -> str:
    return (
        f"The checkpoint {path} was refused, and nothing in it ran: {reason}; "
        "save only the weights, torch.save(model.state_dict(), ...), or use safetensors."
    )


def _refuse_zip_bomb(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile as error:
        raise InputError(f"{path} is a damaged checkpoint ({error}).") from None
    unpacked, size = sum(member.file_size for member in members), path.stat().st_size
    structure = max((member.file_size for member in members if member.filename.endswith("data.pkl")), default=0)
    if unpacked > max(_ALWAYS_ALLOWED, _MAX_GROWTH * size) or structure > MAX_PICKLE_BYTES:
        raise InputError(
            f"The checkpoint {path} was refused: its {size / 2**20:.1f} MiB unpack to {unpacked / 2**20:,.0f} MiB, "
            f"{structure / 2**20:,.0f} of them without tensors, which no file written by torch.save does."
        )


def _refuse_other_tensors(state: dict[str, torch.Tensor], path: Path) -> None:
    """Refuse tensors without memory behind their numbers, and kinds that no weights have."""
    strange = [
        name
        for name, tensor in state.items()
        if tensor.is_meta or tensor.layout != torch.strided or tensor.is_complex() or tensor.is_quantized
    ]
    if strange:
        kind = state[strange[0]]
        raise InputError(
            f'The checkpoint {path} has the tensor "{strange[0]}" ({kind.layout}, {kind.dtype}, {kind.device}), which '
            "holds no plain numbers; save the network's weights in float32 or float16."
        )
    claimed, size = sum(tensor.numel() * tensor.element_size() for tensor in state.values()), path.stat().st_size
    if claimed > max(_ALWAYS_ALLOWED, _MAX_GROWTH * size):
        raise InputError(
            f"The checkpoint {path} was refused: its tensors have {claimed / 2**20:,.0f} MiB of numbers, but the file "
            f"holds {size / 2**20:.1f} MiB."
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
