"""Which architecture a state dict is of, told by the names and shapes of its weight matrices alone.

Building the more than thousand networks of torchvision and timm takes minutes, so their digests are kept in
``known_networks.json``, which ``python -m neurontune_core.models.known_networks`` writes. A digest leaves out what a
person may have changed: the last layer, position tables (which depend on the image size), and vectors and buffers.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from neurontune_core.files import read_json, write_json

if TYPE_CHECKING:
    import torch

INDEX = Path(__file__).with_suffix(".json")
_SIZED = re.compile(r"pos_emb|position|rel_pos|attn_mask|attention_bias|rope|freqs|logit_scale|coords")
_AUXILIARY = re.compile(r"^(AuxLogits|aux1|aux2)\.")  # heads of Inception and GoogLeNet that only training uses
_MAX_PREFIX_PARTS = 4
_MIN_SHARE = 0.2  # of a checkpoint's tensors that must stand under a prefix
_MAX_PREFIXES = 40

Shapes = Mapping[str, Sequence[int]]


class NetworkName(NamedTuple):
    """A network that `load_model` can build.

    >>> str(NetworkName("timm", "vit_base_patch16_224"))
    'timm vit_base_patch16_224'
    """

    family: str
    architecture: str

    def __str__(self) -> str:
        return f"{self.family} {self.architecture}"


def digest(shapes: Shapes, classifier: str) -> str:
    """Hash the names and shapes of the weight matrices outside the last layer: 16 hexadecimal digits, the same for all
    checkpoints of an architecture whatever their number of classes.

    >>> two, ten = ({"body.weight": (5, 3), "fc.weight": (classes, 5)} for classes in (2, 10))
    >>> digest(two, "fc") == digest(ten, "fc") != digest({"body.weight": (5, 4)}, "fc")
    True
    """
    lines = [
        f"{name} {list(shape)}"
        for name, shape in sorted(shapes.items())
        if len(shape) > 1
        and not name.startswith(f"{classifier}.")
        and not _SIZED.search(name)
        and not _AUXILIARY.match(name)
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16] if lines else ""


def identify(state: Mapping[str, torch.Tensor]) -> tuple[list[NetworkName], str]:
    """Find the networks whose weight matrices have these names and shapes.

    Returns:
        The networks, and the prefix that was stripped from the names.

    >>> import torch
    >>> identify({"weight": torch.zeros(2, 3)})
    ([], '')
    """
    index = read_index()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items() if tensor.is_floating_point()}
    for prefix in _prefixes(shapes):
        inside = {name.removeprefix(prefix): shape for name, shape in shapes.items() if name.startswith(prefix)}
        networks = [
            network for head in index["classifiers"] for network in index["networks"].get(digest(inside, head), ())
        ]
        for parent in index["replaced"] if not networks else ():
            if len(inside.get(f"{parent}.weight", ())) == 2:  # the whole classifier was replaced by one linear layer
                networks = index["replaced"][parent].get(digest(inside, parent), [])
        if networks:
            return [NetworkName(*name) for name in dict.fromkeys(map(tuple, networks))], prefix
    return [], ""


@cache
def read_index() -> dict[str, Any]:
    return read_json(INDEX)


def _prefixes(names: Iterable[str]) -> Iterator[str]:
    """Yield "" and the prefixes that a fifth of the names share, the shortest first."""
    yield ""
    names, counts = list(names), Counter[str]()
    for name in names:
        parts = name.split(".")
        counts.update(f"{'.'.join(parts[:end])}." for end in range(1, min(len(parts), _MAX_PREFIX_PARTS + 1)))
    shared = [prefix for prefix, count in counts.items() if count >= _MIN_SHARE * len(names)]
    yield from sorted(shared, key=lambda prefix: (prefix.count("."), -counts[prefix]))[:_MAX_PREFIXES]


def lacking(network: NetworkName, names: Iterable[str]) -> list[str]:
    """List the names of a network outside its last layer that a checkpoint does not have."""
    module, classifier = build(network)
    names, parent = set(names), classifier.rpartition(".")[0] or classifier
    return [
        name
        for name in module.state_dict()
        if _counts(name, parent) and name not in names and not name.endswith(("running_mean", "running_var"))
    ]


def misfit(network: NetworkName, shapes: Shapes) -> int:
    """Count the tensors outside the last layer that only the network or only a checkpoint has, by name and shape."""
    module, classifier = build(network)
    pairs = [
        {(name, tuple(shape)) for name, shape in tensors.items() if _counts(name, classifier)}
        for tensors in (shapes, {name: tensor.shape for name, tensor in module.state_dict().items()})
    ]
    return len(pairs[0] ^ pairs[1])


def build(network: NetworkName) -> tuple[Any, str]:
    """Build a network, without memory for its weights where possible.

    Returns:
        The network, and the name of its last layer ("" without one).
    """
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
    """Write the index of all known networks by building each once; takes some minutes."""
    networks: dict[str, list[NetworkName]] = {}
    classifiers: dict[str, None] = {}
    for network in _all_networks():
        module, classifier = build(network)
        key = digest({name: tensor.shape for name, tensor in module.state_dict().items()}, classifier)
        if classifier and key:
            networks.setdefault(key, []).append(network)
            classifiers[classifier] = None
    write_json(INDEX, {"classifiers": list(classifiers), "networks": networks, "replaced": _replaced()})


def _replaced() -> dict[str, dict[str, list[NetworkName]]]:
    """Return the networks of torchvision whose head ends a sequence, by its name and the digest without it."""
    bodies: dict[str, dict[str, list[NetworkName]]] = {}
    for network in _all_networks():
        if network.family == "torchvision":
            module, classifier = build(network)
            if parent := classifier.rpartition(".")[0]:
                key = digest({name: tensor.shape for name, tensor in module.state_dict().items()}, parent)
                bodies.setdefault(parent, {}).setdefault(key, []).append(network)
    return bodies


def _counts(name: str, classifier: str) -> bool:
    return not (name.startswith(f"{classifier}.") or name.endswith("num_batches_tracked") or _AUXILIARY.match(name))


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
    """Return timm's configuration of a network."""
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
