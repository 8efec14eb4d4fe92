"""Putting a checkpoint's tensors into a network: which names fit, what was stripped, what was left out."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from neurontune_core.errors import InputError, listing
from neurontune_core.models.checkpoints import Checkpoint, read_checkpoint
from neurontune_core.models.heads import find_head, require_linear
from neurontune_core.models.weight_trees import AVERAGED, copies_of
from neurontune_core.remarks import Remark


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
        doubts: what may spoil the result, and how to choose otherwise.
        normalization: mean and std for values in 0..1 that the checkpoint's own first layer uses; None without one.
        normalization_from: the names of these tensors.

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
    doubts: tuple[Remark, ...] = ()
    normalization: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    normalization_from: str = ""

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
        return [*lines, *self.remarks, *(doubt.sentence for doubt in self.doubts)]


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
    architecture = str(spec.get("architecture"))
    require_linear(module, classifier_name, architecture)
    checkpoint = read_checkpoint(imagenet or base / weights, str(spec.get("weights_key") or ""))
    state, fit = match(checkpoint, module.state_dict())
    left = {name: checkpoint.state[name] for name in fit.unexpected}
    last = find_head(state, module, classifier_name, left, bool(spec.get("use_last_linear")), checkpoint.path)
    classifier_name, head, remarks = last.name, last.stored, (*fit.remarks, *last.remarks)
    fit = replace(fit, remarks=remarks)
    stored_classes = None if head is None else len(state[f"{head}.weight"])
    if imagenet is None:
        refuse_classes(checkpoint.path, stored_classes, requested)
    if head is not None and requested in (None, stored_classes):
        _resize_head(module, classifier_name, stored_classes)
        if f"{head}.bias" not in state and module.get_submodule(classifier_name).bias is not None:
            state[f"{head}.bias"] = torch.zeros(len(state[f"{head}.weight"]))
            fit = replace(
                fit, remarks=(*remarks, f'The head "{head}" has no bias in the checkpoint; it is taken as 0.')
            )
        _nest(module, classifier_name, head)
    else:
        dropped = [name for name in state if name.startswith(f"{classifier_name}.")]
        state = {name: tensor for name, tensor in state.items() if name not in dropped}
        fresh = tuple(f"{classifier_name}.{name}" for name in module.get_submodule(classifier_name).state_dict())
        _resize_head(module, classifier_name, requested or 0)
        missing = () if requested == 0 else fresh
        unexpected = (*fit.unexpected, *dropped)
        fit = replace(fit, trained_head=False, headless=not requested, missing=missing, unexpected=unexpected)
    fit = check(fit, state, module, architecture)
    ordered: Any = OrderedDict(state)
    ordered._metadata = getattr(module.state_dict(), "_metadata", None)  # the versions that MNASNet insists on
    module.load_state_dict(ordered, strict=False)
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
    mean, std, stem = _own_normalization(checkpoint.state, left)
    copies = copies_of([name for name in kept if name in names], checkpoint.state, prefix)
    left = tuple(name for name in left if not name.startswith(copies)) if copies else left
    return kept, Fit(
        str(checkpoint.path),
        checkpoint.wrapper,
        prefix,
        unexpected=left,
        unread=checkpoint.unread,
        remarks=checkpoint.remarks,
        doubts=_other_weights(checkpoint, prefix, copies),
        normalization=(mean, std) if stem else None,
        normalization_from=stem,
    )


def _other_weights(checkpoint: Checkpoint, prefix: str, copies: tuple[str, ...]) -> tuple[Remark, ...]:
    """Say which other networks a checkpoint holds, such as an average of the weights (EMA), and how to take them."""
    under = f"{checkpoint.wrapper}." if checkpoint.wrapper else ""
    others = [*checkpoint.others, *(f"{under}{copy.rstrip('.')}" for copy in copies)]
    if not others:
        return ()
    own = f"{under}{prefix}".rstrip(".") or "the file itself"
    averaged = [name for name in others if AVERAGED.search(name)]
    average = ", an average of the weights (EMA) that was perhaps the one validated" if averaged else ""
    return (
        Remark(
            f'The checkpoint also holds weights of this size under {listing(others, 4)}{average}; those under "{own}" '
            "were taken.",
            "warning",
            "Name the key to take others.",
            f"--weights-key {(averaged or others)[0]}",
            "model",
        ),
    )


def _own_normalization(
    state: Mapping[str, torch.Tensor], left: Sequence[str]
) -> tuple[tuple[float, ...], tuple[float, ...], str]:
    """Return mean and std of a normalizing layer in front of the network, and the names of its tensors; "" without."""
    for name in sorted(left, key=lambda name: (name.count("."), name)):
        last = name.rpartition(".")[2]
        if last not in _STD_OF:
            continue
        pair = [name, f"{name.removesuffix(last)}{_STD_OF[last]}"]
        if any(other not in state or state[other].numel() != 3 for other in pair):
            continue
        mean, std = (tuple(state[other].float().reshape(3).tolist()) for other in pair)
        if min(std) > 0:
            scale = 255.0 if max(std) > 1 or max(mean) > 2 else 1.0
            return tuple(value / scale for value in mean), tuple(value / scale for value in std), " and ".join(pair)
    return (), (), ""


_STD_OF = {"mean": "std", "new_mean": "new_std", "mu": "sigma", "_mean": "_std", "pixel_mean": "pixel_std"}


_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")


def check(fit: Fit, state: Mapping[str, torch.Tensor], module: nn.Module, architecture: str) -> Fit:
    """Check that ``state`` fits the network, and list the names of modules that the network does not have in ``fit``.

    Raises:
        InputError: when they differ in more than that and what ``fit`` already lists.
    """
    expected = module.state_dict()
    statistics = [name for name in expected if name.endswith(("running_mean", "running_var")) and name not in state]
    if statistics and any(name.endswith((".weight", ".bias")) for name in state):
        without = [name for name in expected if name not in state and not name.endswith(_STATISTICS)]
        if not [name for name in without if name not in fit.missing]:
            raise InputError(
                f"The checkpoint {fit.source} has no running statistics ({_some(statistics)}), which batch "
                "normalization needs: it was saved from named_parameters(); save the network's state_dict()."
            )
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


def _nest(module: nn.Module, name: str, head: str) -> None:
    """Put the head into a sequence, as in the checkpoint, so that the names agree."""
    if head != name:
        before = [nn.Identity() for _ in range(int(head.rsplit(".", 1)[1]))]
        module.set_submodule(name, nn.Sequential(*before, module.get_submodule(name)))


def _resize_head(module: nn.Module, name: str, num_classes: int | None) -> None:
    layer = require_linear(module, name, type(module).__name__)
    if num_classes is None or int(num_classes) == layer.out_features:
        return
    with seeded():
        bias = layer.bias is not None
        fresh = nn.Linear(layer.in_features, int(num_classes), bias=bias) if int(num_classes) else nn.Identity()
        module.set_submodule(name, fresh)


def _some(names: Sequence[str]) -> str:
    return listing([f'"{name}"' for name in names], 3)
