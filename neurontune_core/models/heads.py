"""The last layer of a checkpoint: found by shape and place, whatever its name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from neurontune_core.errors import InputError, listing

_HEAD_WORDS = ("fc", "head", "classifier", "linear", "logits", "cls", "last")


class FoundHead(NamedTuple):
    """Where a network has its last layer, where the checkpoint has it, and what was done."""

    name: str
    stored: str | None
    remarks: tuple[str, ...] = ()


def require_linear(module: nn.Module, name: str, architecture: str) -> nn.Linear:
    """Return the last layer of a network.

    Raises:
        InputError: when it is none, or no linear one, as of networks that end in a convolution.
    """
    layer = module.get_submodule(name) if name else None
    if not isinstance(layer, nn.Linear):
        kind = "no last layer" if layer is None else f'a {type(layer).__name__} ("{name}")'
        raise InputError(
            f'"{architecture}" ends in {kind}, not in one linear layer over a vector, so it has no neurons to examine; '
            "build it with --entry module:function so that it ends in torch.nn.Linear."
        )
    return layer


def find_head(
    state: dict[str, torch.Tensor],
    module: nn.Module,
    name: str,
    left: Mapping[str, torch.Tensor],
    agreed: bool,
    path: Path,
) -> FoundHead:
    """Find the last layer of a checkpoint: under the network's name, in a sequence there, or elsewhere by its shape.

    A layer that stands elsewhere is renamed in ``state``; a whole classifier that was replaced by one linear layer is
    replaced in ``module``, too.

    Args:
        state: tensors by the network's names; changed.
        module: the network; changed.
        name: of its last layer.
        left: tensors of the checkpoint outside the network's part of it.
        agreed: whether a head in a sequence may be taken as its one linear layer.
        path: of the checkpoint, for messages.

    Raises:
        InputError: when the head is more than one linear layer.
    """
    layer = module.get_submodule(name)
    assert isinstance(layer, nn.Linear)
    inside = [key for key in state if key.startswith(f"{name}.")]
    weights = [key for key in inside if key.endswith(".weight")]
    if not inside:
        return _replaced(state, module, name) or _elsewhere(state, module, name, layer.in_features, left)
    stored = weights[0].removesuffix(".weight") if len(weights) == 1 else ""
    index = stored.removeprefix(f"{name}.")
    shape = list(state[weights[0]].shape) if len(weights) == 1 else []
    if stored == name and len(shape) == 2:
        return FoundHead(name, stored)
    if index.isdigit() and len(shape) == 2 and shape[1] == layer.in_features:
        if agreed:
            sentence = f'The head is taken to be its one linear layer "{stored}", with nothing else around it.'
            return FoundHead(name, stored, (sentence,))
        raise InputError(
            f'The head of the checkpoint {path} is not one linear layer: "{stored}" is part of a sequence whose '
            'other layers have no weights; if these are only dropout, add "use_last_linear": true.'
        )
    names = listing([f'"{key}"' for key in inside], 3)
    raise InputError(
        f'The head of the checkpoint {path} is not one linear layer "{name}" over {layer.in_features} neurons, it has '
        f"{names}; give the network as a Python entry point, module:function."
    )


def _replaced(state: dict[str, torch.Tensor], module: nn.Module, name: str) -> FoundHead | None:
    """Return the head of a network whose whole classifier was replaced: ``model.classifier = nn.Linear(...)``."""
    parent = name.rpartition(".")[0]
    weight = state.get(f"{parent}.weight") if parent else None
    if weight is None or weight.ndim != 2:
        return None
    before = module.get_submodule(parent)
    widths = [layer.in_features for layer in before.modules() if isinstance(layer, nn.Linear)]
    if weight.shape[1] not in (widths[:1] + widths[-1:]):
        return None
    module.set_submodule(parent, nn.Linear(weight.shape[1], weight.shape[0]))
    return FoundHead(parent, parent, (f'The checkpoint has one linear layer in the place of "{parent}".',))


def _elsewhere(
    state: dict[str, torch.Tensor], module: nn.Module, name: str, width: int, left: Mapping[str, torch.Tensor]
) -> FoundHead:
    """Look for a weight [C, width] among the tensors that the network has no place for."""
    expected = set(module.state_dict())
    spare = {key: tensor for key, tensor in state.items() if key not in expected} | dict(left)
    candidates = [
        key.removesuffix(".weight")
        for key, tensor in spare.items()
        if key.endswith(".weight") and tensor.ndim == 2 and tensor.shape[1] == width and _is_last(key, spare)
    ]
    distinct = [
        key for place, key in enumerate(candidates) if not any(_same(spare, key, other) for other in candidates[:place])
    ]
    named = [key for key in distinct if any(word in key.lower() for word in _HEAD_WORDS)] or distinct
    if len(named) != 1:
        remark = (
            (f"Several layers could be the head ({listing(distinct, 4)}), so none was taken.",)
            if len(named) > 1
            else ()
        )
        return FoundHead(name, None, remark)
    stored = named[0]
    for part in ("weight", "bias"):
        if f"{stored}.{part}" in spare:
            state.pop(f"{stored}.{part}", None)
            state[f"{name}.{part}"] = spare[f"{stored}.{part}"]
    return FoundHead(name, name, (f'The head is stored as "{stored}" and taken as "{name}".',))


def _is_last(key: str, spare: Mapping[str, torch.Tensor]) -> bool:
    """Return whether a layer is no first one of several: no other spare matrix reads its outputs."""
    outputs = spare[key].shape[0]
    parent = key.removesuffix(".weight").rpartition(".")[0]
    return not any(
        other != key and tensor.ndim == 2 and tensor.shape[1] == outputs and parent and other.startswith(f"{parent}.")
        for other, tensor in spare.items()
    )


def _same(spare: Mapping[str, torch.Tensor], one: str, other: str) -> bool:
    return torch.equal(spare[f"{one}.weight"], spare[f"{other}.weight"])
