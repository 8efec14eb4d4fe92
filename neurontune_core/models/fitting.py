"""Putting a checkpoint's tensors into a network: which names fit, what was stripped, what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from neurontune_core.errors import InputError, listing
from neurontune_core.models.checkpoints import Checkpoint, read_checkpoint


@dataclass(frozen=True)
class Fit:
    """How a checkpoint was matched to a network.

    Attributes:
        source: the checkpoint; empty for random weights.
        wrapper: the keys under which the weights were stored.
        prefix: what was stripped from their names.
        missing: names of the network that the checkpoint lacks.
        unexpected: names of the checkpoint that the network does not have.
        unread: classes of the other objects in the file, which were not read.
        trained_head: whether the network's last layer comes from the checkpoint (or is random by request).
        headless: whether the network has no last layer and returns its embedding.
        class_names: the names of the outputs in the model's folder, in their order; empty when it has none.
        remarks: further sentences for the user.

    >>> Fit("model.pt", prefix="module.").sentences()
    ['"module." was taken off the names of the weights.']
    """

    source: str = ""
    wrapper: str = ""
    prefix: str = ""
    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    trained_head: bool = True
    headless: bool = False
    class_names: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def sentences(self) -> list[str]:
        """Say what was stripped, left out, missing or assumed; empty when the checkpoint fitted as stored."""
        lines = []
        if self.wrapper:
            lines.append(f'The weights were read from the checkpoint\'s "{self.wrapper}".')
        if self.prefix:
            lines.append(f'"{self.prefix}" was taken off the names of the weights.')
        if self.unexpected:
            lines.append(f"Left out, as the network has no place for it: {_some(self.unexpected)}.")
        if self.missing:
            lines.append(f"Not in the checkpoint, so freshly initialized or left off: {_some(self.missing)}.")
        if self.unread:
            lines.append(f"Not read, as nothing in a checkpoint is run: its objects of {_some(self.unread)}.")
        return [*lines, *self.remarks]


def fill(
    module: nn.Module, classifier_name: str, spec: Mapping[str, Any], base: Path, imagenet: Path | None = None
) -> Fit:
    """Load the weights that ``spec`` names into ``module`` and resize its last layer to them.

    The number of classes comes from the checkpoint. A checkpoint without a last layer, or a spec with ``num_classes``
    0, leaves the network without one: it then returns its embedding. ``"random"`` keeps the (seeded) weights.

    Args:
        module: the freshly built network.
        classifier_name: the state-dict prefix of its last layer.
        spec: of the model.
        base: the folder that relative paths start from.
        imagenet: the checkpoint that ``"imagenet"`` stands for, if there is one.

    Raises:
        InputError: when no weights are named, or they do not fit the network or the spec's ``num_classes``.
    """
    weights, requested = spec.get("weights"), spec.get("num_classes")
    if not isinstance(weights, str) or not weights:
        raise InputError('The model has no "weights"; give the path of a checkpoint, or "random" to try things out.')
    if requested is not None and int(requested) < 0:
        raise InputError(f"Expected num_classes of at least 0, but got {requested}.")
    if weights == "random":
        _resize_head(module, classifier_name, requested)
        return Fit(trained_head=requested != 0, headless=requested == 0)
    if weights == "imagenet" and imagenet is None:
        raise InputError(
            f'There are no installed ImageNet weights for "{spec.get("architecture")}"; give "weights" as a path.'
        )
    checkpoint = read_checkpoint(imagenet or base / weights)
    state, fit = match(checkpoint, module.state_dict())
    head, remarks = _head_in(state, module, classifier_name, bool(spec.get("use_last_linear")), checkpoint.path)
    stored_classes = None if head is None else len(state[f"{head}.weight"])
    if imagenet is None:
        refuse_classes(checkpoint.path, stored_classes, requested)
    if head is not None and requested in (None, stored_classes):
        _resize_head(module, classifier_name, stored_classes)
        _nest(module, classifier_name, head)
        fit = replace(fit, remarks=remarks)
    else:
        dropped = [name for name in state if name.startswith(f"{classifier_name}.")]
        state = {name: tensor for name, tensor in state.items() if name not in dropped}
        fresh = tuple(f"{classifier_name}.{name}" for name in module.get_submodule(classifier_name).state_dict())
        _resize_head(module, classifier_name, requested or 0)
        missing = () if requested == 0 else fresh
        unexpected = (*fit.unexpected, *dropped)
        fit = replace(fit, trained_head=False, headless=not requested, missing=missing, unexpected=unexpected)
    fit = check(fit, state, module, str(spec.get("architecture")))
    module.load_state_dict(state, strict=False)
    return fit


def match(checkpoint: Checkpoint, expected: Iterable[str]) -> tuple[dict[str, torch.Tensor], Fit]:
    """Rename the checkpoint's tensors to the network's names by stripping the prefix that makes most of them fit.

    Training frameworks prepend ``module.`` (DataParallel), ``_orig_mod.`` (torch.compile) or the name of an attribute
    (Lightning: ``model.``, ``net.``, ``backbone.``); tensors without that prefix belong to the wrapper.

    Args:
        checkpoint: as read.
        expected: the network's names.

    Returns:
        Tensors by the network's names, and what was stripped and left out.

    >>> state, fit = match(Checkpoint(Path("model.pt"), {"module.fc.bias": torch.zeros(2)}), ["fc.bias"])
    >>> list(state), fit.prefix
    (['fc.bias'], 'module.')
    """
    names, counts = set(expected), Counter[str]()
    for name in checkpoint.state:
        parts = name.split(".")
        counts.update(
            "".join(f"{part}." for part in parts[:start])
            for start in range(len(parts))
            if ".".join(parts[start:]) in names
        )
    prefix = min(counts, key=lambda prefix: (-counts[prefix], len(prefix)), default="")
    kept = {name.removeprefix(prefix): tensor for name, tensor in checkpoint.state.items() if name.startswith(prefix)}
    left = tuple(name for name in checkpoint.state if not name.startswith(prefix))
    return kept, Fit(str(checkpoint.path), checkpoint.wrapper, prefix, unexpected=left, unread=checkpoint.unread)


def check(fit: Fit, state: Mapping[str, torch.Tensor], module: nn.Module, architecture: str) -> Fit:
    """Check that ``state`` fits the network, and list the names of modules that the network does not have in ``fit``.

    Raises:
        InputError: when they differ in more than that and what ``fit`` already lists.
    """
    expected = module.state_dict()
    rooms = {name.split(".")[0] for name in expected}
    missing = [name for name in expected if name not in state and not name.endswith("num_batches_tracked")]
    unexpected = [name for name in state if name not in expected]
    refuse_misfit(
        fit.source,
        architecture,
        missing=[name for name in missing if name not in fit.missing],
        unexpected=[name for name in unexpected if name.split(".")[0] in rooms],
        reshaped={
            name: (list(state[name].shape), list(tensor.shape))
            for name, tensor in expected.items()
            if name in state and state[name].shape != tensor.shape
        },
    )
    return replace(fit, unexpected=(*fit.unexpected, *unexpected))


def refuse_classes(checkpoint: Path, stored: int | None, requested: int | str | None) -> None:
    """Refuse a checkpoint whose last layer has another number of classes than the spec requests.

    Raises:
        InputError: when both numbers are known and differ.

    >>> refuse_classes(Path("model.pt"), 10, 2)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    neurontune_core.errors.InputError: The checkpoint model.pt has 10 classes, but num_classes says 2; ...
    """
    if stored and requested and int(requested) != stored:
        raise InputError(
            f"The checkpoint {checkpoint} has {stored} classes, but num_classes says {requested}; "
            "leave num_classes out."
        )


def refuse_misfit(
    source: str,
    architecture: str,
    missing: Sequence[str],
    unexpected: Sequence[str],
    reshaped: Mapping[str, tuple[list[int], list[int]]],
) -> None:
    """Refuse a checkpoint with missing, unexpected or differently shaped tensors.

    Args:
        source: the checkpoint.
        architecture: the name of the network.
        missing, unexpected: names.
        reshaped: name -> the shape in the checkpoint, and in the network.

    Raises:
        InputError: when any of the three has an entry.

    >>> refuse_misfit("model.pt", "resnet18", ["fc.bias"], [], {})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    neurontune_core.errors.InputError: The checkpoint model.pt is not one of "resnet18": it lacks "fc.bias"; ...
    """
    reasons = [
        f'"{name}" is {there} there and {expected} in the network' for name, (there, expected) in reshaped.items()
    ][:1]
    reasons += [f"it lacks {_some(missing)}"] if missing else []
    reasons += [f"it also has {_some(unexpected)}"] if unexpected else []
    if reasons:
        raise InputError(
            f'The checkpoint {source} is not one of "{architecture}": {", ".join(reasons)}; '
            "name the one that it was trained as."
        )


@contextmanager
def seeded(seed: int = 0) -> Iterator[None]:
    """Seed the initialization of weights in the block, so that "random" is the same model at every load.

    >>> with seeded():
    ...     first = torch.rand(2)
    >>> with seeded():
    ...     torch.equal(torch.rand(2), first)
    True
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _head_in(
    state: dict[str, torch.Tensor], module: nn.Module, name: str, agreed: bool, path: Path
) -> tuple[str | None, tuple[str, ...]]:
    """Return where the checkpoint stores the last layer ``name``: there, or one level deeper; None when it has none."""
    inside = [key for key in state if key.startswith(f"{name}.")]
    weights = [key for key in inside if key.endswith(".weight")]
    if not inside:
        return None, ()
    layer = module.get_submodule(name)
    assert isinstance(layer, nn.Linear)
    layer_name = weights[0].removesuffix(".weight") if len(weights) == 1 else ""
    index = layer_name.removeprefix(f"{name}.")
    shape = list(state[weights[0]].shape) if len(weights) == 1 else []
    if layer_name == name and len(shape) == 2:
        return layer_name, ()
    if index.isdigit() and len(shape) == 2 and shape[1] == layer.in_features:
        if agreed:
            return layer_name, (
                f'The head is taken to be its one linear layer "{layer_name}", with nothing else around it.',
            )
        raise InputError(
            f'The head of the checkpoint {path} is not one linear layer: "{layer_name}" is part of a sequence whose '
            'other layers have no weights; if these are only dropout, add "use_last_linear": true.'
        )
    raise InputError(
        f'The head of the checkpoint {path} is not one linear layer "{name}" over {layer.in_features} neurons, it has '
        f"{_some(inside)}; give the network as a Python entry point, module:function."
    )


def _nest(module: nn.Module, name: str, head: str) -> None:
    """Put the head into a sequence, as in the checkpoint, so that the names agree."""
    if head != name:
        before = [nn.Identity() for _ in range(int(head.rsplit(".", 1)[1]))]
        module.set_submodule(name, nn.Sequential(*before, module.get_submodule(name)))


def _resize_head(module: nn.Module, name: str, num_classes: int | None) -> None:
    layer = module.get_submodule(name)
    assert isinstance(layer, nn.Linear)
    if num_classes is None or int(num_classes) == layer.out_features:
        return
    with seeded():
        bias = layer.bias is not None
        fresh = nn.Linear(layer.in_features, int(num_classes), bias=bias) if int(num_classes) else nn.Identity()
        module.set_submodule(name, fresh)


def _some(names: Sequence[str]) -> str:
    return listing([f'"{name}"' for name in names], 3)
