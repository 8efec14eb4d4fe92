"""Reading checkpoints without running them: safetensors, or torch files by the weights-only unpickler."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn

from neurontune_core.errors import InputError

_WRAPPERS = ("state_dict", "model", "state_dict_ema", "model_state_dict")  # where training scripts put the weights
_PREFIXES = ("module.", "_orig_mod.", "model.")  # DataParallel, torch.compile, Lightning
_MAX_GROWTH, _ALWAYS_ALLOWED = 4, 64 << 20  # torch stores tensors uncompressed; bytes


def read_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint by name, without wrappers and wrapper prefixes.

    Args:
        path: a ``.safetensors`` file, or what ``torch.save`` wrote (a state dict, alone or under a usual key).

    Raises:
        InputError: when the file is missing, wants to run code, unpacks to far more than its size, or has no tensors.
    """
    if not path.is_file():
        raise InputError(f"There is no checkpoint {path}.")
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    state = _without_prefixes(
        {name: value for name, value in _unwrap(content, path).items() if _is_tensor(name, value)}
    )
    if not state:
        raise InputError(f"The checkpoint {path} holds no tensors by name; save the network's state_dict().")
    return state


def fill(
    module: nn.Module, classifier_name: str, spec: Mapping[str, Any], base: Path, imagenet: Path | None = None
) -> bool:
    """Put the weights that ``spec`` names into ``module`` and size its last layer; True when that layer is trained.

    The number of classes is read off the checkpoint. ``"random"`` leaves the (seeded) weights as they are. Only the
    ``imagenet`` weights may be given a fresh last layer.

    Raises:
        InputError: when no weights are named, or they do not fit the network or the spec's ``num_classes``.
    """
    weights, wanted = spec.get("weights"), spec.get("num_classes")
    if not isinstance(weights, str) or not weights:
        raise InputError('The model has no "weights"; give the path of a checkpoint, or "random" to try things out.')
    if weights == "random":
        _resize_head(module, classifier_name, wanted)
        return True
    if weights == "imagenet" and imagenet is None:
        raise InputError(
            f'There are no installed ImageNet weights for "{spec.get("architecture")}"; give "weights" as a path.'
        )
    path = imagenet or base / weights
    state = read_state_dict(path)
    head_weight = state.get(f"{classifier_name}.weight")
    if head_weight is None or head_weight.ndim != 2:
        raise InputError(
            f'The checkpoint {path} has no last layer "{classifier_name}.weight"; its names begin with '
            f'"{next(iter(state))}", so it is not a "{spec.get("architecture")}" with its head.'
        )
    found = int(head_weight.shape[0])
    _resize_head(module, classifier_name, found)
    _load(module, state, path, str(spec.get("architecture")))
    if wanted is None or int(wanted) == found:
        return True
    if imagenet is None:
        raise InputError(
            f"The checkpoint {path} has {found} classes, but num_classes says {wanted}; leave num_classes out."
        )
    _resize_head(module, classifier_name, wanted)
    return False


@contextmanager
def seeded(seed: int = 0) -> Iterator[None]:
    """Fresh weights that are the same at every load, so that "random" is one model and not many."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _resize_head(module: nn.Module, name: str, num_classes: int | None) -> None:
    layer = module.get_submodule(name)
    assert isinstance(layer, nn.Linear)
    if num_classes is None or int(num_classes) == layer.out_features:
        return
    if int(num_classes) < 1:
        raise InputError(f"Expected num_classes of at least 1, but got {num_classes}.")
    with seeded():
        module.set_submodule(name, nn.Linear(layer.in_features, int(num_classes), bias=layer.bias is not None))


def _load(module: nn.Module, state: dict[str, torch.Tensor], path: Path, architecture: str) -> None:
    expected = module.state_dict()
    missing = [name for name in expected if name not in state and not name.endswith("num_batches_tracked")]
    unexpected = [name for name in state if name not in expected]
    reshaped = [name for name in expected if name in state and state[name].shape != expected[name].shape]
    if missing or unexpected or reshaped:
        if reshaped:
            name = reshaped[0]
            reason = f'"{name}" is {list(state[name].shape)} there and {list(expected[name].shape)} in the network'
        else:
            reason = f'it lacks "{missing[0]}"' if missing else f'it also has "{unexpected[0]}"'
        raise InputError(
            f'The checkpoint {path} is not one of "{architecture}": {reason}; name the one that it was trained as.'
        )
    module.load_state_dict(state, strict=False)


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise InputError(f"{path} is not a safetensors file ({error}).") from None


def _read_torch(path: Path) -> Any:
    is_zip = zipfile.is_zipfile(path)
    if is_zip:
        _refuse_zip_bomb(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=is_zip)
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
    wanted: list[str] = []
    if is_zip:  # only this format can be listed without reading it
        with suppress(RuntimeError, ValueError, pickle.UnpicklingError):
            wanted = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    if wanted:
        return f"besides tensors it wants to use {', '.join(sorted(wanted)[:4])}"
    return "besides tensors it holds objects that would have to run code"


def _unwrap(content: Any, path: Path) -> Mapping[Any, Any]:
    while isinstance(content, Mapping):
        inner = next((content[key] for key in _WRAPPERS if isinstance(content.get(key), Mapping)), None)
        if inner is None:
            return content
        content = inner
    raise InputError(
        f"The checkpoint {path} holds a {type(content).__name__}, not weights by name; save the network's state_dict()."
    )


def _is_tensor(name: Any, value: Any) -> bool:
    return isinstance(name, str) and isinstance(value, torch.Tensor)


def _without_prefixes(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Where a wrapper's prefix occurs, the network is what stands under it; the rest belongs to the wrapper."""
    while prefix := next((prefix for prefix in _PREFIXES if any(name.startswith(prefix) for name in state)), None):
        state = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    return state
