"""The classifiers of torchvision.models, with a checkpoint of the user's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from neurontune_core.errors import InputError
from neurontune_core.models.base import ImageModel
from neurontune_core.models.fitting import fill, seeded
from neurontune_core.models.preprocessing import Preprocessing


def load(spec: dict[str, Any], base: Path) -> ImageModel:
    """Load a network of torchvision.

    Preprocessing defaults to that of torchvision's first ImageNet weights of the architecture (256/224 for ResNets).

    Raises:
        InputError: on an unknown architecture, one that does not end in a linear layer, or weights that do not fit.
    """
    import torchvision

    architecture = spec.get("architecture", "")
    known = torchvision.models.list_models(module=torchvision.models)
    if architecture not in known:
        raise InputError(
            f'torchvision has no classifier "{architecture}"; among others it has {", ".join(known[::8])}.'
        )
    with seeded():
        module = torchvision.models.get_model(architecture, weights=None, **OPTIONS.get(architecture, {}))
    linear = [name for name, layer in module.named_modules() if isinstance(layer, nn.Linear)]
    if not linear:
        raise InputError(f'"{architecture}" does not end in a linear layer, so it has no neurons to examine.')
    if architecture in OPTIONS:  # the auxiliary heads are for training alone
        for name in ("AuxLogits", "aux1", "aux2"):
            if hasattr(module, name):
                setattr(module, name, None)
        module.aux_logits = False
    loading = fill(module, linear[-1], spec, base)
    if architecture in OPTIONS:
        loading = replace(loading, remarks=(*loading.remarks, _TRANSFORMED))
    return ImageModel(module, architecture, _defaults(architecture).changed(spec), loading=loading)


# Both are for training; their weights are random and their initialization slow otherwise.
_TRANSFORMED = (
    "Fine-tuned from torchvision's weights, this network maps its input to values from -1 to 1 (transform_input), as "
    "mean 0.5 and std 0.5 do, which are used. For one trained without, name ImageNet's mean and std."
)
OPTIONS: dict[str, dict[str, Any]] = {
    "googlenet": {"aux_logits": True, "init_weights": False, "transform_input": False},
    "inception_v3": {"aux_logits": True, "init_weights": False, "transform_input": False},
}


def _defaults(architecture: str) -> Preprocessing:
    import torchvision

    preset = next(iter(torchvision.models.get_model_weights(architecture))).transforms()
    halves = (0.5, 0.5, 0.5)
    return Preprocessing(
        image_size=preset.crop_size[0],
        resize=preset.resize_size[0],
        mean=halves if architecture in OPTIONS else tuple(preset.mean),
        std=halves if architecture in OPTIONS else tuple(preset.std),
        interpolation=preset.interpolation.value,
    )
