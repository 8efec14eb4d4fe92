"""Which architecture a state dict is of, told by the names and shapes of its weight matrices alone.

Building the more than thousand networks of torchvision and timm takes minutes, so their digests are kept in
``known_networks.json``, which ``python -m neurontune_core.models.known_networks`` writes. A digest leaves out what a
person may have changed: the last layer, position tables (which depend on the image size), and vectors and buffers.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from neurontune_core.files import read_json, write_json

if TYPE_CHECKING:
    import torch

INDEX = Path(__file__).with_suffix(".json")
_SIZED = re.compile(r"pos_emb|position|rel_pos|attn_mask|attention_bias|rope|freqs|logit_scale|coords")
_MAX_PREFIX_PARTS = 4
_MIN_SHARE = 0.5  # of a checkpoint's tensors that must stand under a prefix

Shapes = Mapping[str, Sequence[int]]


class NetworkName(NamedTuple):
    """A network that can be asked of `load_model`."""

    family: str
    architecture: str

    def __str__(self) -> str:
        return f"{self.family} {self.architecture}"


def digest(shapes: Shapes, classifier: str) -> str:
    """Return 16 hexadecimal digits that are the same for all checkpoints of one architecture, however many their
    classes."""
    lines = [
        f"{name} {list(shape)}"
        for name, shape in sorted(shapes.items())
        if len(shape) > 1 and not name.startswith(f"{classifier}.") and not _SIZED.search(name)
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] if lines else ""


def identify(state: Mapping[str, torch.Tensor]) -> tuple[list[NetworkName], str]:
    """Return the networks whose weight matrices have these names and shapes, and the prefix that was taken off the
    names."""
    index = read_index()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items() if tensor.is_floating_point()}
    for prefix in _prefixes(shapes):
        inside = {name.removeprefix(prefix): shape for name, shape in shapes.items() if name.startswith(prefix)}
        networks = [
            network for head in index["classifiers"] for network in index["networks"].get(digest(inside, head), ())
        ]
        if networks:
            return [NetworkName(*each) for each in dict.fromkeys(map(tuple, networks))], prefix
    return [], ""


@cache
def read_index() -> dict[str, Any]:
    return read_json(INDEX)


def _prefixes(names: Iterable[str]) -> Iterator[str]:
    """Return the beginnings that at least half of the names share, the shortest first."""
    names, prefix = list(names), ""
    yield prefix
    for _ in range(_MAX_PREFIX_PARTS):
        inside = [name.removeprefix(prefix) for name in names if name.startswith(prefix)]
        firsts = [name.split(".")[0] for name in inside if "." in name]
        if not firsts:
            return
        common = max(set(firsts), key=firsts.count)
        if firsts.count(common) < _MIN_SHARE * len(names):
            return
        prefix += f"{common}."
        yield prefix


def misfit(network: NetworkName, shapes: Shapes) -> int:
    """Return how many tensors outside of the last layer the network and a checkpoint do not share, by name and
    shape."""
    module, classifier = build(network)
    pairs = [
        {(name, tuple(shape)) for name, shape in each.items() if _counts(name, classifier)}
        for each in (shapes, {name: tensor.shape for name, tensor in module.state_dict().items()})
    ]
    return len(pairs[0] ^ pairs[1])


def build(network: NetworkName) -> tuple[Any, str]:
    """Return the network, where it can be without memory for its weights, and the name of its last layer ("" without
    one)."""
    import torch
    from torch import nn

    try:
        with torch.device("meta"):
            module, classifier = _BUILDERS[network.family](network.architecture)
    except (NotImplementedError, RuntimeError):  # it computes with its weights while it is built
        module, classifier = _BUILDERS[network.family](network.architecture)
    if classifier is None:
        classifier = next(reversed([name for name, part in module.named_modules() if isinstance(part, nn.Linear)]), "")
    return module, classifier


def write_index() -> None:
    """Build every network once; takes some minutes."""
    networks: dict[str, list[NetworkName]] = {}
    classifiers: dict[str, None] = {}
    for network in _all_networks():
        module, classifier = build(network)
        key = digest({name: tensor.shape for name, tensor in module.state_dict().items()}, classifier)
        if classifier and key:
            networks.setdefault(key, []).append(network)
            classifiers[classifier] = None
    write_json(INDEX, {"classifiers": list(classifiers), "networks": networks})


def _counts(name: str, classifier: str) -> bool:
    return not name.startswith(f"{classifier}.") and not name.endswith("num_batches_tracked")


def _all_networks() -> Iterator[NetworkName]:
    import timm
    from torchvision import models

    from neurontune_core.models import cifar_resnet, efficientnet_lite

    yield from (NetworkName("torchvision", name) for name in models.list_models(module=models))
    yield from (NetworkName("efficientnet_lite", name) for name in efficientnet_lite.IMAGE_SIZES)
    yield from (NetworkName("cifar_resnet", name) for name in cifar_resnet.DEPTHS)
    for name in timm.list_models():
        if isinstance(timm_config(name).classifier, str):  # one head, not several
            yield NetworkName("timm", name)


def _torchvision(name: str) -> tuple[Any, str | None]:
    from torchvision import models

    from neurontune_core.models.torchvision_models import OPTIONS

    return models.get_model(name, weights=None, **OPTIONS.get(name, {})), None


def _efficientnet_lite(name: str) -> tuple[Any, str | None]:
    from efficientnet_lite_pytorch import EfficientNet

    return EfficientNet.from_name(name.replace("_", "-")), "_fc"


def _cifar_resnet(name: str) -> tuple[Any, str | None]:
    from neurontune_core.models.cifar_resnet import DEPTHS, CifarResNet

    return CifarResNet((DEPTHS[name] - 2) // 6), "linear"


def _timm(name: str) -> tuple[Any, str | None]:
    import timm

    return timm.create_model(name, pretrained=False), timm_config(name).classifier


def timm_config(name: str) -> Any:
    """Return timm's configuration of a network that it knows."""
    import timm

    return timm.get_pretrained_cfg(name, allow_unregistered=False)


_BUILDERS = {
    "torchvision": _torchvision,
    "efficientnet_lite": _efficientnet_lite,
    "cifar_resnet": _cifar_resnet,
    "timm": _timm,
}

if __name__ == "__main__":
    write_index()
